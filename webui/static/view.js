// A small renderer: pages describe themselves as plain objects, patch() changes the document to match and leaves the
// rest, so that focus, selection and scroll places survive an update. Text is only ever set as text: there is no way
// to hand in markup.

const SVG = "http://www.w3.org/2000/svg";

// h("td", {class: "num", key: "x"}, "text", h("b", {}, 7), [more], null)
export function h(tag, props = {}, ...children) {
  return {tag, props, key: props.key, children: flatten(children)};
}

// An element that its owner keeps up to date itself, such as an editor.
export function own(element, key) {
  return {element, key};
}

function flatten(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

export function patch(parent, children) {
  const wanted = flatten([children]);
  const keyed = new Map();
  const free = [];
  for (const node of parent.childNodes) {
    if (node.viewKey !== undefined) {
      keyed.set(node.viewKey, node);
    } else {
      free.push(node);
    }
  }
  let place = parent.firstChild;
  for (const child of wanted) {
    const node = realise(parent, child, keyed, free);
    if (node === place) {
      place = place.nextSibling;
    } else {
      parent.insertBefore(node, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function realise(parent, child, keyed, free) {
  if (child.element) {
    child.element.viewKey = child.key ?? "own";
    return child.element;
  }
  if (child.tag === undefined) {
    return text(String(child), free);
  }
  const known = child.key === undefined ? take(free, (n) => n.viewTag === child.tag) : keyed.get(child.key);
  const node = known && known.viewTag === child.tag ? known : create(parent, child);
  set_props(node, child.props);
  if (!child.props.opaque) {
    patch(node, child.children);
  }
  return node;
}

function text(value, free) {
  const known = take(free, (n) => n.nodeType === Node.TEXT_NODE);
  if (!known) {
    return document.createTextNode(value);
  }
  if (known.data !== value) {
    known.data = value;
  }
  return known;
}

function take(list, fits) {
  const index = list.findIndex(fits);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

function create(parent, child) {
  const svg = child.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  const node = svg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  node.viewTag = child.tag;
  node.viewProps = {};
  if (child.key !== undefined) {
    node.viewKey = child.key;
  }
  return node;
}

function set_props(node, props) {
  const old = node.viewProps;
  for (const name of Object.keys(old)) {
    if (!(name in props)) {
      set_prop(node, name, null);
    }
  }
  for (const [name, value] of Object.entries(props)) {
    if (old[name] !== value) {
      set_prop(node, name, value);
    }
  }
  node.viewProps = props;
}

function set_prop(node, name, value) {
  if (name === "key" || name === "opaque") {
    return;
  }
  if (name.startsWith("on")) {
    node[name] = value;
  } else if (name === "style") {
    for (const [property, v] of Object.entries(value ?? {})) {
      node.style.setProperty(property, v);
    }
  } else if (name === "value" || name === "checked" || name === "disabled") {
    node[name] = value ?? (name === "value" ? "" : false);
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? "" : value);
  }
}

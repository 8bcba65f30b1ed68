// The master's page: which view is shown, the line at the top, and one render for every update.

import {Commands} from "./commands.js";
import * as format from "./format.js";
import {Live} from "./live.js";
import {Machines} from "./machines.js";
import {NodeDetail} from "./node_detail.js";
import {Overview} from "./overview.js";
import {empty} from "./parts.js";
import {Reference} from "./reference.js";
import {Specification} from "./spec.js";
import {h, patch} from "./view.js";

const kViews = [["", "Overview", Overview], ["machines", "Machines", Machines], ["spec", "Specification", Specification],
                ["commands", "Commands", Commands], ["components", "Components", Reference]];

const live = new Live();
let view = null;
let place = null;

function open_place() {
  const [name, argument] = location.hash.replace(/^#\/?/, "").split("/");
  const here = `${name}/${argument ?? ""}`;
  if (here === place) {
    return;
  }
  place = here;
  const known = kViews.find(([path]) => path === name);
  if (name === "node" && argument) {
    view = new NodeDetail(live, decode(argument));
  } else {
    view = known ? new known[2](live) : {title: "Not here", view: () => empty("There is no such page.")};
  }
  document.title = `${view.title} · flume`;
  render();
  window.scrollTo(0, 0);
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function navigation() {
  const current = place.split("/")[0];
  return kViews.map(([path, title]) => h("a", {href: `#/${path}`, key: path,
                                               "aria-current": path === current ? "page" : null}, title));
}

function health() {
  const status = live.data.status;
  const tone = live.online ? "good" : "bad";
  const text = live.online ? "live" : live.problem;
  return [h("span", {class: `badge tone-${tone}`, id: "online", role: "status"},
            h("span", {class: "dot", "aria-hidden": "true"}), text),
          status ? h("span", {class: "muted wide-only"}, `${status.host} · revision ${format.count(status.revision)}`) : null];
}

let asked = false;

function render() {
  if (asked) {
    return;
  }
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    patch(document.getElementById("nav"), navigation());
    patch(document.getElementById("health"), health());
    patch(document.getElementById("main"), h("div", {key: place, class: "view"}, view.view()));
    document.body.dataset.ready = String(live.data.nodes !== null);
  });
}

document.getElementById("new-node").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("new-node-name");
  const name = field.value.trim();
  if (name !== "") {
    location.hash = `#/node/${encodeURIComponent(name)}`;
    field.value = "";
    field.blur();
  }
});

live.subscribe(render);
window.addEventListener("hashchange", open_place);
open_place();
live.start();

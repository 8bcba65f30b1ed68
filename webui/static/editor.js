// A text field for the dataflow language: coloured, the places of errors underlined, completion from the server. What
// is right is decided by the server (POST /check); the owner of the editor asks and hands the diagnostics in.

import {byte_offset, post, unit_offset} from "./api.js";
import {pieces} from "./highlight.js";

const kCompleteMs = 120;
let next_id = 0;

export class Editor {
  // field: "source", "sink" or "text", as the API calls it.
  constructor({label, field, rows = 2, on_change, on_submit}) {
    this.field = field;
    this.on_change = on_change;
    this.on_submit = on_submit;
    this.diagnostics = [];
    this.items = [];
    this.chosen = 0;
    this.asked = 0;
    this.id = `editor-${next_id++}`;
    this.build(label, rows);
  }

  build(label, rows) {
    this.element = element("div", "editor");
    const caption = element("label", "caption");
    caption.htmlFor = this.id;
    caption.textContent = label;
    const box = element("div", "editor-box");
    this.paint = element("pre", "editor-paint");
    this.paint.setAttribute("aria-hidden", "true");
    this.area = element("textarea", "editor-area");
    Object.assign(this.area, {id: this.id, rows, spellcheck: false, autocomplete: "off"});
    for (const [name, value] of Object.entries({
           "autocapitalize": "off", "autocorrect": "off", "role": "combobox", "aria-autocomplete": "list",
           "aria-expanded": "false", "aria-controls": `${this.id}-list`, "aria-describedby": `${this.id}-problems`})) {
      this.area.setAttribute(name, value);
    }
    this.list = element("ul", "completions");
    this.list.id = `${this.id}-list`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Completions");
    this.list.hidden = true;
    box.append(this.paint, this.area, this.list);
    this.problems = element("div", "problems");
    this.problems.id = `${this.id}-problems`;
    this.problems.setAttribute("role", "status");
    this.element.append(caption, box, this.problems);
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("blur", () => setTimeout(() => this.close_list(), 150));
    this.area.addEventListener("click", () => this.close_list());
    this.redraw();
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    if (this.area.value !== text) {
      this.area.value = text;
      this.diagnostics = [];
      this.redraw();
    }
  }

  focus() {
    this.area.focus();
  }

  typed() {
    this.redraw();
    this.on_change?.();
    clearTimeout(this.timer);
    const before = this.value.slice(0, this.area.selectionStart);
    if (/[\w"]$/.test(before)) {
      this.timer = setTimeout(() => this.complete(), kCompleteMs);
    } else {
      this.close_list();
    }
  }

  // Those of this field only; others are shown where they belong.
  show(diagnostics) {
    this.diagnostics = diagnostics.filter((d) => (d.field ?? "text") === this.field);
    const bad = this.diagnostics.some((d) => d.severity === "error");
    this.area.setAttribute("aria-invalid", String(bad));
    this.redraw();
    this.problems.replaceChildren(...this.diagnostics.map((d) => this.problem(d)));
  }

  problem(d) {
    const row = element("div", `problem ${d.severity === "warning" ? "warning" : "error"}`);
    const place = element("button", "place");
    place.type = "button";
    place.textContent = `${d.line}:${d.column}`;
    place.title = "Go to this place";
    place.onclick = () => this.select(d);
    const what = element("span", "what");
    what.textContent = d.message;
    const code = element("span", "code");
    code.textContent = d.code ?? "";
    row.append(place, what, code);
    if (typeof d.suggestion === "string" && d.suggestion !== "") {
      const fix = element("button", "fix");
      fix.type = "button";
      fix.textContent = `use ${d.suggestion}`;
      fix.onclick = () => this.replace(...this.span(d), d.suggestion);
      row.append(fix);
    }
    const line = element("pre", "source-line");
    line.textContent = `${d.source_line ?? ""}\n${d.caret ?? ""}`;
    row.append(line);
    return row;
  }

  // [start, end) of a diagnostic in UTF-16 units.
  span(d) {
    const start = unit_offset(this.value, d.offset);
    return [start, unit_offset(this.value, d.offset + d.length)];
  }

  select(d) {
    this.area.focus();
    this.area.setSelectionRange(...this.span(d));
  }

  replace(start, end, text) {
    this.area.focus();
    this.area.setRangeText(text, start, end, "end");
    this.typed();
  }

  redraw() {
    const text = this.value;
    const marks = this.diagnostics.map((d) => {
      const [start, end] = this.span(d);
      return {start: Math.min(start, Math.max(text.length - 1, 0)), end: Math.max(end, start + 1), severity: d.severity};
    });
    const spans = [];
    for (const piece of pieces(text)) {
      let from = piece.start;
      while (from < piece.end) {
        const mark = marks.find((m) => m.start <= from && from < m.end);
        const cuts = marks.flatMap((m) => [m.start, m.end]).filter((at) => at > from && at < piece.end);
        const to = Math.min(piece.end, ...cuts);
        const span = element("span", `tok-${piece.kind}${mark ? ` mark-${mark.severity ?? "error"}` : ""}`);
        span.textContent = text.slice(from, to);
        spans.push(span);
        from = to;
      }
    }
    if (marks.length > 0 && text === "") {
      const span = element("span", "mark-error");
      span.textContent = " ";
      spans.push(span);
    }
    // A last line that is empty needs a character to have height.
    this.paint.replaceChildren(...spans, document.createTextNode("\u200b"));
  }

  async complete() {
    const mine = ++this.asked;
    const text = this.value;
    let answer;
    try {
      answer = await post("complete", {field: this.field, text, offset: byte_offset(text, this.area.selectionStart)});
    } catch {
      this.close_list();
      return;
    }
    if (mine !== this.asked || text !== this.value || document.activeElement !== this.area) {
      return;
    }
    this.from = unit_offset(text, answer.from);
    this.to = unit_offset(text, answer.to);
    const typed = text.slice(this.from, this.to);
    this.items = answer.items.filter((item) => item.insert !== typed);
    this.chosen = 0;
    this.draw_list();
  }

  draw_list() {
    this.list.hidden = this.items.length === 0;
    this.area.setAttribute("aria-expanded", String(!this.list.hidden));
    this.list.replaceChildren(...this.items.map((item, i) => {
      const row = element("li", i === this.chosen ? "chosen" : "");
      row.id = `${this.id}-item-${i}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(i === this.chosen));
      const kind = element("span", `kind kind-${item.kind}`);
      kind.textContent = item.kind;
      const label = element("span", "label");
      label.textContent = item.detail && item.detail.length < 60 ? item.detail : item.label;
      const doc = element("span", "doc");
      doc.textContent = item.doc ?? "";
      row.append(kind, label, doc);
      row.onpointerdown = (event) => {
        event.preventDefault();
        this.take(i);
      };
      return row;
    }));
    if (this.list.hidden) {
      this.area.removeAttribute("aria-activedescendant");
    } else {
      this.area.setAttribute("aria-activedescendant", `${this.id}-item-${this.chosen}`);
      this.list.children[this.chosen].scrollIntoView({block: "nearest"});
    }
  }

  close_list() {
    ++this.asked;
    if (this.items.length > 0) {
      this.items = [];
      this.draw_list();
    }
  }

  take(i) {
    const item = this.items[i];
    this.close_list();
    this.replace(this.from, this.to, item.insert);
    clearTimeout(this.timer);
  }

  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      this.close_list();
      this.on_submit?.();
      return;
    }
    if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      this.complete();
      return;
    }
    if (this.items.length === 0) {
      return;
    }
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step) {
      this.chosen = (this.chosen + step + this.items.length) % this.items.length;
      this.draw_list();
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.take(this.chosen);
    } else if (event.key === "Escape") {
      this.close_list();
    } else {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        this.close_list();
      }
      return;
    }
    event.preventDefault();
  }
}

function element(tag, name) {
  const node = document.createElement(tag);
  if (name) {
    node.className = name;
  }
  return node;
}

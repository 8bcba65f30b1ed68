// A whole specification: what is stored, as one text, to change and apply in one go (multiconfig).

import {post, run_command} from "./api.js";
import {Editor} from "./editor.js";
import * as format from "./format.js";
import {empty} from "./parts.js";
import {h, own} from "./view.js";

const kCheckMs = 300;

export class Specification {
  title = "Specification";

  constructor(live) {
    this.live = live;
    this.verdict = {tone: "", text: ""};
    this.answer = null;
    this.nodes = [];
    this.filled = false;
    this.editor = new Editor({label: "Specification of all nodes", field: "text", rows: 18,
                              on_change: () => this.changed(), on_submit: () => this.apply()});
  }

  // The stored configurations as one text, a node a line.
  stored() {
    return this.live.data.configs.configs.map((c) => `${c.name} : ${c.source} | ${c.sink} ;\n`).join("");
  }

  changed() {
    this.answer = null;
    this.verdict = {tone: "busy", text: "checking …"};
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), kCheckMs);
    this.live.tell();
  }

  async check() {
    const text = this.editor.value;
    try {
      const answer = await post("check", {text});
      if (text === this.editor.value) {
        this.report(answer.diagnostics, answer.ok, answer.nodes ?? []);
      }
    } catch (error) {
      this.verdict = {tone: "bad", text: `cannot check: ${error.message}`};
    }
    this.live.tell();
  }

  report(diagnostics, ok, nodes) {
    this.editor.show(diagnostics);
    this.nodes = nodes;
    const errors = diagnostics.filter((d) => d.severity === "error").length;
    this.verdict = ok ? {tone: "good", text: `correct: ${format.count(nodes.length)} ${nodes.length === 1 ? "node" : "nodes"}`}
                      : {tone: "bad", text: `${errors} ${errors === 1 ? "error" : "errors"}`};
  }

  async apply() {
    this.answer = {tone: "busy", text: "applying …"};
    this.live.tell();
    try {
      const done = await run_command("multiconfig", [this.editor.value]);
      this.answer = done.state === "FAILED" ? {tone: "bad", text: done.message}
                                            : {tone: "good", text: `stored as revision ${done.revision}`};
      await this.live.refresh();
    } catch (error) {
      if (error.diagnostics?.length > 0) {
        this.report(error.diagnostics.map((d) => ({...d, field: "text"})), false, []);
      }
      this.answer = {tone: "bad", text: error.message};
    }
    this.live.tell();
  }

  view() {
    if (!this.live.data.configs) {
      return empty("Loading …");
    }
    if (!this.filled) {
      this.filled = true;
      this.editor.value = this.stored();
    }
    return h("form", {class: "panel", key: "spec", "aria-label": "Whole specification", onsubmit: (event) => {
      event.preventDefault();
      this.apply();
    }},
             h("p", {class: "muted"}, "All or nothing: every node named here gets its configuration in one step; others stay as they are."),
             own(this.editor.element, "editor"),
             h("div", {class: "actions"},
               h("button", {class: "primary", type: "submit", disabled: this.verdict.tone === "bad"}, "Apply"),
               h("button", {type: "button", onclick: () => {
                 this.editor.value = this.stored();
                 this.changed();
               }}, "Show what is stored"),
               h("span", {class: `verdict tone-${this.verdict.tone}-text`, role: "status", id: "verdict"}, this.verdict.text),
               h("kbd", {class: "wide-only"}, "Ctrl Enter")),
             this.answer ? h("p", {class: `answer tone-${this.answer.tone}-text`, role: "status", id: "answer"}, this.answer.text)
                         : null);
  }
}

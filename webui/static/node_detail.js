// One logical node: what it should do, what it does, and the form to change it.

import {ApiError, config_path, post, put, run_command} from "./api.js";
import {Editor} from "./editor.js";
import * as format from "./format.js";
import {badge, code, empty, equation, rate, sparkline} from "./parts.js";
import {reliability} from "./reliability.js";
import {h, own} from "./view.js";

const kCheckMs = 250;

export class NodeDetail {
  constructor(live, name) {
    this.live = live;
    this.name = name;
    this.title = name;
    this.verdict = {tone: "", text: ""};
    this.answer = null;
    const submit = () => this.apply();
    this.source = new Editor({label: "Source", field: "source", rows: 2, on_change: () => this.changed(), on_submit: submit});
    this.sink = new Editor({label: "Sink", field: "sink", rows: 4, on_change: () => this.changed(), on_submit: submit});
    this.flow = "";
    this.base = null;  // the stored configuration that the form started from
    this.dirty = false;
    this.load();
  }

  // Takes over the stored configuration, unless somebody is writing here.
  load() {
    const config = this.live.config(this.name);
    if (this.dirty || (this.base && this.base.revision === config?.revision)) {
      return;
    }
    this.base = config ?? null;
    this.source.value = config?.source ?? "";
    this.sink.value = config?.sink ?? "";
    this.flow = config?.flow ?? "default-flow";
    if (config) {
      this.check();
    }
  }

  changed() {
    this.dirty = this.source.value !== (this.base?.source ?? "") || this.sink.value !== (this.base?.sink ?? "") ||
                 this.flow !== (this.base?.flow ?? "default-flow");
    this.answer = null;
    this.verdict = {tone: "busy", text: "checking …"};
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), kCheckMs);
    this.live.tell();
  }

  async check() {
    const asked = {node: this.name, source: this.source.value, sink: this.sink.value};
    if (asked.source.trim() === "" && asked.sink.trim() === "") {
      this.report([], "");
      return;
    }
    try {
      const answer = await post("check", asked);
      if (asked.source === this.source.value && asked.sink === this.sink.value) {
        this.report(answer.diagnostics, answer.ok ? "ok" : "bad");
      }
    } catch (error) {
      this.verdict = {tone: "bad", text: `cannot check: ${error.message}`};
    }
    this.live.tell();
  }

  report(diagnostics, outcome) {
    this.source.show(diagnostics);
    this.sink.show(diagnostics);
    const errors = diagnostics.filter((d) => d.severity === "error").length;
    const elsewhere = diagnostics.filter((d) => d.field !== "source" && d.field !== "sink").map((d) => d.message);
    this.verdict = outcome === "" ? {tone: "", text: ""}
        : outcome === "ok" ? {tone: "good", text: diagnostics.length > 0 ? "correct, with warnings" : "correct"}
        : {tone: "bad", text: elsewhere[0] ?? `${errors} ${errors === 1 ? "error" : "errors"}`};
  }

  async apply() {
    this.answer = {tone: "busy", text: "applying …"};
    this.live.tell();
    const body = {source: this.source.value, sink: this.sink.value, flow: this.flow};
    if (this.base) {
      body.if_revision = this.base.revision;
    }
    try {
      const done = await put(config_path(this.name), body);
      const failed = done.state === "FAILED";
      this.answer = failed ? {tone: "bad", text: done.message}
                           : {tone: "good", text: `stored as revision ${done.revision}; the node takes it over now`};
      if (!failed) {
        this.dirty = false;
        this.base = null;
      }
      await this.live.refresh();
    } catch (error) {
      this.explain(error);
    }
    this.live.tell();
  }

  explain(error) {
    if (error instanceof ApiError && error.diagnostics.length > 0) {
      this.report(error.diagnostics, "bad");
    }
    const text = error.code === "conflict" ? "somebody else changed this node meanwhile: revert to see it, then apply again"
                                           : error.message;
    this.answer = {tone: "bad", text};
  }

  revert() {
    this.dirty = false;
    this.base = null;
    this.answer = null;
    this.load();
    this.live.tell();
  }

  async command(name, args, question) {
    if (question && !confirm(question)) {
      return;
    }
    try {
      const done = await run_command(name, args);
      this.answer = done.state === "FAILED" ? {tone: "bad", text: done.message} : {tone: "good", text: `${name}: done`};
      this.revert_quietly();
      await this.live.refresh();
    } catch (error) {
      this.answer = {tone: "bad", text: error.message};
    }
    this.live.tell();
  }

  revert_quietly() {
    if (!this.dirty) {
      this.base = null;
    }
  }

  view() {
    if (!this.live.data.nodes || !this.live.data.configs) {
      return empty("Loading …");
    }
    this.load();
    const node = this.live.node(this.name);
    return [this.head(node), node?.error ? this.trouble(node) : null,
            h("div", {class: "columns", key: "columns"}, this.form(), this.running(node)),
            node?.ledger ? this.ledger(node) : null, node ? reliability(node, this.live.data.nodes.now_ms) : null,
            node ? this.counters(node) : null];
  }

  head(node) {
    const now = this.live.data.nodes.now_ms;
    const where = node?.physical ? `on ${node.physical}${node.host ? ` (${node.host})` : ""}` : "on no machine yet";
    return h("header", {class: "node-head", key: "head"}, h("h1", {tabindex: "-1"}, this.name), node ? badge(node.state) : null,
             h("span", {class: "muted"}, !node ? "new node" : node.since_ms === null ? where
                    : `${where} · for ${format.duration(now - node.since_ms)}`),
             node && node.revision !== node.wanted_revision
                 ? h("span", {class: "badge tone-busy"}, `runs revision ${node.revision}, wanted ${node.wanted_revision}`) : null,
             h("span", {class: "grow"}),
             node ? sparkline(this.live.history.get(this.name) ?? [], "Event rate") : null,
             node?.rates ? h("span", {class: "num"}, rate(Math.max(node.rates.read_events, node.rates.delivered_events),
                                                          Math.max(node.rates.read_bytes, node.rates.delivered_bytes))) : null);
  }

  trouble(node) {
    const now = this.live.data.nodes.now_ms;
    const next = node.next_try_ms ? ` · next try in ${format.duration(node.next_try_ms - now)}` : "";
    return h("div", {class: "notice bad", role: "alert", key: "trouble"}, h("b", {}, node.error),
             h("small", {}, `${node.error_ms ? format.ago(node.error_ms, now) : ""}${next}`));
  }

  form() {
    const flows = [...new Set((this.live.data.ledger?.flows ?? []).map((flow) => flow.flow))];
    return h("form", {class: "panel", key: "form", "aria-label": `Configuration of ${this.name}`,
                      onsubmit: (event) => {
                        event.preventDefault();
                        this.apply();
                      }},
             h("h2", {}, "Configuration"), own(this.source.element, "source"), own(this.sink.element, "sink"),
             h("label", {class: "caption inline"}, "Flow ",
               h("input", {list: "flows", value: this.flow, id: "flow", oninput: (event) => {
                 this.flow = event.target.value;
                 this.changed();
               }})),
             h("datalist", {id: "flows"}, flows.map((flow) => h("option", {value: flow, key: flow}))),
             h("div", {class: "actions"},
               h("button", {class: "primary", type: "submit", disabled: this.verdict.tone === "bad"}, "Apply"),
               h("button", {type: "button", disabled: !this.dirty, onclick: () => this.revert()}, "Revert"),
               h("span", {class: `verdict tone-${this.verdict.tone}-text`, id: "verdict", role: "status"}, this.verdict.text),
               h("kbd", {class: "wide-only"}, "Ctrl Enter")),
             this.answer ? h("p", {class: `answer tone-${this.answer.tone}-text`, role: "status", id: "answer"}, this.answer.text)
                         : null);
  }

  running(node) {
    const config = this.live.config(this.name);
    const pair = (title, source, sink) => h("div", {class: "pair", key: title}, h("h3", {}, title),
        h("p", {}, code(source)), h("p", {}, h("span", {class: "pipe"}, "| "), code(sink)));
    const same = config?.translated && config.translated.source === config.source && config.translated.sink === config.sink;
    const act = (label, name, args, question) =>
        h("button", {type: "button", key: label, onclick: () => this.command(name, args, question)}, label);
    return h("section", {class: "panel", key: "running", "aria-labelledby": "h-running"}, h("h2", {id: "h-running"}, "Stored"),
             config ? [pair("As written", config.source, config.sink),
                       same ? h("p", {class: "muted", key: "same"}, "The node gets exactly this.")
                            : config.translated ? pair("As the node gets it", config.translated.source, config.translated.sink)
                            : h("p", {class: "tone-bad-text", key: "untranslated"}, "Cannot be translated now."),
                       (config.diagnostics ?? []).map((d, i) => h("p", {class: "tone-warn-text", key: `d${i}`}, d.message)),
                       h("p", {class: "facts", key: "facts"}, `revision ${config.revision} · flow ${config.flow} · ${config.why} by ${
                           config.who} · ${format.moment(config.when_ms)}`)]
                    : empty("No configuration is stored for this node."),
             h("div", {class: "actions"}, config ? act("Refresh", "refresh", [this.name]) : null,
               config ? act("Unconfigure", "unconfig", [this.name], `Stop what ${this.name} does?`) : null,
               node ? act("Decommission", "decommission", [this.name],
                          `Remove the mapping and the configuration of ${this.name}?`) : null));
  }

  ledger(node) {
    const reasons = Object.entries(node.ledger.dropped.reasons ?? {});
    return h("section", {key: "ledger", "aria-labelledby": "h-ledger"}, h("h2", {id: "h-ledger"}, "Ledger"),
             equation(node.ledger),
             reasons.length > 0 ? h("ul", {class: "reasons"}, reasons.map(([why, n]) => h("li", {key: why},
                 `dropped, ${why}: ${format.count(n.events)} events, ${format.bytes(n.bytes)}`))) : null);
  }

  counters(node) {
    const rows = Object.entries(node.counters ?? {}).sort(([a], [b]) => a.localeCompare(b));
    if (rows.length === 0) {
      return null;
    }
    return h("details", {key: "counters"}, h("summary", {}, `All counters (${rows.length})`),
             h("div", {class: "scroll"}, h("table", {class: "counters"}, h("tbody", {}, rows.map(([name, value]) =>
                 h("tr", {key: name}, h("th", {scope: "row"}, h("code", {}, name)), h("td", {class: "num"}, format.count(value))))))));
  }
}

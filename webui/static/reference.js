// Components: the catalogue that checking and completion use, to read and search.

import {get} from "./api.js";
import {code, empty} from "./parts.js";
import {h} from "./view.js";

const kKinds = [["source", "Sources"], ["sink", "Sinks"], ["decorator", "Decorators"], ["format", "Output formats"]];

export class Reference {
  title = "Components";

  constructor(live) {
    this.live = live;
    this.words = "";
    this.components = null;
    this.problem = null;
    get("catalog").then((catalog) => {
      this.components = catalog.components;
      live.tell();
    }, (error) => {
      this.problem = error.message;
      live.tell();
    });
  }

  view() {
    if (!this.components) {
      return empty(this.problem ?? "Loading …");
    }
    const words = this.words.toLowerCase();
    const fits = (c) => [c.name, c.summary, ...(c.aliases ?? [])].join(" ").toLowerCase().includes(words);
    return [h("input", {type: "search", key: "search", placeholder: "Find a component", value: this.words, "aria-label": "Find a component",
                        oninput: (event) => {
                          this.words = event.target.value;
                          this.live.tell();
                        }}),
            kKinds.map(([kind, title]) => {
              const found = this.components.filter((c) => c.kind === kind && fits(c));
              return found.length === 0 ? null : h("section", {key: kind}, h("h2", {}, title), found.map((c) => this.entry(c)));
            })];
  }

  entry(c) {
    return h("details", {class: "component", key: `${c.kind}-${c.name}`},
             h("summary", {}, h("code", {}, c.name), h("span", {class: "muted"}, c.summary)),
             c.aliases?.length > 0 ? h("p", {class: "muted"}, `also called ${c.aliases.join(", ")}`) : null,
             c.doc ? h("p", {}, c.doc) : null,
             c.args?.length > 0 ? h("div", {class: "scroll"}, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Argument"), h("th", {}, "Type"),
                 h("th", {}, "Default"), h("th", {}, "Meaning"))), h("tbody", {}, c.args.map((a) => this.argument(a))))) : null,
             (c.examples ?? []).map((example, i) => this.example(example, i)));
  }

  argument(a) {
    const kind = [a.type, a.unit, a.required ? "required" : "", a.keyword_only ? "by name" : ""].filter(Boolean).join(", ");
    return h("tr", {key: a.name}, h("th", {scope: "row"}, h("code", {}, a.name)), h("td", {}, kind),
             h("td", {}, h("code", {}, a.default ?? a.default_text ?? "")), h("td", {class: "wrap"}, a.doc));
  }

  example(example, i) {
    const [text, doc] = Array.isArray(example) ? example : [example.text, example.doc];
    return h("p", {class: "example", key: `e${i}`}, code(text), h("small", {}, doc));
  }
}

// Machines (physical nodes) and which logical nodes each of them carries.

import {run_command} from "./api.js";
import * as format from "./format.js";
import {badge, empty, node_link} from "./parts.js";
import {h} from "./view.js";

export class Machines {
  title = "Machines";

  constructor(live) {
    this.live = live;
    this.answer = null;
    this.physical = "";
    this.logical = "";
  }

  view() {
    const {nodes, mappings} = this.live.data;
    if (!nodes || !mappings) {
      return empty("Loading …");
    }
    return [h("section", {key: "machines", "aria-labelledby": "h-machines"}, h("h2", {id: "h-machines"}, "Machines"),
              nodes.physical.length === 0 ? empty("No node has reported yet.") : this.table(nodes)),
            h("section", {key: "mappings", "aria-labelledby": "h-mappings"}, h("h2", {id: "h-mappings"}, "Mappings"),
              this.mappings(mappings), this.form(nodes))];
  }

  table(nodes) {
    const now = nodes.now_ms;
    return h("div", {class: "scroll"}, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "State"), h("th", {}, "Machine"),
        h("th", {}, "Addresses"), h("th", {}, "Version"), h("th", {}, "Up"), h("th", {}, "Last seen"), h("th", {}, "Carries"),
        h("th", {}, ""))),
        h("tbody", {}, nodes.physical.map((node) => h("tr", {key: node.name},
            h("td", {}, badge(node.state)), h("th", {scope: "row"}, node.name, h("small", {}, node.host)),
            h("td", {}, (node.addresses ?? []).join(", ")), h("td", {}, node.version),
            h("td", {}, node.boot_ms ? format.duration(now - node.boot_ms) : ""),
            h("td", {}, format.ago(node.last_seen_ms, now)),
            h("td", {class: "wrap"}, node.logical.map((name) => h("span", {key: name, class: "chip"}, node_link(name)))),
            h("td", {}, node.state === "LOST" ? h("button", {type: "button", onclick: () => this.run("purge", [node.name]),
                "aria-label": `Forget ${node.name}`}, "Forget") : null))))));
  }

  mappings(mappings) {
    if (mappings.mappings.length === 0) {
      return empty("No mapping.");
    }
    return h("div", {class: "scroll"}, h("table", {id: "mappings"}, h("thead", {}, h("tr", {}, h("th", {}, "Machine"), h("th", {}, "Logical nodes"))),
        h("tbody", {}, mappings.mappings.map((row) => h("tr", {key: row.physical}, h("th", {scope: "row"}, row.physical),
            h("td", {class: "wrap"}, row.logical.map((name) => h("span", {class: "chip", key: name}, node_link(name),
                name === row.physical ? null
                    : h("button", {type: "button", class: "cross", "aria-label": `Unmap ${name} from ${row.physical}`,
                                   onclick: () => this.run("unmap", [row.physical, name])}, "×")))))))));
  }

  form(nodes) {
    const field = (label, key, list) => h("label", {class: "caption inline"}, label, " ",
        h("input", {value: this[key], required: true, list, id: `map-${key}`, oninput: (event) => {
          this[key] = event.target.value;
        }}));
    return h("form", {class: "inline-form", onsubmit: (event) => {
      event.preventDefault();
      this.run("map", [this.physical.trim(), this.logical.trim()]);
    }},
             field("Machine", "physical", "machines-list"), field("Logical node", "logical", "nodes-list"),
             h("button", {type: "submit", class: "primary"}, "Map"),
             h("datalist", {id: "machines-list"}, nodes.physical.map((n) => h("option", {value: n.name, key: n.name}))),
             h("datalist", {id: "nodes-list"}, nodes.logical.map((n) => h("option", {value: n.name, key: n.name}))),
             this.answer ? h("p", {class: `answer tone-${this.answer.tone}-text`, role: "status"}, this.answer.text) : null);
  }

  async run(command, args) {
    try {
      const done = await run_command(command, args);
      this.answer = done.state === "FAILED" ? {tone: "bad", text: done.message}
                                            : {tone: "good", text: `${command} ${args.join(" ")}: done`};
      await this.live.refresh();
    } catch (error) {
      this.answer = {tone: "bad", text: error.message};
    }
    this.live.tell();
  }
}

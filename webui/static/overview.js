// Overview: what flows, where it stands, which nodes need a look.

import * as format from "./format.js";
import {badge, code, dropped, empty, ledger_bar, node_link, rate, sparkline} from "./parts.js";
import {h} from "./view.js";

const kTrouble = ["ERROR", "LOST", "BACKOFF", "BLOCKED"];

export class Overview {
  title = "Overview";

  constructor(live) {
    this.live = live;
    this.filter = "";
  }

  view() {
    const {nodes, ledger, status} = this.live.data;
    if (!nodes || !ledger || !status) {
      return empty("Loading …");
    }
    return [this.tiles(nodes, ledger), this.trouble(nodes), this.flows(ledger), this.nodes(nodes), this.masters(status)];
  }

  tiles(nodes, ledger) {
    const sum = (pick) => ledger.flows.reduce((total, flow) => total + (pick(flow) ?? 0), 0);
    const active = nodes.logical.filter((node) => node.state === "ACTIVE").length;
    const lost = nodes.physical.filter((node) => node.state === "LOST").length;
    const tile = (name, value, note, tone = "") =>
        h("div", {class: `tile ${tone}`, key: name}, h("dt", {}, name), h("dd", {}, value), h("small", {}, note));
    const gone = sum((f) => f.ledger.dropped.events);
    return h("dl", {class: "tiles", key: "tiles"},
             tile("Read", `${format.short_count(sum((f) => f.rates.read_events))} /s`,
                  `${format.bytes(sum((f) => f.rates.read_bytes))}/s`),
             tile("Delivered", `${format.short_count(sum((f) => f.rates.delivered_events))} /s`,
                  `${format.bytes(sum((f) => f.rates.delivered_bytes))}/s`),
             tile("In flight", format.short_count(sum((f) => f.ledger.in_flight.events)),
                  format.bytes(sum((f) => f.ledger.in_flight.bytes))),
             tile("Dropped", format.short_count(gone), gone > 0 ? "since the nodes started" : "nothing so far",
                  gone > 0 ? "tile-bad" : ""),
             tile("Logical nodes", `${active} / ${nodes.logical.length}`, "active"),
             tile("Machines", String(nodes.physical.length - lost), lost > 0 ? `${lost} lost` : "all reporting",
                  lost > 0 ? "tile-bad" : ""));
  }

  trouble(nodes) {
    const bad = nodes.logical.filter((node) => kTrouble.includes(node.state) || node.error);
    if (bad.length === 0) {
      return null;
    }
    return h("section", {class: "trouble", key: "trouble", "aria-labelledby": "h-trouble"},
             h("h2", {id: "h-trouble"}, "Needs a look"),
             h("ul", {}, bad.map((node) => h("li", {key: node.name}, badge(node.state), node_link(node.name),
                 h("span", {class: "why"}, node.error || (node.state === "LOST" ? `last heard of ${
                     format.ago(node.last_seen_ms, nodes.now_ms)}` : "")),
                 node.next_try_ms ? h("small", {}, `next try in ${format.duration(node.next_try_ms - nodes.now_ms)}`)
                                  : null))));
  }

  flows(ledger) {
    return h("section", {key: "flows", "aria-labelledby": "h-flows"}, h("h2", {id: "h-flows"}, "Flows"),
             ledger.flows.length === 0 ? empty("No flow yet.") : h("div", {class: "scroll"}, h("table", {},
                 h("thead", {}, h("tr", {}, h("th", {}, "Flow"), h("th", {class: "num"}, "Nodes"),
                   h("th", {class: "num"}, "Reading"), h("th", {class: "num"}, "Delivering"),
                   h("th", {class: "num"}, "Read"), h("th", {class: "num"}, "Delivered"),
                   h("th", {class: "num"}, "In flight"), h("th", {class: "num"}, "Dropped"), h("th", {}, "Ledger"))),
                 h("tbody", {}, ledger.flows.map((flow) => h("tr", {key: flow.flow},
                   h("th", {scope: "row"}, flow.flow), h("td", {class: "num"}, format.count(flow.nodes.length)),
                   h("td", {class: "num"}, rate(flow.rates.read_events, flow.rates.read_bytes)),
                   h("td", {class: "num"}, rate(flow.rates.delivered_events, flow.rates.delivered_bytes)),
                   h("td", {class: "num"}, format.count(flow.ledger.read.events)),
                   h("td", {class: "num"}, format.count(flow.ledger.delivered.events)),
                   h("td", {class: "num"}, format.count(flow.ledger.in_flight.events)),
                   h("td", {class: "num"}, dropped(flow.ledger)),
                   h("td", {}, ledger_bar(flow.ledger))))))));
  }

  nodes(nodes) {
    const words = this.filter.toLowerCase();
    const shown = nodes.logical.filter(
        (node) => [node.name, node.physical, node.host, node.flow, node.state].join(" ").toLowerCase().includes(words));
    const head = h("div", {class: "section-head"}, h("h2", {id: "h-nodes"}, "Logical nodes"),
                   h("input", {type: "search", placeholder: "Filter by name, machine, state", value: this.filter,
                               "aria-label": "Filter logical nodes",
                               oninput: (event) => {
                                 this.filter = event.target.value;
                                 this.live.tell();
                               }}));
    const body = nodes.logical.length === 0
        ? empty("No logical node yet. Start one with ", h("code", {}, "flume node -n agent"), " or write a ",
                h("a", {href: "#/spec"}, "specification"), ".")
        : h("div", {class: "scroll"}, h("table", {class: "nodes"}, h("thead", {}, h("tr", {},
            h("th", {}, "State"), h("th", {}, "Node"), h("th", {}, "Source and sink"), h("th", {class: "num"}, "Rate"),
            h("th", {class: "wide-only"}, "Last 90 s"), h("th", {class: "num"}, "Delivered"),
            h("th", {class: "num"}, "Dropped"))),
            h("tbody", {}, shown.map((node) => this.row(node)))));
    return h("section", {key: "nodes", "aria-labelledby": "h-nodes"}, head, body);
  }

  row(node) {
    const config = this.live.config(node.name);
    const reading = (node.rates?.read_events ?? 0) >= (node.rates?.delivered_events ?? 0);
    return h("tr", {key: node.name},
             h("td", {}, badge(node.state)),
             h("th", {scope: "row"}, node_link(node.name),
               h("small", {}, node.host ? `${node.physical} · ${node.host}` : node.physical || "not mapped")),
             h("td", {class: "spec-cell"}, config ? [code(config.source), h("span", {class: "pipe"}, " | "), code(config.sink)]
                                                  : h("small", {}, "no configuration")),
             h("td", {class: "num"}, node.rates ? reading ? rate(node.rates.read_events, node.rates.read_bytes)
                                                          : rate(node.rates.delivered_events, node.rates.delivered_bytes)
                                                : "–"),
             h("td", {class: "wide-only"}, sparkline(this.live.history.get(node.name) ?? [], `Event rate of ${node.name}`)),
             h("td", {class: "num"}, node.ledger ? format.count(node.ledger.delivered.events) : "–"),
             h("td", {class: "num"}, node.ledger ? dropped(node.ledger) : "–"));
  }

  masters(status) {
    return h("section", {key: "masters", "aria-labelledby": "h-masters"}, h("h2", {id: "h-masters"}, "Masters"),
             h("ul", {class: "masters"}, status.masters.map((master) => h("li", {key: String(master.server_id)},
                 badge(master.live ? "ACTIVE" : "LOST"), h("b", {}, master.host),
                 h("small", {}, `server ${master.server_id}${master.self ? " · this one" : ""}`)))),
             h("p", {class: "facts"}, `store ${status.store.kind} ${status.store.id.slice(0, 8)} · revision ${
                 status.revision} · flume ${status.version} · up ${format.duration(status.now_ms - status.started_ms)}`));
  }
}

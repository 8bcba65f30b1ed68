// A node's own page: its logical nodes as they are here and now. Read-only; changes are made at the master.

import {get} from "./api.js";
import * as format from "./format.js";
import {badge, code, dropped, empty, equation, rate, sparkline} from "./parts.js";
import {reliability} from "./reliability.js";
import {h, patch} from "./view.js";

const kPeriodMs = 2000;
const history = new Map();

function head(status) {
  const master = {connected: ["good", `master ${status.master.address}`], none: ["quiet", "no master"],
                  unreachable: ["bad", `master ${status.master.address} unreachable`]}[status.master.state];
  return [h("span", {class: `badge tone-${master[0]}`, title: status.master.error || null},
            h("span", {class: "dot", "aria-hidden": "true"}), master[1])];
}

function view(status, logical) {
  const facts = [`host ${status.host}`, `process ${status.pid}`, `flume ${status.version}`,
                 `up ${format.duration(status.now_ms - status.started_ms)}`,
                 status.memory_bytes ? format.bytes(status.memory_bytes) : ""].filter(Boolean);
  return h("div", {class: "view", key: "view"}, h("header", {class: "node-head"}, h("h1", {}, status.name),
           h("span", {class: "muted"}, facts.join(" · "))),
           logical.logical.length === 0 ? empty("No logical node runs here.")
                                        : logical.logical.map((node) => one(node, logical.now_ms)));
}

function one(node, now) {
  const next = node.next_try_ms ? ` · next try in ${format.duration(node.next_try_ms - now)}` : "";
  const counters = Object.entries(node.counters ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return h("section", {class: "panel", key: node.name, "aria-label": `Logical node ${node.name}`},
           h("header", {class: "node-head"}, h("h2", {}, node.name), badge(node.state),
             h("span", {class: "muted"}, `revision ${node.revision}`), h("span", {class: "grow"}),
             sparkline(history.get(node.name) ?? [], `Event rate of ${node.name}`),
             h("span", {class: "num"}, rate(Math.max(node.rates.read_events, node.rates.delivered_events),
                                            Math.max(node.rates.read_bytes, node.rates.delivered_bytes)))),
           h("p", {}, code(node.source), h("span", {class: "pipe"}, " | "), code(node.sink)),
           node.error ? h("div", {class: "notice bad", role: "alert"}, h("b", {}, node.error), h("small", {}, `${
               node.error_ms ? format.ago(node.error_ms, now) : ""}${next}`)) : null,
           equation(node.ledger), node.ledger.dropped.events > 0 ? h("p", {class: "muted"}, "dropped: ", dropped(node.ledger)) : null,
           reliability(node, now, 3),
           counters.length === 0 ? null : h("details", {}, h("summary", {}, `All counters (${counters.length})`),
               h("div", {class: "scroll"}, h("table", {class: "counters"}, h("tbody", {}, counters.map(([name, value]) =>
                   h("tr", {key: name}, h("th", {scope: "row"}, h("code", {}, name)), h("td", {class: "num"}, format.count(value)))))))));
}

async function turn() {
  try {
    const [status, logical] = await Promise.all([get("status"), get("logical")]);
    for (const node of logical.logical) {
      const rates = history.get(node.name) ?? [];
      rates.push(Math.max(node.rates.read_events, node.rates.delivered_events));
      history.set(node.name, rates.slice(-90));
    }
    document.title = `${status.name} · flume node`;
    patch(document.getElementById("health"), head(status));
    patch(document.getElementById("main"), view(status, logical));
    document.body.dataset.ready = "true";
  } catch (error) {
    patch(document.getElementById("health"), h("span", {class: "badge tone-bad"}, error.message));
  }
  setTimeout(turn, kPeriodMs);
}

turn();

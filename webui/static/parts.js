// Pieces that several pages show: state badges, ledgers, sparklines, coloured specifications.

import * as format from "./format.js";
import {pieces} from "./highlight.js";
import {h} from "./view.js";

const kTones = {
  ACTIVE: "good", IDLE: "quiet", HELLO: "busy", OPENING: "busy", CLOSING: "busy", DRAINING: "busy",
  BACKOFF: "warn", BLOCKED: "warn", ERROR: "bad", LOST: "bad", DECOMMISSIONED: "quiet",
  SUCCEEDED: "good", FAILED: "bad", QUEUED: "busy", EXECING: "busy"};

export function badge(state) {
  return h("span", {class: `badge tone-${kTones[state] ?? "quiet"}`}, h("span", {class: "dot", "aria-hidden": "true"}),
           state);
}

export function code(text) {
  return h("code", {class: "spec"},
           pieces(text ?? "").map((p) => h("span", {class: `tok-${p.kind}`}, text.slice(p.start, p.end))));
}

// A line of the last minutes; the newest at the right.
export function sparkline(values, label) {
  const width = 96;
  const height = 22;
  const points = values.slice(-48);
  const top = Math.max(...points, 1e-9);
  const step = width / 47;
  const left = width - (points.length - 1) * step;
  const at = points.map((v, i) => `${(left + i * step).toFixed(1)},${(height - 2 - (v / top) * (height - 4)).toFixed(1)}`);
  const line = at.length > 1 ? `M${at.join("L")}` : "";
  return h("svg", {class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label},
           h("path", {class: "spark-fill", d: line ? `${line}L${width},${height}L${left.toFixed(1)},${height}Z` : ""}),
           h("path", {class: "spark-line", d: line}));
}

// One bar of delivered, in flight, held and dropped rows.
export function ledger_bar(ledger) {
  const parts = [["delivered", ledger.delivered.events], ["in flight", ledger.in_flight.events],
                 ...(ledger.held?.events > 0 ? [["held", ledger.held.events]] : []), ["dropped", ledger.dropped.events]];
  const total = Math.max(parts.reduce((sum, [, n]) => sum + n, 0), 1);
  return h("span", {class: "ledger-bar", role: "img",
                    "aria-label": parts.map(([name, n]) => `${format.count(n)} ${name}`).join(", ")},
           parts.map(([name, n]) => h("span", {class: `part-${name.replace(" ", "-")}`,
                                               style: {"flex-grow": String(n / total)}})));
}

export function rate(events, byte_rate) {
  return [h("b", {}, format.short_count(events)), h("small", {}, ` /s · ${format.bytes(byte_rate)}/s`)];
}

export function empty(...children) {
  return h("p", {class: "empty"}, ...children);
}

export function node_link(name) {
  return h("a", {href: `#/node/${encodeURIComponent(name)}`, class: "node-name"}, name);
}

// A dropped count with its reasons.
export function dropped(ledger) {
  const reasons = Object.entries(ledger.dropped.reasons ?? {}).map(([why, n]) => `${why}: ${format.count(n.events)}`);
  return h("span", {class: ledger.dropped.events > 0 ? "tone-bad-text" : "", title: reasons.join("\n") || null},
           format.count(ledger.dropped.events));
}

// read + copies + recovered = delivered + in flight + held + joined + dropped + missing. What is seldom there is shown
// where it is there.
export function equation(ledger) {
  const cell = (name, value) => h("span", {class: "term"}, h("b", {}, format.count(value.events)),
                                  h("small", {}, `${name} · ${format.bytes(value.bytes)}`));
  const sign = (s) => h("span", {class: "sign", "aria-hidden": "true"}, s);
  const number = (name, n, tone) => n > 0 ? [sign("+"), h("span", {class: "term", key: name},
      h("b", {class: tone ?? null}, format.count(n)), h("small", {}, name))] : null;
  const off = ledger.unexplained ?? 0;
  return h("div", {class: "equation"},
           cell("read", ledger.read),
           number("copies", ledger.copies),
           sign("+"), cell("recovered", ledger.recovered), sign("="),
           cell("delivered", ledger.delivered), sign("+"), cell("in flight", ledger.in_flight),
           ledger.held?.events > 0 ? [sign("+"), cell("held in logs", ledger.held)] : null,
           number("joined", ledger.joined ?? 0), sign("+"), cell("dropped", ledger.dropped),
           number("missing", ledger.missing ?? 0, "tone-bad-text"),
           ledger.balanced ? h("span", {class: "verdict tone-good-text"}, "0 unexplained")
                           : h("span", {class: "verdict badge tone-bad", role: "alert"},
                               off === 0 ? "does not balance" : `${off > 0 ? "" : "−"}${format.count(Math.abs(off))} unexplained`));
}

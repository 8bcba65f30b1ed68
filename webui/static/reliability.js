// What a logical node promises, and its logs: how full, how old, how fast they are acknowledged, what stands in the way.

import * as format from "./format.js";
import {badge} from "./parts.js";
import {h} from "./view.js";

const kDelivery = {
  exactly_once: ["good", "exactly once"], exactly_once_in_files: ["good", "exactly once in the collector's files"],
  at_least_once: ["busy", "at least once"], best_effort: ["warn", "best effort"]};
const kKinds = {wal: "Write-ahead log", dfo: "Failover log"};
const kNearlyFull = 0.8;

// `level`: 2 on a page of its own, 3 inside a node's panel.
export function reliability(node, now, level = 2) {
  const logs = node.logs ?? [];
  if (!node.promise && logs.length === 0) {
    return null;
  }
  return h("section", {class: "reliability", key: "reliability", "aria-label": `Reliability of ${node.name}`},
           h("header", {class: "section-head"}, h(`h${level}`, {}, "Reliability"),
             node.promise && node.promise.sinks.length > 0 ? delivery(node.promise.delivery) : null),
           node.promise ? promise(node.promise) : null, logs.map((log) => one(log, now)));
}

function delivery(word) {
  const [tone, text] = kDelivery[word] ?? ["quiet", word];
  return h("span", {class: `badge tone-${tone}`}, text);
}

function promise(promised) {
  const many = promised.sinks.length > 1;
  return h("ul", {class: "promises", key: "promise"},
           promised.sinks.map((sink) => h("li", {key: sink.path}, many ? delivery(sink.delivery) : null,
                                          h("code", {class: "tok-component"}, sink.sink), h("span", {class: "why"}, sink.why))),
           promised.source ? h("li", {key: "from"}, h("span", {class: "why"}, promised.source)) : null,
           promised.possibly_doubled > 0
               ? h("li", {key: "doubled", class: "tone-warn-text"},
                   `${format.count(promised.possibly_doubled)} events were sent once more and may be there twice`) : null);
}

function one(log, now) {
  return h("article", {class: "log", key: log.folder, "aria-label": `${kKinds[log.kind] ?? log.kind} ${log.path}`},
           h("header", {class: "node-head"}, h("h3", {title: log.folder}, kKinds[log.kind] ?? log.kind), h("code", {}, log.path),
             h("span", {class: "grow"}), h("small", {}, "sending"), badge(log.sending.state)),
           fill(log), figures(log, now), troubles(log, now), parked(log.parked), missing(log.missing), fates(log));
}

function fill(log) {
  const share = log.limit_bytes > 0 ? Math.min(1, log.bytes / log.limit_bytes) : 0;
  const tone = share >= 1 ? "bad" : share >= kNearlyFull ? "warn" : "good";
  const text = `${format.bytes(log.bytes)} of ${format.bytes(log.limit_bytes)}`;
  return h("div", {class: "fill"},
           h("div", {class: "fill-bar", role: "meter", "aria-label": "Size of the log", "aria-valuemin": "0",
                     "aria-valuemax": String(log.limit_bytes), "aria-valuenow": String(Math.min(log.bytes, log.limit_bytes)),
                     "aria-valuetext": text},
             h("span", {class: `fill-part fill-${tone}`, style: {"flex-grow": String(share)}}),
             h("span", {class: "fill-rest", style: {"flex-grow": String(1 - share)}})),
           h("small", {}, text, share >= 1 ? " · full: the source waits" : ` · ${percent(share)}`));
}

function percent(share) {
  return share > 0 && share < 0.01 ? "less than 1 %" : `${Math.round(share * 100)} %`;
}

function figures(log, now) {
  const figure = (name, value, title) => h("div", {class: "figure", key: name, title: title ?? null}, h("dt", {}, name), h("dd", {}, value));
  const times = log.ack.p99_ms === null ? h("span", {class: "muted"}, "none lately")
      : [format.short_time(log.ack.median_ms), h("small", {}, ` median · ${format.short_time(log.ack.p99_ms)} p99`)];
  return h("dl", {class: "figures"}, figure("Rows waiting", format.count(log.rows), "Numbered in the log and not acknowledged"),
           figure("Oldest", log.oldest_ms ? format.duration(now - log.oldest_ms) : "—", "Time since the oldest of them was synced"),
           figure("Acknowledged after", times, "From the sync in the log until the far end answered for the row; last two minutes"),
           log.recovered > 0 ? figure("Recovered", format.count(log.recovered), "Rows that the log held when it was opened") : null,
           log.damaged_bytes > 0 ? figure("Damaged", format.bytes(log.damaged_bytes),
                                          "Bytes that are no record, since the log was opened; they are kept in its folder error/") : null,
           log.repeated > 0 ? figure("Came again", format.count(log.repeated), "Rows that the log had already; not written twice")
                            : null);
}

function troubles(log, now) {
  const next = log.sending.next_try_ms ? ` · next try in ${format.duration(log.sending.next_try_ms - now)}` : "";
  return [log.disk_error ? h("div", {class: "notice bad", role: "alert", key: "disk"}, h("b", {}, log.disk_error),
                             h("small", {}, "the disk of the log; its source waits, and nothing is lost")) : null,
          log.sending.error ? h("div", {class: "notice warn", role: "status", key: "sending"}, h("b", {}, log.sending.error),
                                h("small", {}, `rows wait in the log${next}`)) : null];
}

function parked(rows) {
  return rows > 0
      ? h("div", {class: "notice warn", role: "status", key: "parked"},
          h("b", {}, `${format.count(rows)} rows wait for the collector that may have them`),
          h("small", {}, "it was sent them and is away; another one could store them a second time, and gets them only after ",
            h("code", {}, "flume.wal.resend.elsewhere.millis")))
      : null;
}

function missing(hole) {
  if (hole.events === 0) {
    return null;
  }
  return h("div", {class: "notice bad", role: "alert", key: "missing"},
           h("b", {}, `${format.count(hole.events)} events of the log cannot be read`),
           hole.places.map((place) => h("small", {key: String(place.first)}, `rows ${place.first} to ${place.end - 1}: `,
               place.segment ? h("code", {}, `${place.segment} at ${place.offset}`) : null,
               `${place.bytes > 0 ? ` (${format.bytes(place.bytes)})` : ""} ${place.why}`)));
}

function fates(log) {
  const lines = Object.entries(log.dropped.reasons ?? {}).map(
      ([why, n]) => h("li", {key: why}, `dropped behind the log, ${why}: ${format.count(n.events)} events`));
  if (log.possibly_doubled > 0) {
    lines.push(h("li", {key: "doubled", class: "tone-warn-text"},
                 `${format.count(log.possibly_doubled)} rows went to another collector and may be stored twice`));
  }
  return lines.length === 0 ? null : h("ul", {class: "reasons", key: "fates"}, lines);
}

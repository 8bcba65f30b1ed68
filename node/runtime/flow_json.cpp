#include "node/runtime/flow_json.h"

#include <chrono>

namespace flume::node {

namespace {

void write_millis(JsonWriter& json, std::string_view name, const std::optional<Duration>& time) {
  json.key(name);
  if (time) {
    json.value(std::chrono::duration<double, std::milli>(*time).count());
  } else {
    json.null();
  }
}

void write_missing(JsonWriter& json, const LogStatus& log) {
  json.key("missing").begin_object().member("events", log.missing);
  json.key("places").begin_array();
  for (const wal::Missing& place : log.places) {
    json.begin_object().member("first", place.first).member("end", place.end);
    json.member("segment", place.segment).member("offset", place.offset).member("bytes", place.bytes);
    json.member("why", place.why).end_object();
  }
  json.end_array().end_object();
}

void write_log(JsonWriter& json, const LogStatus& log) {
  json.begin_object().member("kind", log.kind).member("path", log.path).member("folder", log.folder);
  json.member("rows", log.rows).member("bytes", log.bytes).member("limit_bytes", log.limit_bytes);
  json.member("segments", log.segments);
  write_moment(json, "oldest_ms", log.oldest_millis);
  json.member("recovered", log.recovered).member("repeated", log.repeated);
  json.member("parked", log.parked).member("possibly_doubled", log.doubled);
  write_missing(json, log);
  json.member("damaged_bytes", log.damaged_bytes);
  json.member("disk_error", log.error);
  json.key("sending").begin_object().member("state", state_name(log.state)).member("error", log.chain_error);
  write_moment(json, "next_try_ms", log.next_try_millis);
  json.end_object();
  json.key("ack").begin_object().member("events", log.acks.total);
  write_millis(json, "median_ms", log.acks.median);
  write_millis(json, "p99_ms", log.acks.p99);
  json.end_object();
  write_dropped(json, log.counts.dropped);
  json.end_object();
}

}  // namespace

void write_amount(JsonWriter& json, std::string_view name, const Amount& amount) {
  json.key(name).begin_object();
  json.member("events", amount.events).member("bytes", amount.bytes);
  json.end_object();
}

void write_dropped(JsonWriter& json, const std::map<std::string, Amount>& dropped) {
  Amount sum;
  for (const auto& [reason, amount] : dropped) {
    sum.events += amount.events;
    sum.bytes += amount.bytes;
  }
  json.key("dropped").begin_object();
  json.member("events", sum.events).member("bytes", sum.bytes);
  json.key("reasons").begin_object();
  for (const auto& [reason, amount] : dropped) {
    write_amount(json, reason, amount);
  }
  json.end_object().end_object();
}

std::string promise_json(const LogicalStatus& node) {
  const auto doubled = node.counters.find("flume_possibly_doubled_rows_total");
  JsonWriter json;
  json.begin_object().member("delivery", promise_name(node.promise.promise));
  json.member("source", node.promise.source);
  json.member("possibly_doubled", doubled == node.counters.end() ? int64_t{0} : doubled->second);
  json.key("sinks").begin_array();
  for (const SinkPromise& sink : node.promise.sinks) {
    json.begin_object().member("path", sink.path).member("sink", sink.sink);
    json.member("delivery", promise_name(sink.promise)).member("why", sink.why).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

std::string logs_json(const LogicalStatus& node) {
  JsonWriter json;
  json.begin_array();
  for (const LogStatus& log : node.logs) {
    write_log(json, log);
  }
  json.end_array();
  return json.take();
}

}  // namespace flume::node

#include "master/http/answers.h"

namespace flume::master {

void write_names(JsonWriter& json, std::string_view name, const std::vector<std::string>& names) {
  json.key(name).begin_array();
  for (const std::string& one : names) {
    json.value(one);
  }
  json.end_array();
}

void write_rates(JsonWriter& json, const Rates& rates) {
  json.key("rates").begin_object();
  json.member("read_events", rates.read_events).member("read_bytes", rates.read_bytes);
  json.member("delivered_events", rates.delivered_events).member("delivered_bytes", rates.delivered_bytes);
  json.end_object();
}

std::map<std::string, FlowSum> sum_flows(const Picture& picture) {
  std::map<std::string, FlowSum> flows;
  for (const LogicalPicture& node : picture.logical) {
    if (!node.is_reported || node.flow.empty()) {
      continue;
    }
    FlowSum& flow = flows[node.flow];
    flow.rates.read_events += node.rates.read_events;
    flow.rates.read_bytes += node.rates.read_bytes;
    flow.rates.delivered_events += node.rates.delivered_events;
    flow.rates.delivered_bytes += node.rates.delivered_bytes;
    flow.ledger.add(node.ledger);
    flow.nodes.push_back(&node);
  }
  return flows;
}

http::Response spec_error(std::string_view message, const std::string& diagnostics_json) {
  JsonWriter json;
  json.begin_object().key("error").begin_object().member("code", "invalid_spec").member("message", message);
  json.key("diagnostics").raw(diagnostics_json).end_object().end_object();
  return http::json_response(json.take(), 422);
}

http::Response unavailable_response(std::string_view code, std::string_view message) {
  JsonWriter json;
  json.begin_object().key("error").begin_object().member("code", code).member("message", message);
  json.member("retry_ms", 1000).end_object().end_object();
  http::Response response = http::json_response(json.take(), 503);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace flume::master

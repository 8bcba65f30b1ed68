#include <algorithm>

#include "common/base/text.h"
#include "common/base/version.h"
#include "master/http/answers.h"
#include "master/http/api.h"

namespace flume::master {

namespace {

constexpr int64_t kMaxWaitMillis = 30'000;
constexpr int64_t kMaxCommands = 200;

void write_logical(JsonWriter& json, const LogicalPicture& node) {
  json.begin_object().member("name", node.name).member("physical", node.physical).member("host", node.host);
  json.member("flow", node.flow).member("state", state_name(node.state));
  write_moment(json, "since_ms", node.since_millis);
  json.member("revision", node.revision).member("wanted_revision", node.wanted_revision);
  json.member("error", node.report.error);
  write_moment(json, "error_ms", node.report.error_millis);
  write_moment(json, "next_try_ms", node.report.next_try_millis);
  write_moment(json, "last_seen_ms", node.seen_millis);
  write_rates(json, node.rates);
  write_ledger(json.key("ledger"), node.ledger);
  json.key("promise").raw(node.report.promise.empty() ? "null" : node.report.promise);
  json.key("logs").raw(node.report.logs.empty() ? "[]" : node.report.logs);
  json.key("counters").begin_object();
  for (const auto& [name, value] : node.report.counters) {
    json.member(name, value);
  }
  json.end_object().end_object();
}

void write_physical(JsonWriter& json, const PhysicalPicture& node) {
  const PhysicalFacts& facts = node.status.facts;
  json.begin_object().member("name", facts.name).member("host", facts.host).member("node_id", facts.node_id);
  write_names(json, "addresses", facts.addresses);
  json.member("state", node.status.is_live ? "ACTIVE" : "LOST").member("version", facts.version);
  write_moment(json, "boot_ms", facts.boot_millis);
  write_moment(json, "last_seen_ms", node.status.last_seen_millis);
  json.member("http_port", facts.http_port).member("obeys_another_store", node.status.obeys_another_store);
  write_names(json, "logical", node.logical);
  json.end_object();
}

void write_config(JsonWriter& json, const View& view, const std::string& name, const WantedNode& wanted) {
  const NodeConfig& config = view.configs.find(name)->second.value;
  json.begin_object().member("name", name).member("flow", config.flow);
  json.member("source", config.source).member("sink", config.sink).key("translated");
  if (wanted.text.is_resolved) {
    json.begin_object().member("source", wanted.text.source).member("sink", wanted.text.sink).end_object();
  } else {
    json.null();
  }
  json.member("revision", wanted.modified).member("physical", view.physical_of(name)).member("who", config.who);
  write_moment(json, "when_ms", config.when_millis);
  json.member("why", config.why).key("diagnostics").raw(findings_json(wanted.text.findings)).end_object();
}

// A whole number in the query; kInvalid when it is something else or out of range.
Result<int64_t> query_number(const http::Request& request, std::string_view name, int64_t fallback, int64_t min,
                             int64_t max) {
  const auto text = request.query_value(name);
  if (!text) {
    return fallback;
  }
  const auto number = parse_number<int64_t>(*text);
  if (!number || *number < min || *number > max) {
    return invalid(str_cat(name, "=", *text, ": expected a number from ", min, " to ", max));
  }
  return *number;
}

http::Response no_such(std::string_view what, std::string_view name) {
  return http::error_response(404, "not_found", str_cat("there is no ", what, " ", quoted(name)));
}

}  // namespace

std::shared_ptr<const Wanted> Api::begin_envelope(JsonWriter& json) const {
  // The word first: what comes after it is news to whoever asks for changes since this word.
  const std::string word = parts_.changes.word();
  std::shared_ptr<const Wanted> wanted = parts_.wanted.get();
  json.begin_object().member("now_ms", parts_.clock.wall_millis()).member("revision", wanted->view().config_revision);
  json.member("change", word);
  return wanted;
}

Api::Response Api::get_status(const Request& /*request*/) const {
  JsonWriter json;
  const auto wanted = begin_envelope(json);
  json.member("product", "flume").member("version", kVersion).member("api", 1);
  json.member("host", parts_.host).member("server_id", parts_.server_id).member("started_ms", started_millis_);
  json.key("store").begin_object().member("kind", parts_.store_kind).member("id", parts_.store_id).end_object();
  json.key("masters").begin_array().begin_object().member("server_id", parts_.server_id).member("host", parts_.host);
  json.member("self", true).member("live", true).end_object().end_array();
  const Picture now = make_picture(*wanted, parts_.nodes);
  std::map<std::string_view, uint64_t> states;
  for (const LogicalPicture& node : now.logical) {
    ++states[state_name(node.state)];
  }
  json.key("nodes").begin_object().member("physical", now.physical.size()).member("logical", now.logical.size());
  json.key("states").begin_object();
  for (const auto& [state, count] : states) {
    json.member(state, count);
  }
  json.end_object().end_object();
  const Ports ports = parts_.ports();
  json.key("ports").begin_object().member("http", ports.http).member("node", ports.node);
  json.member("admin", ports.admin).end_object().end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_nodes(const Request& /*request*/) const {
  JsonWriter json;
  const auto wanted = begin_envelope(json);
  const Picture now = make_picture(*wanted, parts_.nodes);
  json.key("physical").begin_array();
  for (const PhysicalPicture& node : now.physical) {
    write_physical(json, node);
  }
  json.end_array().key("logical").begin_array();
  for (const LogicalPicture& node : now.logical) {
    write_logical(json, node);
  }
  json.end_array().end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_node(const Request& request) const {
  const std::string& name = request.param("name");
  JsonWriter json;
  const auto wanted = begin_envelope(json);
  const Picture now = make_picture(*wanted, parts_.nodes);
  for (const LogicalPicture& node : now.logical) {
    if (node.name == name) {
      write_logical(json.key("node"), node);
      json.end_object();
      return http::json_response(json.take());
    }
  }
  return no_such("logical node", name);
}

Api::Response Api::get_configs(const Request& /*request*/) const {
  JsonWriter json;
  const auto wanted = begin_envelope(json);
  json.key("configs").begin_array();
  for (const auto& [name, kept] : wanted->view().configs) {
    write_config(json, wanted->view(), name, *wanted->find(name));
  }
  json.end_array().end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_config(const Request& request) const {
  const std::string& name = request.param("name");
  JsonWriter json;
  const auto wanted = begin_envelope(json);
  const WantedNode* const node = wanted->find(name);
  if (node == nullptr) {
    return no_such("configuration of a node", name);
  }
  write_config(json.key("config"), wanted->view(), name, *node);
  json.end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_mappings(const Request& /*request*/) const {
  JsonWriter json;
  const auto wanted = begin_envelope(json);
  json.key("mappings").begin_array();
  for (const auto& [physical, logical] : wanted->view().mappings()) {
    json.begin_object().member("physical", physical);
    write_names(json, "logical", logical);
    json.end_object();
  }
  json.end_array().end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_commands(const Request& request) const {
  const auto limit = query_number(request, "limit", 50, 1, kMaxCommands);
  const auto before = query_number(request, "before", INT64_MAX, 0, INT64_MAX);
  if (!limit.ok() || !before.ok()) {
    return http::error_response(limit.ok() ? before.status() : limit.status());
  }
  JsonWriter json;
  begin_envelope(json);
  auto records = parts_.commands.list(static_cast<size_t>(*limit) + 1, static_cast<uint64_t>(*before));
  const bool has_more = records.size() > static_cast<size_t>(*limit);
  if (has_more) {
    records.pop_back();
  }
  json.key("commands").begin_array();
  for (const CommandRecord& record : records) {
    json.raw(record.to_json());
  }
  json.end_array().key("next_before");
  if (has_more) {
    json.value(records.back().id);
  } else {
    json.null();
  }
  json.end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_command(const Request& request) const {
  const std::string& text = request.param("id");
  const auto id = parse_number<uint64_t>(text);
  const auto record = id ? parts_.commands.find(*id) : std::nullopt;
  return record ? http::json_response(record->to_json()) : no_such("command", text);
}

Api::Response Api::get_catalog(const Request& request) const {
  Response response;
  response.headers.emplace_back("ETag", catalog_etag_);
  if (request.header("if-none-match") == catalog_etag_) {
    response.status = 304;
    return response;
  }
  response.body = catalog_;
  return response;
}

Api::Response Api::get_changes(const Request& request) const {
  const auto wait_millis = query_number(request, "wait_ms", 25'000, 0, kMaxWaitMillis);
  if (!wait_millis.ok()) {
    return http::error_response(wait_millis.status());
  }
  const auto news = parts_.changes.wait(request.query_value("since").value_or(""),
                                        Wait::for_duration(std::chrono::milliseconds(*wait_millis), request.stop));
  JsonWriter json;
  json.begin_object().member("change", news.word).member("revision", parts_.wanted.get()->view().config_revision);
  json.member("now_ms", parts_.clock.wall_millis()).key("what").begin_array();
  for (const ChangedPart part : news.parts) {
    json.value(changed_part_name(part));
  }
  json.end_array().end_object();
  return http::json_response(json.take());
}

Api::Response Api::get_ledger(const Request& /*request*/) const {
  const Picture now = picture();
  const std::map<std::string, FlowSum> flows = sum_flows(now);
  JsonWriter json;
  json.begin_object().member("now_ms", parts_.clock.wall_millis()).key("flows").begin_array();
  for (const auto& [name, flow] : flows) {
    json.begin_object().member("flow", name);
    write_rates(json, flow.rates);
    write_ledger(json.key("ledger"), flow.ledger);
    json.key("nodes").begin_array();
    for (const LogicalPicture* node : flow.nodes) {
      json.begin_object().member("name", node->name);
      write_moment(json, "since_ms", node->boot_millis);
      write_rates(json, node->rates);
      write_ledger(json.key("ledger"), node->ledger);
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return http::json_response(json.take());
}

void Api::add_reading(http::HttpServer& server) {
  const auto get = [&](std::string_view pattern, Response (Api::*handler)(const Request&) const) {
    server.route("GET", pattern, [this, handler](const Request& request) { return (this->*handler)(request); });
  };
  get("/api/v1/status", &Api::get_status);
  get("/api/v1/nodes", &Api::get_nodes);
  get("/api/v1/nodes/{name}", &Api::get_node);
  get("/api/v1/configs", &Api::get_configs);
  get("/api/v1/configs/{name}", &Api::get_config);
  get("/api/v1/mappings", &Api::get_mappings);
  get("/api/v1/commands", &Api::get_commands);
  get("/api/v1/commands/{id}", &Api::get_command);
  get("/api/v1/catalog", &Api::get_catalog);
  get("/api/v1/ledger", &Api::get_ledger);
  get("/metrics", &Api::get_metrics);
  server.route("GET", "/api/v1/commands/schema",
               [](const Request&) { return http::json_response(command_schema_json()); });
  server.route_waiting("GET", "/api/v1/changes", [this](const Request& request) { return get_changes(request); });
}

}  // namespace flume::master

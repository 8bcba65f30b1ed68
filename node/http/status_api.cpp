#include "node/http/status_api.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/base/version.h"
#include "node/http/log_metrics.h"
#include "node/runtime/flow_json.h"
#include "webui/assets.h"

namespace flume::node {
namespace {

void write_ledger(JsonWriter& json, const Ledger& ledger) {
  json.key("ledger").begin_object();
  write_amount(json, "read", ledger.read);
  write_amount(json, "recovered", ledger.recovered);
  json.member("copies", ledger.copies);
  write_amount(json, "delivered", ledger.delivered);
  write_amount(json, "in_flight", ledger.in_flight);
  write_amount(json, "held", ledger.held);
  json.member("joined", ledger.joined).member("missing", ledger.missing);
  write_dropped(json, ledger.dropped);
  json.member("unexplained", ledger.unexplained);
  json.member("balanced", ledger.balanced);
  json.end_object();
}

// Resident memory of this process; 0 when it cannot be read.
uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return statm ? resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

void write_system(JsonWriter& json, const std::string& host) {
  utsname names{};
  ::uname(&names);
  double load = 0;
  const bool has_load = ::getloadavg(&load, 1) == 1;
  json.key("sysInfo").begin_object();
  json.member("hostname", host);
  json.member("os.arch", names.machine).member("os.name", names.sysname).member("os.version", names.release);
  json.member("os.cpus", static_cast<int64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
  json.member("os.load", has_load ? load : 0);
  json.end_object();
}

std::string percent_encode(std::string_view name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (plain) {
      out.push_back(c);
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

}  // namespace

StatusApi::StatusApi(Identity identity, Clock& clock, StatusSources sources)
    : identity_(std::move(identity)),
      clock_(clock),
      sources_(std::move(sources)),
      started_millis_(clock.wall_millis()) {}

void StatusApi::add_to(http::HttpServer& server) {
  using http::json_response;
  using http::Request;
  server.serve(webui::node_page());
  server.route("GET", "/api/v1/status",
               [this, &server](const Request&) { return json_response(status_json(server.port())); });
  server.route("GET", "/api/v1/logical", [this](const Request&) { return json_response(logical_json()); });
  server.route("GET", "/api/v1/logical/{name}", [this](const Request& request) {
    const std::string& name = request.param("name");
    const std::optional<std::string> json = logical_json(name);
    return json ? json_response(*json)
                : http::error_response(404, "not_found", str_cat("no logical node ", quoted(name), " runs here"));
  });
  server.route("GET", "/metrics", [this](const Request&) {
    http::Response response = json_response(sources_.prometheus() + log_metrics(sources_.list(), clock_.wall_millis()));
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  });
  server.route("GET", "/node/reports", [this, &server](const Request& request) {
    const std::string host = request.header("host");
    return json_response(reports_json(host.empty() ? server.url() : "http://" + host));
  });
  server.route("GET", "/node/reports/{name}",
               [this](const Request& request) { return json_response(report_json(request.param("name"))); });
}

std::string StatusApi::status_json(uint16_t http_port) {
  const MasterLink master = sources_.master();
  JsonWriter json;
  json.begin_object();
  json.member("product", "flume").member("version", kVersion).member("api", 1);
  json.member("name", identity_.physical_node).member("node_id", to_hex(identity_.node_id));
  json.member("host", identity_.host).member("pid", static_cast<int64_t>(::getpid()));
  json.member("now_ms", clock_.wall_millis()).member("started_ms", started_millis_).member("http_port", http_port);
  json.key("master").begin_object();
  json.member("address", master.address).member("state", master.state);
  write_moment(json, "last_contact_ms", master.last_contact_millis);
  json.member("error", master.error).end_object();
  json.member("logical", sources_.list().size()).member("memory_bytes", resident_bytes());
  json.key("threads").begin_array();
  for (const std::string& name : Thread::names()) {
    json.value(name);
  }
  json.end_array().end_object();
  return json.take();
}

void StatusApi::write_logical(JsonWriter& json, const LogicalStatus& node) {
  const FlowRates rates = rates_.look(node.name, node.ledger, clock_.now());
  json.begin_object();
  json.member("name", node.name).member("physical", identity_.physical_node).member("host", identity_.host);
  json.member("flow", node.flow).member("state", state_name(node.state));
  write_moment(json, "since_ms", node.since_millis);
  json.member("revision", node.revision).member("wanted_revision", node.wanted_revision);
  json.member("source", node.source).member("sink", node.sink).member("error", node.error);
  write_moment(json, "error_ms", node.error_millis);
  write_moment(json, "next_try_ms", node.next_try_millis);
  json.member("last_seen_ms", clock_.wall_millis());
  json.key("rates").begin_object();
  json.member("read_events", rates.read_events).member("read_bytes", rates.read_bytes);
  json.member("delivered_events", rates.delivered_events).member("delivered_bytes", rates.delivered_bytes);
  json.end_object();
  write_ledger(json, node.ledger);
  json.key("promise").raw(promise_json(node));
  json.key("logs").raw(logs_json(node));
  json.key("counters").begin_object();
  for (const auto& [name, value] : node.counters) {
    json.member(name, value);
  }
  json.end_object().end_object();
}

std::string StatusApi::logical_json() {
  JsonWriter json;
  json.begin_object().member("now_ms", clock_.wall_millis());
  json.key("logical").begin_array();
  for (const LogicalStatus& node : sources_.list()) {
    write_logical(json, node);
  }
  json.end_array().end_object();
  return json.take();
}

std::optional<std::string> StatusApi::logical_json(std::string_view name) {
  for (const LogicalStatus& node : sources_.list()) {
    if (node.name == name) {
      JsonWriter json;
      write_logical(json, node);
      return json.take();
    }
  }
  return std::nullopt;
}

std::string StatusApi::reports_json(std::string_view own_url) {
  JsonWriter json;
  json.begin_object();
  write_system(json, identity_.host);
  json.key("jvmInfo").begin_object().end_object();
  json.key("logicalnodes").begin_object();
  for (const LogicalStatus& node : sources_.list()) {
    json.member(node.name, str_cat(own_url, "/node/reports/", percent_encode(node.name)));
  }
  json.end_object().end_object();
  return json.take();
}

std::string StatusApi::report_json(std::string_view name) {
  JsonWriter json;
  json.begin_object();
  for (const LogicalStatus& node : sources_.list()) {
    if (node.name != name) {
      continue;
    }
    json.member("nodename", node.name).member("state", state_name(node.state));
    json.member("source", node.source).member("sink", node.sink);
    json.member("read.events", node.ledger.read.events).member("read.bytes", node.ledger.read.bytes);
    json.member("delivered.events", node.ledger.delivered.events);
    json.member("delivered.bytes", node.ledger.delivered.bytes);
    json.member("inflight.events", node.ledger.in_flight.events);
    json.member("dropped.events", node.ledger.dropped_sum().events);
    for (const auto& [counter, value] : node.counters) {
      json.member(counter, value);
    }
  }
  json.end_object();
  return json.take();
}

http::ServerOptions status_server_options(const Settings& settings) {
  http::ServerOptions options;
  options.host = settings.text("flume.node.http.bind");
  options.port = static_cast<uint16_t>(settings.integer("flume.node.status.port"));
  options.port_tries = settings.boolean("flume.node.http.autofindport") ? 1000 : 1;
  options.max_workers = static_cast<int>(settings.integer("flume.node.http.threads"));
  options.max_connections = static_cast<int>(settings.integer("flume.http.connections.max"));
  options.max_body = static_cast<size_t>(settings.integer("flume.http.body.max.bytes"));
  for (const std::string_view name : split(settings.text("flume.http.allowed.hosts"), ',')) {
    if (!trim(name).empty()) {
      options.allowed_names.emplace_back(trim(name));
    }
  }
  return options;
}

}  // namespace flume::node

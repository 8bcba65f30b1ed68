#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "common/base/text.h"
#include "master/http/answers.h"
#include "master/http/api.h"

namespace flume::master {

namespace {

using http::json_response;

void write_status(JsonWriter& json, const LogicalPicture& node) {
  json.begin_object().member("host", node.host).member("lastseen", node.seen_millis);
  json.member("version", node.revision).member("physicalNode", node.physical);
  json.member("state", state_name(classic_state(node.state))).end_object();
}

void write_config(JsonWriter& json, const NodeConfig& config, Revision revision, const std::string& source,
                  const std::string& sink) {
  json.begin_object().member("flowID", config.flow).member("sourceConfig", source).member("sourceVersion", revision);
  json.member("sinkConfig", sink).member("sinkVersion", revision).member("timestamp", config.when_millis);
  json.end_object();
}

void write_command(JsonWriter& json, const CommandRecord& record) {
  json.begin_object().member("cmd", record.line()).member("cmdId", record.id);
  json.member("curState", command_state_name(record.state)).member("message", record.message).end_object();
}

void write_system(JsonWriter& json, const std::string& host) {
  utsname names{};
  ::uname(&names);
  double load = 0;
  const bool has_load = ::getloadavg(&load, 1) == 1;
  json.begin_object().member("hostname", host).member("os.arch", names.machine).member("os.name", names.sysname);
  json.member("os.version", names.release).member("os.cpus", static_cast<int64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
  json.member("os.load", has_load ? load : 0.0).end_object();
}

http::Response no_such(std::string_view what, std::string_view name) {
  return http::error_response(404, "not_found", str_cat("there is no ", what, " ", quoted(name)));
}

}  // namespace

Api::Response Api::classic_master(const Request& request) const {
  const Picture now = picture();
  int64_t reporting = 0;
  for (const LogicalPicture& node : now.logical) {
    reporting += node.is_reported ? 1 : 0;
  }
  const std::string base = str_cat("http://", request.header("host"), "/master/");
  JsonWriter json;
  json.begin_object().member("hostname", parts_.host).member("name", str_cat("flume-master-", parts_.server_id));
  json.member("nodes_reporting_count", reporting);
  write_system(json.key("sysInfo"), parts_.host);
  json.member("statusLink", base + "status").member("configLink", base + "configs");
  json.member("commandLink", base + "commands").end_object();
  return json_response(json.take());
}

Api::Response Api::classic_status(const std::string* name) const {
  const Picture now = picture();
  JsonWriter json;
  if (name == nullptr) {
    json.begin_object();
  }
  for (const LogicalPicture& node : now.logical) {
    if (!node.is_reported) {
      continue;
    }
    if (name == nullptr) {
      write_status(json.key(node.name), node);
    } else if (node.name == *name) {
      write_status(json, node);
      return json_response(json.take());
    }
  }
  if (name != nullptr) {
    return no_such("node", *name);
  }
  json.end_object();
  return json_response(json.take());
}

Api::Response Api::classic_configs() const {
  const auto wanted = parts_.wanted.get();
  JsonWriter json;
  json.begin_object().key("configs").begin_object();
  for (const auto& [name, kept] : wanted->view().configs) {
    write_config(json.key(name), kept.value, kept.modified, kept.value.source, kept.value.sink);
  }
  json.end_object().key("translatedConfigs").begin_object();
  for (const auto& [name, kept] : wanted->view().configs) {
    const TranslatedNode& text = wanted->find(name)->text;
    write_config(json.key(name), kept.value, kept.modified, text.source, text.sink);
  }
  json.end_object().end_object();
  return json_response(json.take());
}

// One flat object whose numbers are texts: a quirk of the classic system that its clients know.
Api::Response Api::classic_config(const std::string& name) const {
  const auto wanted = parts_.wanted.get();
  const WantedNode* const node = wanted->find(name);
  if (node == nullptr) {
    return no_such("configuration of a node", name);
  }
  const NodeConfig& config = wanted->view().configs.find(name)->second.value;
  JsonWriter json;
  json.begin_object().member("flowID", config.flow).member("sourceConfig", node->text.source);
  json.member("sourceVersion", str_cat(node->modified)).member("sinkConfig", node->text.sink);
  json.member("sinkVersion", str_cat(node->modified)).member("timestamp", str_cat(config.when_millis)).end_object();
  return json_response(json.take());
}

Api::Response Api::classic_commands(const std::string* id) const {
  JsonWriter json;
  if (id != nullptr) {
    const auto number = parse_number<uint64_t>(*id);
    const auto record = number ? parts_.commands.find(*number) : std::nullopt;
    if (!record) {
      return no_such("command", *id);
    }
    write_command(json, *record);
    return json_response(json.take());
  }
  const auto records = parts_.commands.list(kHistoryLength);
  json.begin_object();
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    write_command(json.key(str_cat(record->id)), *record);
  }
  json.end_object();
  return json_response(json.take());
}

void Api::add_classic(http::HttpServer& server) {
  server.route("GET", "/master", [this](const Request& request) { return classic_master(request); });
  server.route("GET", "/master/status", [this](const Request&) { return classic_status(nullptr); });
  server.route("GET", "/master/status/{name}",
               [this](const Request& request) { return classic_status(&request.param("name")); });
  server.route("GET", "/master/configs", [this](const Request&) { return classic_configs(); });
  server.route("GET", "/master/configs/{name}",
               [this](const Request& request) { return classic_config(request.param("name")); });
  server.route("GET", "/master/commands", [this](const Request&) { return classic_commands(nullptr); });
  server.route("GET", "/master/commands/{id}",
               [this](const Request& request) { return classic_commands(&request.param("id")); });
}

}  // namespace flume::master

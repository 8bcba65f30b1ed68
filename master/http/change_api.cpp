#include <algorithm>

#include "common/base/text.h"
#include "dataflow-lang/completion.h"
#include "master/http/answers.h"
#include "master/http/api.h"

namespace flume::master {

namespace {

constexpr int64_t kDefaultWaitMillis = 5000;
constexpr int64_t kMaxWaitMillis = 30'000;

Result<JsonValue> read_body(const http::Request& request) {
  auto body = JsonValue::parse(request.body);
  if (!body.ok()) {
    return body.status().with_context("body");
  }
  if (!body->is_object()) {
    return invalid(str_cat("body: expected an object, not ", body->type_name()));
  }
  return body;
}

http::Response bad_request(const Status& status) { return http::error_response(400, "invalid", status.message()); }

Result<std::vector<std::string>> read_args(const JsonValue& body) {
  std::vector<std::string> out;
  const JsonValue* const args = body.find("args");
  if (args == nullptr || args->is_null()) {
    return out;
  }
  if (!args->is_array()) {
    return invalid(str_cat("\"args\": expected an array, not ", args->type_name()));
  }
  for (const JsonValue& arg : *args->array()) {
    auto text = arg.as_text();
    if (!text.ok()) {
      return text.status().with_context("\"args\"");
    }
    out.push_back(std::move(*text));
  }
  return out;
}

// {"id": .., "state": .., "message": .., "revision": .., "diagnostics": [..]}
std::string answer_json(const CommandRecord& record) {
  JsonWriter json;
  json.begin_object().member("id", record.id).member("state", command_state_name(record.state));
  json.member("message", record.message).key("revision");
  if (record.revision) {
    json.value(*record.revision);
  } else {
    json.null();
  }
  json.key("diagnostics").raw(findings_json(record.findings)).end_object();
  return json.take();
}

// A failed command as an HTTP error, for the calls that act on a resource.
http::Response failure(const CommandRecord& record) {
  switch (record.code) {
    case Code::kInvalid: return http::error_response(400, "invalid", record.message);
    case Code::kNotFound: return http::error_response(404, "not_found", record.message);
    case Code::kConflict: return http::error_response(409, "conflict", record.message);
    default: return unavailable_response("unavailable", record.message);
  }
}

}  // namespace

Api::Response Api::run_command(Submission submission, int64_t wait_millis, bool as_resource,
                               const Request& request) const {
  submission.who = str_cat("web ", request.peer);
  const auto id = parts_.commands.submit(std::move(submission));
  if (!id.ok()) {
    return unavailable_response(id.status().code() == Code::kBusy ? "busy" : "unavailable", id.status().message());
  }
  const Wait wait = Wait::for_duration(std::chrono::milliseconds(wait_millis), request.stop);
  const auto record = parts_.commands.wait_for(*id, wait);
  if (!record) {
    return http::error_response(404, "not_found", str_cat("command ", *id, " is forgotten already"));
  }
  if (record->is_spec_error) {
    return spec_error(record->message, findings_json(record->findings));
  }
  if (as_resource && record->state == CommandState::kFailed) {
    return failure(*record);
  }
  return http::json_response(answer_json(*record));
}

Api::Response Api::post_command(const Request& request) const {
  const auto body = read_body(request);
  if (!body.ok()) {
    return bad_request(body.status());
  }
  auto command = body->text("command");
  auto args = read_args(*body);
  const auto wait_millis = body->integer_or("wait_ms", kDefaultWaitMillis);
  for (const Status& status : {command.status(), args.status(), wait_millis.status()}) {
    if (!status.ok()) {
      return bad_request(status);
    }
  }
  if (*wait_millis < 0 || *wait_millis > kMaxWaitMillis) {
    return bad_request(invalid(str_cat("\"wait_ms\": expected a number from 0 to ", kMaxWaitMillis)));
  }
  if (const Status known = check_command(*command, args->size()); !known.ok()) {
    return bad_request(known);
  }
  return run_command({std::move(*command), std::move(*args), {}, {}}, *wait_millis, false, request);
}

Api::Response Api::put_config(const Request& request) const {
  const auto body = read_body(request);
  if (!body.ok()) {
    return bad_request(body.status());
  }
  const auto source = body->text("source");
  const auto sink = body->text("sink");
  const auto flow = body->text_or("flow", parts_.default_flow);
  for (const Status& status : {source.status(), sink.status(), flow.status()}) {
    if (!status.ok()) {
      return bad_request(status);
    }
  }
  Submission submission{"config", {request.param("name"), *flow, *source, *sink}, {}, {}};
  if (const JsonValue* const revision = body->find("if_revision"); revision != nullptr && !revision->is_null()) {
    const auto number = revision->as_unsigned();
    if (!number.ok()) {
      return bad_request(number.status().with_context("\"if_revision\""));
    }
    submission.if_revision = *number;
  }
  return run_command(std::move(submission), kMaxWaitMillis, true, request);
}

Api::Response Api::delete_config(const Request& request) const {
  return run_command({"unconfig", {request.param("name")}, {}, {}}, kMaxWaitMillis, true, request);
}

Api::Response Api::post_check(const Request& request) const {
  const auto body = read_body(request);
  if (!body.ok()) {
    return bad_request(body.status());
  }
  SpecReport report;
  if (body->find("text") != nullptr) {
    const auto text = body->text("text");
    if (!text.ok()) {
      return bad_request(text.status());
    }
    report = parts_.checker.check_text(*text);
  } else {
    const auto node = body->text_or("node", "node");
    const auto source = body->text("source");
    const auto sink = body->text("sink");
    for (const Status& status : {node.status(), source.status(), sink.status()}) {
      if (!status.ok()) {
        return bad_request(status);
      }
    }
    report = parts_.checker.check_node(*node, *source, *sink);
  }
  JsonWriter json;
  json.begin_object().member("ok", report.ok()).key("diagnostics").raw(findings_json(report.findings));
  json.key("nodes").begin_array();
  for (const SpecNode& node : report.nodes) {
    json.begin_object().member("name", node.name).member("source", node.source).member("sink", node.sink).end_object();
  }
  json.end_array().end_object();
  return http::json_response(json.take());
}

Api::Response Api::post_complete(const Request& request) const {
  const auto body = read_body(request);
  if (!body.ok()) {
    return bad_request(body.status());
  }
  const auto field = body->text("field");
  const auto text = body->text("text");
  const auto offset = body->integer("offset");
  for (const Status& status : {field.status(), text.status(), offset.status()}) {
    if (!status.ok()) {
      return bad_request(status);
    }
  }
  lang::CompletionField where = lang::CompletionField::kText;
  if (*field == "source") {
    where = lang::CompletionField::kSource;
  } else if (*field == "sink") {
    where = lang::CompletionField::kSink;
  } else if (*field != "text") {
    return bad_request(invalid(str_cat("\"field\": expected source, sink or text, not ", quoted(*field))));
  }
  std::vector<std::string> names;
  for (const auto& [name, config] : parts_.wanted.get()->view().configs) {
    names.push_back(name);
  }
  const auto at = static_cast<uint32_t>(std::clamp<int64_t>(*offset, 0, static_cast<int64_t>(text->size())));
  const auto completion = lang::complete(where, *text, at, parts_.checker.catalog(), names);
  return http::json_response(lang::to_json(completion).to_json());
}

void Api::add_changing(http::HttpServer& server) {
  const auto add = [&](std::string method, std::string_view pattern, Response (Api::*handler)(const Request&) const) {
    server.route(std::move(method), pattern,
                 [this, handler](const Request& request) { return (this->*handler)(request); });
  };
  add("POST", "/api/v1/check", &Api::post_check);
  add("POST", "/api/v1/complete", &Api::post_complete);
  add("POST", "/api/v1/commands", &Api::post_command);
  add("PUT", "/api/v1/configs/{name}", &Api::put_config);
  add("DELETE", "/api/v1/configs/{name}", &Api::delete_config);
}

}  // namespace flume::master

#include "common/event/format_reader.h"

#include "common/base/text.h"
#include "common/json/json.h"

namespace flume {

namespace {

constexpr size_t kMaxAttributes = 250;
constexpr size_t kMaxNameBytes = 65535;

// One byte a character: UTF-8 of U+0000..U+00FF back to bytes.
Result<std::string> latin1_bytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c < 0x80) {
      bytes.push_back(text[i]);
    } else if ((c == 0xC2 || c == 0xC3) && i + 1 < text.size()) {  // valid UTF-8: a byte follows
      bytes.push_back(static_cast<char>(c << 6 | (static_cast<uint8_t>(text[++i]) & 0x3F)));
    } else {
      return invalid("a character beyond U+00FF, which stands for no byte");
    }
  }
  return bytes;
}

Result<std::string> read_bytes(ReplayFormat format, const JsonValue& value, size_t limit) {
  FLUME_ASSIGN_OR_RETURN(std::string text, value.as_text());
  if (format == ReplayFormat::kAvroJson) {
    FLUME_ASSIGN_OR_RETURN(text, latin1_bytes(text));
  }
  if (text.size() > limit) {
    return Status(Code::kNoSpace, str_cat(text.size(), " bytes, more than the event limit of ", limit));
  }
  return text;
}

Status read_attributes(ReplayFormat format, const JsonValue& fields, const BatchLimits& limits, Event& event) {
  if (!fields.is_object()) {
    return invalid(str_cat("expected an object, not ", fields.type_name()));
  }
  if (fields.object()->size() > kMaxAttributes) {
    return {Code::kNoSpace, str_cat(fields.object()->size(), " attributes, more than ", kMaxAttributes)};
  }
  for (const auto& [name, value] : *fields.object()) {
    if (name.empty() || name.size() > kMaxNameBytes || name.find('\0') != std::string::npos) {
      return invalid(str_cat(quoted(name.substr(0, 64)), " is no name for an attribute"));
    }
    Result<std::string> bytes = read_bytes(format, value, limits.event_bytes);
    if (!bytes.ok()) {
      return bytes.status().with_context(quoted(name));
    }
    event.attributes.emplace(name, std::move(*bytes));
  }
  return {};
}

Result<Event> to_event(ReplayFormat format, const JsonValue& record, const BatchLimits& limits) {
  Event event;
  FLUME_ASSIGN_OR_RETURN(event.timestamp, record.integer("timestamp"));
  FLUME_ASSIGN_OR_RETURN(event.nanos, record.integer_or("nanos", 0));
  FLUME_ASSIGN_OR_RETURN(event.host, record.text_or("host", ""));
  if (event.host.size() > limits.event_bytes) {
    return Status(Code::kNoSpace, str_cat("\"host\": more than the event limit of ", limits.event_bytes));
  }
  FLUME_ASSIGN_OR_RETURN(const std::string priority, record.text_or("pri", "INFO"));
  const auto known = parse_priority(priority);
  if (!known) {
    return invalid(str_cat("\"pri\": ", quoted(priority), " is no priority"));
  }
  event.priority = *known;
  const JsonValue* body = record.find("body");
  if (body == nullptr) {
    return invalid("\"body\" is missing");
  }
  Result<std::string> bytes = read_bytes(format, *body, limits.event_bytes);
  if (!bytes.ok()) {
    return bytes.status().with_context("\"body\"");
  }
  event.body = std::move(*bytes);
  const JsonValue* fields = record.find("fields");
  if (fields != nullptr && !fields->is_null()) {
    const Status status = read_attributes(format, *fields, limits, event);
    if (!status.ok()) {
      return status.with_context("\"fields\"");
    }
  }
  return event;
}

}  // namespace

Result<ReplayFormat> parse_replay_format(std::string_view name) {
  if (name == "avrojson") {
    return ReplayFormat::kAvroJson;
  }
  if (name == "json") {
    return ReplayFormat::kJson;
  }
  return invalid(str_cat(quoted(name), " cannot be read back: choose avrojson or json"));
}

Result<Event> read_event_line(ReplayFormat format, std::string_view line, const BatchLimits& limits) {
  JsonLimits json_limits;
  json_limits.bytes = size_t{limits.head_bytes} + limits.blob_bytes;  // what a batch could hold at most
  json_limits.depth = 4;
  const Result<JsonValue> record = JsonValue::parse(trim(line), json_limits);
  if (!record.ok()) {
    return record.status().with_context("event");
  }
  Result<Event> event = to_event(format, *record, limits);
  return event.ok() ? std::move(event) : Result<Event>(event.status().with_context("event"));
}

}  // namespace flume

#include "master/config/schema.h"

#include "common/base/text.h"

namespace flume::master {

namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// The object to write into: what is there now, or a new one.
JsonValue object_from(std::string_view before) {
  if (auto parsed = JsonValue::parse(before); parsed.ok() && parsed->is_object()) {
    return std::move(*parsed);
  }
  JsonValue value;
  value.set("v", 1);
  return value;
}

Result<JsonValue> parse_object(std::string_view value) {
  FLUME_ASSIGN_OR_RETURN(JsonValue parsed, JsonValue::parse(value));
  if (!parsed.is_object()) {
    return invalid(str_cat("expected an object, not ", parsed.type_name()));
  }
  return parsed;
}

}  // namespace

std::string encode_name(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool inner_dot = name[i] == '.' && i > 0 && i + 1 < name.size();
    if (is_plain(name[i]) || inner_dot) {
      out.push_back(name[i]);
    } else {
      const auto byte = static_cast<uint8_t>(name[i]);
      str_append(out, '%', to_hex({&byte, 1}));
    }
  }
  return out;
}

std::optional<std::string> decode_name(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(byte->front()));
    i += 2;
  }
  return out;
}

Status check_node_name(std::string_view name) {
  bool is_good = !name.empty() && name.size() <= 255;
  for (const char c : name) {
    is_good = is_good && (is_plain(c) || c == '.');
  }
  return is_good ? Status()
                 : invalid(str_cat("node name ", quoted(name.substr(0, 300)),
                                   ": a name has 1 to 255 letters, digits, dots, dashes and underscores"));
}

std::string config_key(std::string_view node) { return str_cat("nodes/", encode_name(node), "/config"); }
std::string place_key(std::string_view node) { return str_cat("nodes/", encode_name(node), "/place"); }
std::string host_key(std::string_view physical) { return str_cat("hosts/", encode_name(physical)); }
std::string port_key(std::string_view host, std::string_view node) {
  return str_cat("ports/", encode_name(host), "/", encode_name(node));
}
std::string removed_key(std::string_view physical, std::string_view node) {
  return str_cat("removed/", encode_name(physical), "/", encode_name(node));
}
std::string adopt_key(std::string_view physical) { return str_cat("adopt/", encode_name(physical)); }
std::string history_key(uint64_t id) {
  const std::string digits = str_cat(id);
  return str_cat("history/", std::string(20 - digits.size(), '0'), digits);
}

std::string encode_config(const NodeConfig& config, std::string_view before) {
  JsonValue value = object_from(before);
  value.set("flow", config.flow);
  value.set("source", config.source);
  value.set("sink", config.sink);
  value.set("refresh", config.refresh);
  value.set("who", config.who);
  value.set("when", config.when_millis);
  value.set("why", config.why);
  return value.to_json();
}

std::string encode_place(std::string_view physical) {
  JsonValue value = object_from({});
  value.set("physical", physical);
  return value.to_json();
}

std::string encode_host(const HostRecord& host, std::string_view before) {
  JsonValue value = object_from(before);
  JsonValue::Array addresses;
  for (const std::string& address : host.addresses) {
    addresses.emplace_back(address);
  }
  value.set("node_id", host.node_id);
  value.set("host", host.host);
  value.set("addresses", std::move(addresses));
  value.set("live", host.is_live);
  value.set("since", host.since_millis);
  return value.to_json();
}

std::string encode_port(uint16_t port) {
  JsonValue value = object_from({});
  value.set("port", port);
  return value.to_json();
}

Result<NodeConfig> decode_config(std::string_view text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue value, parse_object(text));
  NodeConfig config;
  FLUME_ASSIGN_OR_RETURN(config.flow, value.text("flow"));
  FLUME_ASSIGN_OR_RETURN(config.source, value.text("source"));
  FLUME_ASSIGN_OR_RETURN(config.sink, value.text("sink"));
  FLUME_ASSIGN_OR_RETURN(config.refresh, value.integer_or("refresh", 0));
  FLUME_ASSIGN_OR_RETURN(config.who, value.text_or("who", ""));
  FLUME_ASSIGN_OR_RETURN(config.when_millis, value.integer_or("when", 0));
  FLUME_ASSIGN_OR_RETURN(config.why, value.text_or("why", ""));
  return config;
}

Result<std::string> decode_place(std::string_view text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue value, parse_object(text));
  return value.text("physical");
}

Result<HostRecord> decode_host(std::string_view text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue value, parse_object(text));
  HostRecord host;
  FLUME_ASSIGN_OR_RETURN(host.node_id, value.text_or("node_id", ""));
  FLUME_ASSIGN_OR_RETURN(host.host, value.text("host"));
  FLUME_ASSIGN_OR_RETURN(host.is_live, value.boolean_or("live", true));
  FLUME_ASSIGN_OR_RETURN(host.since_millis, value.integer_or("since", 0));
  const JsonValue* addresses = value.find("addresses");
  if (addresses != nullptr && addresses->is_array()) {
    for (const JsonValue& address : *addresses->array()) {
      FLUME_ASSIGN_OR_RETURN(std::string one, address.as_text());
      host.addresses.push_back(std::move(one));
    }
  }
  return host;
}

Result<uint16_t> decode_port(std::string_view text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue value, parse_object(text));
  FLUME_ASSIGN_OR_RETURN(const int64_t port, value.integer("port"));
  if (port < 1 || port > 65535) {
    return invalid(str_cat("\"port\": ", port, " is not a port"));
  }
  return static_cast<uint16_t>(port);
}

}  // namespace flume::master

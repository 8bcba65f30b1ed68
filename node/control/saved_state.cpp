#include "node/control/saved_state.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/posix.h"
#include "common/json/json.h"

namespace flume::node {
namespace {

constexpr int64_t kVersion = 1;
constexpr size_t kMaxBytes = 256U << 20;

Result<SavedConfig> parse_config(const JsonValue& json) {
  SavedConfig saved;
  FLUME_ASSIGN_OR_RETURN(saved.config.name, json.text("name"));
  FLUME_ASSIGN_OR_RETURN(saved.config.flow, json.text("flow"));
  FLUME_ASSIGN_OR_RETURN(saved.config.source, json.text("source"));
  FLUME_ASSIGN_OR_RETURN(saved.config.sink, json.text("sink"));
  FLUME_ASSIGN_OR_RETURN(const int64_t revision, json.integer("revision"));
  FLUME_ASSIGN_OR_RETURN(saved.text_hash, json.text("text_hash"));
  saved.config.revision = static_cast<uint64_t>(revision);
  saved.config.pushed = true;
  return saved;
}

Result<SavedState> parse(const std::string& text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue json, JsonValue::parse(text, {.bytes = kMaxBytes}));
  FLUME_ASSIGN_OR_RETURN(const int64_t version, json.integer("v"));
  if (version != kVersion) {
    return invalid(str_cat("version ", version, " is not known here"));
  }
  SavedState state;
  FLUME_ASSIGN_OR_RETURN(const std::string store_id, json.text("store_id"));
  const auto bytes = from_hex(store_id);
  if (!bytes || bytes->size() != state.store_id.size()) {
    return invalid("\"store_id\": expected 32 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), state.store_id.begin());
  FLUME_ASSIGN_OR_RETURN(state.revision, json.integer("revision"));
  const JsonValue* const configs = json.find("configs");
  if (configs == nullptr || configs->array() == nullptr) {
    return invalid("\"configs\" is missing");
  }
  for (const JsonValue& config : *configs->array()) {
    FLUME_ASSIGN_OR_RETURN(SavedConfig saved, parse_config(config));
    state.configs.push_back(std::move(saved));
  }
  return state;
}

// A free name beside the file, so that an earlier damaged one is kept too.
Status set_aside(const std::string& path) {
  constexpr int kMaxAside = 100;
  Status status;
  for (int i = 0; i < kMaxAside; ++i) {
    status = rename_to_free_name(path, str_cat(path, ".damaged", i == 0 ? std::string() : str_cat(".", i)));
    if (status.code() != Code::kExists) {
      break;
    }
  }
  FLUME_RETURN_IF_ERROR(status);
  return sync_parent(path);
}

}  // namespace

Result<SavedState> load_saved_state(const std::string& path) {
  const auto text = read_file(path, kMaxBytes);
  if (!text.ok()) {
    return text.status().code() == Code::kNotFound ? Result<SavedState>(SavedState()) : text.status();
  }
  auto state = parse(*text);
  if (state.ok()) {
    return state;
  }
  FLUME_LOG(kError, "the saved configuration is damaged and set aside; the masters are asked for it", kv("file", path),
            kv("error", state.status()));
  FLUME_RETURN_IF_ERROR(set_aside(path));
  return SavedState();
}

Status save_state(const std::string& path, const SavedState& state) {
  JsonWriter json(1);
  json.begin_object();
  json.member("v", kVersion);
  json.member("store_id", to_hex(state.store_id));
  json.member("revision", state.revision);
  json.key("configs").begin_array();
  for (const SavedConfig& saved : state.configs) {
    json.begin_object();
    json.member("name", saved.config.name).member("flow", saved.config.flow);
    json.member("source", saved.config.source).member("sink", saved.config.sink);
    json.member("revision", static_cast<int64_t>(saved.config.revision)).member("text_hash", saved.text_hash);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return replace_file(path, json.take() + "\n", 0600);
}

}  // namespace flume::node

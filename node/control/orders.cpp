#include "node/control/orders.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {
namespace {

std::string hex(const std::string& bytes) {
  return to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

void Orders::start() {
  if (path_.empty()) {
    return;
  }
  auto loaded = load_saved_state(path_);
  if (!loaded.ok()) {
    FLUME_LOG(kError, "the saved configuration cannot be read", kv("error", loaded.status()));
    return;
  }
  if (loaded->store_id != Id128{}) {
    store_id_.assign(loaded->store_id.begin(), loaded->store_id.end());
  }
  revision_ = loaded->revision;
  for (SavedConfig& saved : loaded->configs) {
    if (nodes_.find(saved.config.name)) {
      continue;  // without a hash here a master sends its own again
    }
    if (const Status status = nodes_.set(saved.config); !status.ok()) {
      FLUME_LOG(kError, "a saved configuration is refused", kv("node", saved.config.name), kv("error", status));
    }
    configs_.insert_or_assign(saved.config.name, std::move(saved));
  }
}

bool Orders::obey(const rpc::control::Desired& desired) {
  if (!is_ours(desired)) {
    FLUME_LOG_EVERY(60'000, kError, "this master keeps another store than the one this node obeys; not obeyed",
                    kv("its_store", hex(desired.store_id)), kv("ours", hex(store_id_)));
    return false;
  }
  for (const rpc::control::SetLogical& config : desired.configs) {
    take(config);
  }
  for (const rpc::control::RemoveLogical& removal : desired.remove) {
    remove(removal);
  }
  if (desired.revision > revision_) {
    revision_ = desired.revision;
    changed_ = true;
  }
  save_if_changed();
  return true;
}

bool Orders::is_ours(const rpc::control::Desired& desired) {
  if (desired.store_id == store_id_) {
    return true;
  }
  if (desired.store_id.size() != Id128().size()) {
    return false;
  }
  if (!store_id_.empty() && desired.adopt_from != store_id_) {
    return false;
  }
  FLUME_LOG(kInfo, "this node obeys the masters of a store it did not obey before", kv("store", hex(desired.store_id)));
  store_id_ = desired.store_id;
  revision_ = 0;  // each store counts for itself
  for (auto& [name, saved] : configs_) {
    saved.config.revision = 0;
    saved.text_hash.clear();
  }
  changed_ = true;
  return true;
}

void Orders::take(const rpc::control::SetLogical& config) {
  const auto known = configs_.find(config.name);
  const auto revision = static_cast<uint64_t>(config.revision);
  bool only_again = false;
  if (known != configs_.end()) {
    const SavedConfig& now = known->second;
    const bool is_same_hash = now.text_hash == config.text_hash;
    if (revision < now.config.revision || (is_same_hash && now.config.revision == revision)) {
      return;
    }
    // Another hash of the same texts is a wish to open everything anew.
    only_again =
        !is_same_hash && !now.text_hash.empty() && now.config.source == config.source && now.config.sink == config.sink;
  }
  SavedConfig saved{{config.name, config.flow, config.source, config.sink, revision, true}, config.text_hash};
  if (const Status status = nodes_.set(saved.config); !status.ok()) {
    FLUME_LOG(kError, "a configuration from the master is refused", kv("node", config.name),
              kv("revision", config.revision), kv("error", status));
  } else if (only_again) {
    (void)nodes_.refresh(config.name);  // it is there: it was just set
  }
  std::erase(removed_, config.name);
  configs_.insert_or_assign(config.name, std::move(saved));
  changed_ = true;
}

void Orders::remove(const rpc::control::RemoveLogical& removal) {
  const auto known = configs_.find(removal.name);
  if (known != configs_.end() && known->second.config.revision > static_cast<uint64_t>(removal.revision)) {
    return;  // it was made anew since
  }
  if (const Status status = nodes_.remove(removal.name); status.ok()) {
    FLUME_LOG(kInfo, "a logical node is removed, as its master says", kv("node", removal.name));
  }
  changed_ = configs_.erase(removal.name) > 0 || changed_;
  if (std::find(removed_.begin(), removed_.end(), removal.name) == removed_.end()) {
    removed_.push_back(removal.name);
  }
}

void Orders::save_if_changed() {
  if (!changed_ || path_.empty()) {
    return;
  }
  SavedState state;
  std::copy_n(store_id_.begin(), std::min(store_id_.size(), state.store_id.size()), state.store_id.begin());
  state.revision = revision_;
  for (const auto& [name, saved] : configs_) {
    state.configs.push_back(saved);
  }
  const Status status = save_state(path_, state);
  changed_ = !status.ok();  // then again after the next answer
  if (!status.ok()) {
    FLUME_LOG_EVERY(60'000, kError, "the configuration cannot be saved; it runs all the same", kv("error", status));
  }
}

void Orders::describe(rpc::control::NodeReport& report) const {
  report.__set_store_id(store_id_);
  report.__set_revision(revision_);
  report.__set_removed(removed_);
}

const std::string& Orders::text_hash(const std::string& logical) const {
  static const std::string none;
  const auto found = configs_.find(logical);
  return found == configs_.end() ? none : found->second.text_hash;
}

void Orders::arrived(const std::vector<std::string>& confirmed) {
  std::erase_if(removed_, [&confirmed](const std::string& name) {
    return std::find(confirmed.begin(), confirmed.end(), name) != confirmed.end();
  });
}

}  // namespace flume::node

#include "node/control/orders.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "dataflow-lang/parser.h"

namespace flume::node {
namespace {

std::string hex(const std::string& bytes) {
  return to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

Orders::Orders(NodeSet& nodes, std::string path, std::function<void()> on_removed)
    : nodes_(nodes), path_(std::move(path)), on_removed_(std::move(on_removed)) {}

Orders::~Orders() { stop(); }

void Orders::stop() {
  stop_.request_stop();
  if (remover_.joinable()) {
    remover_.join();
  }
}

void Orders::start() {
  remover_ = Thread("control-remove", [this] { run_removals(); });
  if (path_.empty()) {
    return;
  }
  const MutexLock lock(mutex_);
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
  const MutexLock lock(mutex_);
  if (!is_ours(desired)) {
    FLUME_LOG_EVERY(60'000, kError, "this master keeps another store than the one this node obeys; not obeyed",
                    kv("its_store", hex(desired.store_id)), kv("ours", hex(store_id_)));
    return false;
  }
  for (const rpc::control::SetLogical& config : desired.configs) {
    if (!lang::is_node_name(config.name)) {  // it would name a folder of this machine
      FLUME_LOG_EVERY(60'000, kError, "a master sent a configuration of no possible name",
                      kv("name", quoted(config.name)));
    } else if (waits(config.name)) {
      waiting_.push_back({config.name, config});
    } else {
      take(config);
    }
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
  if (desired.store_id.size() != Id128().size()) {
    return false;
  }
  if (desired.store_id == store_id_) {
    return true;
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

bool Orders::waits(const std::string& name) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&name](const Waiting& order) { return order.name == name; });
}

void Orders::remove(const rpc::control::RemoveLogical& removal) {
  const auto known = configs_.find(removal.name);
  if (known != configs_.end() && known->second.config.revision > static_cast<uint64_t>(removal.revision)) {
    return;  // it was made anew since
  }
  if (!waits(removal.name)) {
    waiting_.push_back({removal.name, std::nullopt});
    has_waiting_.notify_all();
  }
}

void Orders::removed(const std::string& name) {
  changed_ = configs_.erase(name) > 0 || changed_;
  if (std::find(removed_.begin(), removed_.end(), name) == removed_.end()) {
    removed_.push_back(name);
  }
}

void Orders::run_removals() {
  while (true) {
    Waiting order;
    {
      const Wait wait{TimePoint::max(), stop_.token()};
      const MutexLock lock(mutex_);
      while (waiting_.empty() && has_waiting_.wait(mutex_, wait)) {
      }
      if (stop_.stop_requested()) {
        return;
      }
      order = waiting_.front();
    }
    if (!order.config && nodes_.remove(order.name).ok()) {
      FLUME_LOG(kInfo, "a logical node is removed, as its master says", kv("node", order.name));
    }
    {
      const MutexLock lock(mutex_);
      if (order.config) {
        take(*order.config);
      } else {
        removed(order.name);
      }
      save_if_changed();
      waiting_.pop_front();
    }
    on_removed_();
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
  const MutexLock lock(mutex_);
  report.__set_store_id(store_id_);
  report.__set_revision(revision_);
  // What is not on disk would come back with the next start.
  report.__set_removed(changed_ && !path_.empty() ? std::vector<std::string>() : removed_);
}

std::string Orders::text_hash(const std::string& logical) const {
  const MutexLock lock(mutex_);
  const auto found = configs_.find(logical);
  return found == configs_.end() ? std::string() : found->second.text_hash;
}

void Orders::arrived(const std::vector<std::string>& confirmed) {
  const MutexLock lock(mutex_);
  std::erase_if(removed_, [&confirmed](const std::string& name) {
    return std::find(confirmed.begin(), confirmed.end(), name) != confirmed.end();
  });
}

}  // namespace flume::node

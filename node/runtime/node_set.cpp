#include "node/runtime/node_set.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/file_system.h"
#include "common/journal/journal.h"
#include "node/runtime/driver.h"
#include "node/runtime/positions.h"

namespace flume::node {

namespace {

constexpr std::string_view kStateNames[] = {"HELLO", "OPENING", "ACTIVE",  "CLOSING", "IDLE",
                                            "ERROR", "BACKOFF", "BLOCKED", "DRAINING"};

// A folder's name for any logical node's name: what could leave the folder or is not plain is percent-encoded.
std::string folder_name(std::string_view name) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  std::string out;
  for (const char c : name) {
    const bool inner_dot = c == '.' && !out.empty();
    if (kPlain.find(c) != std::string_view::npos || inner_dot) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<uint8_t>(c);
      str_append(out, '%', to_hex({&byte, 1}));
    }
  }
  return out;
}

// The other way; nothing: no name makes such a folder.
std::optional<std::string> name_of_folder(std::string_view folder) {
  std::string name;
  for (size_t at = 0; at < folder.size(); ++at) {
    if (folder[at] != '%') {
      name.push_back(folder[at]);
      continue;
    }
    const auto byte = from_hex(folder.substr(at + 1, 2));
    if (!byte || byte->size() != 1) {
      return std::nullopt;
    }
    name.push_back(static_cast<char>((*byte)[0]));
    at += 2;
  }
  return folder_name(name) == folder ? std::optional(std::move(name)) : std::nullopt;
}

bool is_over(const DriverStatus& status) { return status.done; }

// What a node runs whose only work is to empty its logs.
class NoSource final : public Source {
 public:
  Status open(Context&, const Wait&) override { return {}; }
  Result<Next> next(EventBatch&, const Wait& wait) override {
    Mutex mutex;
    CondVar never;
    const MutexLock lock(mutex);
    while (never.wait(mutex, wait)) {
    }
    return Next::kNothingYet;
  }
  Status close(const Wait&) override { return {}; }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override { return {}; }
};
class NoSink final : public Sink {
 public:
  Status open(Context&, const Wait&) override { return {}; }
  AppendResult append(const EventBatch& batch, const Wait&) override { return {{}, batch.rows()}; }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }
};

ProgramPtr draining_program() {
  auto program = std::make_shared<Program>();
  program->source = [] { return std::make_unique<NoSource>(); };
  program->sink = [] { return std::make_unique<NoSink>(); };
  program->replayable = true;
  return program;
}

}  // namespace

std::string_view state_name(NodeState state) { return kStateNames[static_cast<size_t>(state)]; }

// One logical node: its places to keep things, its driver, and what was last wanted of it.
class LogicalNode {
 public:
  LogicalNode(const NodeSetParts& parts, const std::string& name, const std::function<void()>& on_change)
      : parts_(parts),
        positions_(open_positions(parts, name)),
        journal_(make_journal(parts, name)),
        context_{name,           "",
                 parts.clock,    Metrics(parts.metrics, {{"node", name}}),
                 parts.settings, parts.capabilities,
                 parts.identity, parts.watch,
                 *positions_,    parts.storage,
                 parts.net,      limits(parts.settings),
                 logs_,          node_folder(parts, name),
                 journal_.get()},
        book_(context_.metrics),
        keeper_(parts.make_log_keeper ? parts.make_log_keeper(context_) : nullptr),
        driver_(context_, book_, driver_options(parts, keeper_.get()), on_change) {}

  void want(const ProgramPtr& program) {
    draining_ = false;
    wanted_ = program->revision;
    error_.clear();
    error_millis_ = 0;
    driver_.want(program);
  }
  // No source any more; only its logs are emptied.
  void drain() {
    draining_ = true;
    error_.clear();
    error_millis_ = 0;
    driver_.want(draining_program());
  }
  bool is_draining() const { return draining_; }
  bool is_drained() const { return draining_ && keeper_->is_drained(); }
  void refuse(uint64_t revision, const Status& status) {
    wanted_ = revision;
    error_ = std::string(status.message());
    error_millis_ = parts_.clock.wall_millis();
  }
  Driver& driver() { return driver_; }
  const Driver& driver() const { return driver_; }

  LogicalStatus status() {
    book_.publish();
    const DriverStatus driver = driver_.status();
    LogicalStatus status;
    status.name = context_.logical_node;
    status.state = driver.state;
    status.since_millis = driver.since_millis;
    status.wanted_revision = wanted_;
    if (driver.running != nullptr) {
      status.flow = driver.running->flow;
      status.revision = driver.running->revision;
      status.source = driver.running->source_text;
      status.sink = driver.running->sink_text;
      status.promise = driver.running->promise;
    }
    status.error = error_.empty() ? driver.error : error_;
    status.error_millis = error_.empty() ? driver.error_millis : error_millis_;
    look_at_journal();
    if (status.error.empty() && !journal_error_.empty()) {
      status.error = str_cat("the delivery journal cannot be written, rows wait for it: ", journal_error_);
      status.error_millis = journal_error_millis_;
    }
    status.next_try_millis = driver.next_try_millis;
    status.ledger = ledger(driver.running != nullptr && driver.running->promise.may_join);
    status.logs = logs_.list();
    status.source_ended = driver.source_ended;
    if (draining_) {
      status.state = NodeState::kDraining;
    }
    return status;
  }

 private:
  void look_at_journal() {
    const std::string error = journal_ == nullptr ? std::string() : journal_->status().error;
    if (error != journal_error_) {
      journal_error_ = error;
      journal_error_millis_ = parts_.clock.wall_millis();
    }
  }
  // Sources and logs go on counting: what they say fits together when the logs settled nothing between two looks.
  Ledger ledger(bool may_join) const {
    constexpr int kLooks = 64;
    LogCounts logs = logs_.counts();
    for (int look = 1;; ++look) {
      const Ledger source = book_.sum();
      const LogCounts before = std::exchange(logs, logs_.counts());
      const bool is_still =
          before.accepted == logs.accepted && before.repeated == logs.repeated && logs.settling + before.settling == 0;
      if (look == kLooks || is_still) {
        return with_logs(source, logs, may_join);
      }
    }
  }
  static std::unique_ptr<Positions> open_positions(const NodeSetParts& parts, const std::string& name) {
    if (parts.state_folder.empty()) {
      return Positions::in_memory();
    }
    const std::string file = node_folder(parts, name) + "/positions";
    auto positions = Positions::open(file);
    if (positions.ok()) {
      return std::move(positions).value();
    }
    // Without its positions a node still moves data; it may repeat some after the next start.
    FLUME_LOG(kError, "read positions cannot be kept on disk", kv("node", name), kv("error", positions.status()));
    return Positions::in_memory();
  }
  static std::string node_folder(const NodeSetParts& parts, const std::string& name) {
    return parts.state_folder.empty() ? std::string() : str_cat(parts.state_folder, "/", folder_name(name));
  }
  static std::unique_ptr<journal::Journal> make_journal(const NodeSetParts& parts, const std::string& name) {
    if (parts.state_folder.empty()) {
      return nullptr;
    }
    journal::JournalOptions options;
    options.folder = node_folder(parts, name);
    options.streams = static_cast<size_t>(parts.settings.integer("flume.storage.journal.streams"));
    options.keep = parts.settings.millis("flume.storage.journal.keep.millis");
    options.parts = static_cast<size_t>(parts.settings.integer("flume.storage.journal.ranges"));
    return std::make_unique<journal::Journal>(std::move(options), local_files(), parts.clock);
  }
  static BatchLimits limits(const Settings& settings) {
    BatchLimits limits;
    limits.event_bytes = static_cast<uint32_t>(settings.integer("flume.event.max.size.bytes"));
    return limits;
  }
  static DriverOptions driver_options(const NodeSetParts& parts, LogKeeper* keeper) {
    DriverOptions options;
    options.backoff = BackoffOptions::from(parts.settings);
    options.limits.close_timeout = parts.settings.millis("flume.node.close.timeout");
    options.one_shot = parts.one_shot;
    if (keeper != nullptr) {
      options.tend = [keeper] { keeper->tend(); };
    }
    return options;
  }

  const NodeSetParts& parts_;
  const std::unique_ptr<Positions> positions_;
  const std::unique_ptr<journal::Journal> journal_;  // null: nothing is kept
  LogBook logs_;
  Context context_;
  LedgerBook book_;
  // Under the NodeSet's mutex:
  uint64_t wanted_ = 0;
  std::string error_;  // why the last configuration was refused before the driver saw it
  int64_t error_millis_ = 0;
  std::string journal_error_;  // at the last look
  int64_t journal_error_millis_ = 0;
  bool draining_ = false;
  const std::unique_ptr<LogKeeper> keeper_;  // may be null
  Driver driver_;
};

struct NodeSet::Impl {
  explicit Impl(NodeSetParts set_parts) : parts(std::move(set_parts)) {}

  void changed() {
    std::function<void()> callback;
    {
      const MutexLock lock(callback_mutex);
      ++changes;
      callback = on_change;
    }
    something_changed.notify_all();
    if (callback) {
      callback();
    }
  }

  void drain(const std::string& name) FLUME_EXCLUDES(mutex);

  const NodeSetParts parts;
  // Taken before callback_mutex. Never held while a driver is joined.
  mutable Mutex mutex;
  std::map<std::string, std::unique_ptr<LogicalNode>, std::less<>> nodes FLUME_GUARDED_BY(mutex);
  bool stopped FLUME_GUARDED_BY(mutex) = false;

  mutable Mutex callback_mutex;
  mutable CondVar something_changed;
  uint64_t changes FLUME_GUARDED_BY(callback_mutex) = 0;
  std::function<void()> on_change FLUME_GUARDED_BY(callback_mutex);
};

NodeSet::NodeSet(NodeSetParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}

NodeSet::~NodeSet() { stop(); }

Status NodeSet::set(const LogicalConfig& config) {
  const NodeSetParts& parts = impl_->parts;
  auto program = compile(config, parts.registry, parts.settings, parts.capabilities);
  {
    const MutexLock lock(impl_->mutex);
    if (impl_->stopped) {
      return stopped();
    }
    std::unique_ptr<LogicalNode>& node = impl_->nodes[config.name];
    if (node == nullptr) {
      node = std::make_unique<LogicalNode>(parts, config.name, [impl = impl_.get()] { impl->changed(); });
    }
    if (program.ok()) {
      node->want(*program);
    } else {
      node->refuse(config.revision, program.status());
    }
  }
  impl_->changed();
  return program.status();
}

Status NodeSet::remove(std::string_view name) {
  std::unique_ptr<LogicalNode> node;
  {
    const MutexLock lock(impl_->mutex);
    const auto found = impl_->nodes.find(name);
    if (found == impl_->nodes.end() || found->second->is_draining()) {
      return {Code::kNotFound, str_cat("remove logical node ", quoted(name), ": there is none of this name")};
    }
    node = std::move(found->second);
    impl_->nodes.erase(found);
  }
  node->driver().request_stop();
  node->driver().join();
  node.reset();
  impl_->parts.metrics.remove("node", std::string(name));
  impl_->drain(std::string(name));
  impl_->changed();
  return {};
}

void NodeSet::Impl::drain(const std::string& name) {
  const MutexLock lock(mutex);
  if (stopped || !parts.make_log_keeper || nodes.contains(name) ||
      !parts.has_logs(str_cat(parts.state_folder, "/", folder_name(name)))) {
    return;
  }
  std::unique_ptr<LogicalNode>& node = nodes[name];
  node = std::make_unique<LogicalNode>(parts, name, [this] { changed(); });
  node->drain();
}

void NodeSet::drain_leftovers() {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(impl_->parts.state_folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto name = name_of_folder(entry->path().filename().string()); name && entry->is_directory()) {
      impl_->drain(*name);
    }
  }
}

// Nodes that were removed go for good once their logs are empty.
void NodeSet::forget_drained() const {
  std::vector<std::unique_ptr<LogicalNode>> gone;
  {
    const MutexLock lock(impl_->mutex);
    for (auto node = impl_->nodes.begin(); node != impl_->nodes.end();) {
      if (node->second->is_drained()) {
        gone.push_back(std::move(node->second));
        node = impl_->nodes.erase(node);
      } else {
        ++node;
      }
    }
  }
  for (const auto& node : gone) {
    node->driver().request_stop();
    node->driver().join();
  }
}

Status NodeSet::refresh(std::string_view name) {
  const MutexLock lock(impl_->mutex);
  const auto found = impl_->nodes.find(name);
  if (found == impl_->nodes.end()) {
    return {Code::kNotFound, str_cat("refresh logical node ", quoted(name), ": there is none of this name")};
  }
  found->second->driver().refresh();
  return {};
}

std::vector<LogicalStatus> NodeSet::list() const {
  forget_drained();
  std::vector<LogicalStatus> all;
  {
    const MutexLock lock(impl_->mutex);
    for (const auto& [name, node] : impl_->nodes) {
      all.push_back(node->status());
    }
  }
  std::map<std::string_view, LogicalStatus*> by_name;
  for (LogicalStatus& status : all) {
    by_name[status.name] = &status;
  }
  const std::vector<MetricSample> samples = impl_->parts.metrics.samples();
  for (const MetricSample& sample : samples) {
    // What goes through a log is counted before it as this node's, and once more behind it.
    const bool is_part = std::any_of(sample.labels.begin(), sample.labels.end(),
                                     [](const auto& label) { return label.first == "part"; });
    if (is_part && sample.name.starts_with("flume_flow_")) {
      continue;
    }
    for (const auto& [label, value] : sample.labels) {
      const auto found = label == "node" ? by_name.find(value) : by_name.end();
      if (found != by_name.end()) {
        found->second->counters[sample.name] += sample.value;
      }
    }
  }
  return all;
}

std::optional<LogicalStatus> NodeSet::find(std::string_view name) const {
  for (LogicalStatus& status : list()) {
    if (status.name == name) {
      return std::move(status);
    }
  }
  return std::nullopt;
}

void NodeSet::on_change(std::function<void()> callback) {
  const MutexLock lock(impl_->callback_mutex);
  impl_->on_change = std::move(callback);
}

bool NodeSet::wait_until_done(const Wait& wait) const {
  while (true) {
    uint64_t seen = 0;
    {
      const MutexLock lock(impl_->callback_mutex);
      seen = impl_->changes;
    }
    {
      const MutexLock lock(impl_->mutex);
      const auto over = [](const auto& entry) {
        return entry.second->is_draining() || is_over(entry.second->driver().status());
      };
      if (std::all_of(impl_->nodes.begin(), impl_->nodes.end(), over)) {
        return true;
      }
    }
    const MutexLock lock(impl_->callback_mutex);
    while (impl_->changes == seen) {
      if (!impl_->something_changed.wait(impl_->callback_mutex, wait)) {
        return false;
      }
    }
  }
}

void NodeSet::stop() {
  std::map<std::string, std::unique_ptr<LogicalNode>, std::less<>> nodes;
  {
    const MutexLock lock(impl_->mutex);
    impl_->stopped = true;
    nodes = std::move(impl_->nodes);
    impl_->nodes.clear();
  }
  for (const auto& [name, node] : nodes) {
    node->driver().request_stop();
  }
  for (const auto& [name, node] : nodes) {
    node->driver().join();
  }
}

}  // namespace flume::node

// NodeTable: what nodes last reported, and since when they have been silent. In memory only; nothing here is per event.
// What other masters need to know (which host a node is on, whether it is lost) goes to the store, on transitions only:
// store_changes() says what to write. Thread-safe; the node service writes, the API and housekeeping read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "master/config/view.h"
#include "master/nodes/ledger.h"
#include "master/nodes/node_state.h"

namespace flume::master {

struct LogicalReport {
  std::string name;
  StateCode state = StateCode::kHello;
  Revision revision = 0;         // of what runs
  Revision wanted_revision = 0;  // of the last configuration taken, whether it runs or was refused
  std::string text_hash;         // of that one
  std::string error;
  int64_t since_millis = 0;
  int64_t error_millis = 0;
  int64_t next_try_millis = 0;
  std::map<std::string, int64_t> counters;
  LedgerNumbers ledger;
  std::string promise;  // JSON of docs/api.md; empty: the node said nothing
  std::string logs;     // likewise

  // The same but for numbers that change all the time.
  bool looks_like(const LogicalReport& other) const;
};

struct Rates {  // per second, over the last report interval
  double read_events = 0;
  double read_bytes = 0;
  double delivered_events = 0;
  double delivered_bytes = 0;
};

struct LogicalStatus {
  LogicalReport report;
  Rates rates;
  LedgerNumbers base;  // the ledger from which the next rates are reckoned
  TimePoint base_at{};
  int64_t seen_millis = 0;
};

struct PhysicalFacts {  // as a node reports them
  std::string name;
  std::string host;
  std::string node_id;  // hex; empty: a classic node
  std::string version;
  std::string store_id;  // hex: the store it obeys, empty = none yet
  std::vector<std::string> addresses;
  int64_t boot_epoch = 0;
  int64_t boot_millis = 0;
  int http_port = 0;
  Revision revision = 0;
};

struct PhysicalStatus {
  PhysicalFacts facts;
  bool obeys_another_store = false;
  bool is_live = true;
  bool is_classic = false;
  bool is_heard = true;  // false: known from the store only
  TimePoint last_seen{};
  int64_t last_seen_millis = 0;
  int64_t live_since_millis = 0;  // or lost since
  std::map<std::string, LogicalStatus, std::less<>> logical;
  std::set<std::string> stopped;  // confirmed removals that the store may still list
};

struct PhysicalReport {  // of our own nodes
  PhysicalFacts facts;
  bool full = false;  // `changed` is everything
  std::vector<LogicalReport> changed;
  std::vector<std::string> removed;
};

class NodeTable {
 public:
  struct Options {
    Duration lost_after = std::chrono::seconds(50);
    std::string own_store_id;  // hex
  };
  NodeTable(Clock& clock, Options options) : clock_(clock), options_(std::move(options)) {}

  // After each change that anybody can see, counters and rates excepted; must only post or notify.
  void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }

  // What the store knows of nodes from before this master's start: those that lived have as long as others to report.
  void seed(const View& view) FLUME_EXCLUDES(mutex_);
  // False: it says only what changed since a report that this master does not have. Nothing is taken: ask for all.
  bool report(PhysicalReport report) FLUME_EXCLUDES(mutex_);
  // A classic heartbeat of one logical node. True: the first word of it.
  bool classic_heartbeat(const std::string& physical, const std::string& host, const std::string& logical,
                         StateCode state, int64_t version) FLUME_EXCLUDES(mutex_);
  // Turns nodes that have been silent too long into lost ones.
  void tick() FLUME_EXCLUDES(mutex_);
  void forget(const std::vector<std::string>& names) FLUME_EXCLUDES(mutex_);  // physical or logical
  void forget_all() FLUME_EXCLUDES(mutex_);

  std::vector<PhysicalStatus> list() const FLUME_EXCLUDES(mutex_);  // sorted by name
  std::optional<PhysicalStatus> find(std::string_view physical) const FLUME_EXCLUDES(mutex_);
  // Reads one node under the lock, without a copy; null: unknown. `use` must be quick.
  template <class Use>
  auto with(std::string_view physical, Use use) const FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = nodes_.find(physical);
    return use(found == nodes_.end() ? static_cast<const PhysicalStatus*>(nullptr) : &found->second);
  }

  // What the store should learn from here, seen against this view: hosts of nodes that came, moved or were lost,
  // removals that were confirmed, adoptions that happened.
  std::vector<Change> store_changes(const View& view) const FLUME_EXCLUDES(mutex_);

 private:
  bool touch(PhysicalStatus& node) FLUME_REQUIRES(mutex_);  // true: it was not live before
  bool take_logical(PhysicalStatus& node, LogicalReport report) FLUME_REQUIRES(mutex_);
  bool take(PhysicalReport report, bool& is_changed) FLUME_REQUIRES(mutex_);
  void announce(bool is_changed) const;

  Clock& clock_;
  const Options options_;
  std::function<void()> on_change_;
  mutable Mutex mutex_;
  std::map<std::string, PhysicalStatus, std::less<>> nodes_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume::master

// NodeSet: the logical nodes of this process, running set -> wanted set. A configuration is parsed, checked and built
// before anything that runs is touched; a bad one leaves the old flow as it is and shows the reason in its status.
// Everything else happens in the logical node's own driver thread: when the source's canonical text is unchanged the
// running source stays and only the sink is swapped (driver.h).
//
// Thread-safe. set(), remove() and refresh() return as soon as the change is accepted; what came of it shows in list()
// and is announced by on_change(). Only remove() and stop() wait, at most for the close timeout.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "node/runtime/component.h"
#include "node/runtime/ledger.h"
#include "node/runtime/log_book.h"
#include "node/runtime/node_state.h"
#include "node/runtime/promise.h"
#include "node/runtime/registry.h"

namespace flume::node {

struct LogicalConfig {
  std::string name;
  std::string flow;
  std::string source;  // in the dataflow language, translated (physical)
  std::string sink;
  uint64_t revision = 0;
  bool pushed = false;  // came from a master: capabilities apply
};

struct LogicalStatus {
  std::string name;
  std::string flow;
  NodeState state = NodeState::kHello;
  int64_t since_millis = 0;      // wall time of the last change of state
  uint64_t revision = 0;         // of the configuration that runs
  uint64_t wanted_revision = 0;  // of the last one given; differs while it is on its way or was refused
  std::string source;            // canonical text of what runs; empty: nothing yet
  std::string sink;
  std::string error;            // the last one, empty when all is well
  int64_t error_millis = 0;     // when; 0 = none
  int64_t next_try_millis = 0;  // 0 = none planned
  Ledger ledger;
  FlowPromise promise;                      // of what runs
  std::vector<LogStatus> logs;              // of its sinks that keep one, by path
  std::map<std::string, int64_t> counters;  // this node's metrics summed over its components, by name
  bool source_ended = false;                // IDLE because the source came to its end, not because it was told to
};

// What logical nodes are made of; everything outlives the NodeSet.
struct NodeSetParts {
  const Registry& registry;
  Clock& clock;
  MetricRegistry& metrics;
  const Settings& settings;
  const Capabilities& capabilities;
  const Identity& identity;
  FileWatch& watch;
  StorageSet& storage;
  NetServer& net;
  std::string state_folder;  // state_folder/NAME/positions, .../wal, .../journal-N; empty = kept in memory only
  bool one_shot = false;     // the first error ends a logical node, instead of being retried
  // For logs that no sink of a node uses any more; null: they are left alone.
  std::function<std::unique_ptr<LogKeeper>(Context& context)> make_log_keeper = nullptr;
  std::function<bool(const std::string& node_folder)> has_logs = nullptr;  // with make_log_keeper
};

class LogicalNode;

class NodeSet {
 public:
  explicit NodeSet(NodeSetParts parts);
  ~NodeSet();  // stop() was called
  NodeSet(const NodeSet&) = delete;
  NodeSet& operator=(const NodeSet&) = delete;

  // kInvalid: does not parse or check (the whole diagnostics as they are printed), kPermission: refused by the node's
  // owner. The status of the logical node shows the same text, and its old flow goes on. The same source, sink and flow
  // as now only moves the revision.
  Status set(const LogicalConfig& config);
  // Closes it within the close timeout. kNotFound. Its read positions stay on disk.
  // A node whose logs still hold rows stays, without a source, as DRAINING, until they are delivered.
  Status remove(std::string_view name);
  // Makes such nodes of what nodes that are not set left in their folders.
  void drain_leftovers();
  // Closes and opens source and sink anew, with the running configuration.
  Status refresh(std::string_view name);

  std::vector<LogicalStatus> list() const;  // sorted by name
  std::optional<LogicalStatus> find(std::string_view name) const;
  // Called from any thread after a state, error or revision changed; must only post or notify. One callback.
  void on_change(std::function<void()> callback);
  // Until every logical node is IDLE or ERROR with nothing more planned (a one-shot node), or stop or deadline.
  bool wait_until_done(const Wait& wait) const;
  // Closes all of them at once, within the close timeout. Nothing is accepted afterwards (kStopped).
  void stop();

 private:
  void forget_drained() const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flume::node

// Orders: what the masters of one store want of this node, against what it runs. Takes their answers, changes the
// running set, keeps all of it on disk, and knows what is still to be confirmed. Nothing is removed unless it is
// listed, and nothing is obeyed that another store says, unless its masters adopted this node.
//
// Closing a logical node may take its whole close timeout, so removals have a thread of their own (control-remove) and
// hold up neither reports nor other configurations; what is said of a logical node meanwhile waits behind its removal.
// Life: made, start(), stop(); stop() waits for a removal that goes on. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "common/base/thread.h"
#include "node/control/saved_state.h"
#include "node/runtime/node_set.h"
#include "rpc/control_types.h"

namespace flume::node {

class Orders {
 public:
  // `path`: where they are kept; empty = nowhere. `on_removed`: after each removal; must only post or notify.
  Orders(NodeSet& nodes, std::string path, std::function<void()> on_removed);
  ~Orders();
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  // What the disk holds is run, but for logical nodes that run already (given on the command line). Errors are said in
  // the log and in the states of the logical nodes: a node starts with what it has.
  void start() FLUME_EXCLUDES(mutex_);
  void stop() FLUME_EXCLUDES(mutex_);  // may be called twice
  // False: another store's, refused.
  bool obey(const rpc::control::Desired& desired) FLUME_EXCLUDES(mutex_);
  // The part of a report that is about orders. A removal is in it once it is on disk.
  void describe(rpc::control::NodeReport& report) const FLUME_EXCLUDES(mutex_);
  // Of the last configuration taken; "" = none.
  std::string text_hash(const std::string& logical) const FLUME_EXCLUDES(mutex_);
  // The report that described `confirmed` removals has arrived.
  void arrived(const std::vector<std::string>& confirmed) FLUME_EXCLUDES(mutex_);

 private:
  struct Waiting {
    std::string name;
    std::optional<rpc::control::SetLogical> config;  // none: remove it
  };
  bool is_ours(const rpc::control::Desired& desired) FLUME_REQUIRES(mutex_);
  bool waits(const std::string& name) const FLUME_REQUIRES(mutex_);
  void take(const rpc::control::SetLogical& config) FLUME_REQUIRES(mutex_);
  void remove(const rpc::control::RemoveLogical& removal) FLUME_REQUIRES(mutex_);
  void removed(const std::string& name) FLUME_REQUIRES(mutex_);
  void save_if_changed() FLUME_REQUIRES(mutex_);
  void run_removals() FLUME_EXCLUDES(mutex_);

  NodeSet& nodes_;
  const std::string path_;
  const std::function<void()> on_removed_;
  StopSource stop_;
  Thread remover_;
  mutable Mutex mutex_;
  CondVar has_waiting_;
  std::string store_id_ FLUME_GUARDED_BY(mutex_);  // 16 bytes; empty: nobody's yet
  int64_t revision_ FLUME_GUARDED_BY(mutex_) = 0;
  std::map<std::string, SavedConfig> configs_ FLUME_GUARDED_BY(mutex_);
  std::deque<Waiting> waiting_ FLUME_GUARDED_BY(mutex_);       // the first is being carried out
  std::vector<std::string> removed_ FLUME_GUARDED_BY(mutex_);  // to be confirmed
  bool changed_ FLUME_GUARDED_BY(mutex_) = false;              // since the last save
};

}  // namespace flume::node

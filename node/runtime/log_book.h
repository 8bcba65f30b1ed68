// LogBook: the logs (write-ahead, disk failover) of one logical node, for its status and its ledger. A log's sink puts
// itself in while it is open; whoever shows the node asks. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/base/sync.h"
#include "node/runtime/ledger.h"
#include "node/runtime/node_state.h"

namespace flume::node {

struct LogStatus {
  std::string path;           // of the sink in the plan
  std::string folder;         // where the log lies
  uint64_t rows = 0;          // held: numbered and not durable at the far end
  uint64_t bytes = 0;         // of the log's files
  uint64_t recovered = 0;     // rows that it held when it was opened
  uint64_t repeated = 0;      // rows that came again and were known
  uint64_t missing = 0;       // rows whose place in the log is damaged
  int64_t oldest_millis = 0;  // wall time when the oldest segment was begun; 0: nothing is held
  std::string error;          // of its disk
  // Of what sends the rows on.
  NodeState state = NodeState::kHello;
  std::string chain_error;
  int64_t next_try_millis = 0;
  Ledger sent;  // rows that went into the chain, and what became of them
};

class LogBook {
 public:
  // `status` is called from any thread until remove(); it must not call the book.
  void add(const void* log, std::function<LogStatus()> status);
  void remove(const void* log);
  std::vector<LogStatus> list() const;

  // One log at a time uses a folder. kBusy: another one does and cannot give it up.
  Status claim(const std::string& folder, const void* log);
  void release(const void* log);
  bool is_claimed(const std::string& folder) const;
  // Whoever claims this folder from now on can be asked to give it up: `give_up` closes it. Driver's thread only, as
  // claim() is then. Null: no more.
  void on_wanted(const std::string& folder, std::function<void()> give_up);

 private:
  mutable Mutex mutex_;
  std::map<const void*, std::function<LogStatus()>> logs_ FLUME_GUARDED_BY(mutex_);
  std::map<std::string, const void*, std::less<>> claims_ FLUME_GUARDED_BY(mutex_);  // by folder
  std::map<std::string, std::function<void()>, std::less<>> give_up_ FLUME_GUARDED_BY(mutex_);
};

// What looks after the logs that no sink of the node's configuration uses (any more): their rows are still sent, by the
// chain that wrote them (R9). Made by whoever makes the node; driver's thread, but is_drained().
class LogKeeper {
 public:
  virtual ~LogKeeper() = default;
  virtual void tend() = 0;              // now and then, and after every change of the configuration
  virtual bool is_drained() const = 0;  // as of the last tend(); any thread
};

}  // namespace flume::node

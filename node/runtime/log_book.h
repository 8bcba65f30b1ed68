// LogBook: the logs (write-ahead, disk failover) of one logical node, for its status and its ledger. A log's sink puts
// itself in while it is open; whoever shows the node asks. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

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

 private:
  mutable Mutex mutex_;
  std::map<const void*, std::function<LogStatus()>> logs_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume::node

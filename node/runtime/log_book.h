// LogBook: the logs (write-ahead, disk failover) of one logical node, for its status and its ledger. A log's sink puts
// itself in while it is open; whoever shows the node asks. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/base/sync.h"
#include "common/wal/log_times.h"
#include "common/wal/missing.h"
#include "node/runtime/commit_wishes.h"
#include "node/runtime/ledger.h"
#include "node/runtime/node_state.h"

namespace flume::node {

struct FeedingLog;  // node/runtime/feeding_log.h

struct LogStatus {
  std::string kind;          // "wal": everything goes through it; "dfo": what could not be sent
  std::string path;          // of the sink in the plan
  std::string folder;        // where the log lies
  uint64_t rows = 0;         // held: numbered and not durable at the far end
  uint64_t bytes = 0;        // of the log's files
  uint64_t limit_bytes = 0;  // at which it takes nothing
  uint64_t segments = 0;
  uint64_t recovered = 0;           // rows that it held when it was opened
  uint64_t repeated = 0;            // rows that came again and were known
  uint64_t damaged_bytes = 0;       // that are no record, whether rows were in them or not
  uint64_t missing = 0;             // rows that were in the log and cannot be read
  std::deque<wal::Missing> places;  // of them, the newest kMissingShown
  uint64_t parked = 0;              // rows that wait for the collector they were offered to (R7)
  uint64_t doubled = 0;             // rows sent to another one though the first may have them
  int64_t oldest_millis = 0;        // wall time when the oldest row that it holds was synced; 0: nothing is held
  wal::AckTimes acks;               // from the sync of a row until the far end took responsibility for it
  std::string error;                // of its disk
  // Of what sends the rows on.
  NodeState state = NodeState::kHello;
  std::string chain_error;
  int64_t next_try_millis = 0;
  LogCounts counts;  // since it was opened
};
inline constexpr size_t kMissingShown = 16;

class LogBook {
 public:
  // `status` is called from any thread until remove(); it must not call the book.
  void add(const void* log, std::function<LogStatus()> status);
  // Asks a last time: what the log counted stays in counts(), and what it holds when it is opened again is known there.
  void remove(const void* log);
  std::vector<LogStatus> list() const;
  // Of all logs that were ever open, each folder once.
  LogCounts counts() const;

  // One log at a time uses a folder. kBusy: another one does and cannot give it up.
  Status claim(const std::string& folder, const void* log);
  void release(const void* log);
  bool is_claimed(const std::string& folder) const;
  // Whoever claims this folder from now on can be asked to give it up: `give_up` closes it. Driver's thread only, as
  // claim() is then. Null: no more.
  void on_wanted(const std::string& folder, std::function<void()> give_up);

  // What a sender of this logical node's source, or the log that feeds these sinks, asks of them (R8).
  CommitWishes& commits() { return commits_; }
  // The log that these sinks are fed from; null: none. Set before they are opened, outlives them.
  FeedingLog* feeding() const { return feeding_; }
  void set_feeding(FeedingLog* log) { feeding_ = log; }

 private:
  CommitWishes commits_;
  FeedingLog* feeding_ = nullptr;
  mutable Mutex mutex_;
  std::map<const void*, std::function<LogStatus()>> logs_ FLUME_GUARDED_BY(mutex_);
  std::map<std::string, LogCounts> closed_ FLUME_GUARDED_BY(mutex_);                 // by folder
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

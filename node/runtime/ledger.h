// The ledger of one logical node: what its source read and what became of it, exact, from the AckTrackers of its
// sources. Counts start with the process and survive a change of the configuration: what trackers of closed sources
// counted is kept. Thread-safe: the driver adds trackers, status pages and /metrics read sums.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "common/event/ack.h"
#include "common/metrics/metrics.h"

namespace flume::node {

struct Amount {
  uint64_t events = 0;
  uint64_t bytes = 0;  // of bodies
  bool operator==(const Amount&) const = default;
};

// read + copies + recovered = delivered + in_flight + held + joined + dropped + missing + unexplained, in events. Rows
// that were not delivered and are read again count once: `read` is net of them, and of rows that a log had already.
struct Ledger {
  Amount read;
  Amount recovered;     // what logs held at the start
  uint64_t copies = 0;  // rows that fan-outs added: every branch settles its own; and those made in front of a log
  Amount delivered;     // by the last sink of this node: what is only in a log is not
  Amount in_flight;
  Amount held;                            // in logs
  uint64_t joined = 0;                    // rows that became part of others in front of a log (batch)
  uint64_t missing = 0;                   // rows that logs cannot read any more
  std::map<std::string, Amount> dropped;  // by reason
  Amount again;                           // rows that came back undelivered (read again, or offered again)
  int64_t unexplained = 0;                // not 0 at rest is a bug
  bool balanced = true;                   // nothing is unexplained

  Amount dropped_sum() const;
};

// What the logs of a node did with the rows that were put into them, since the node was made:
// recovered + accepted = delivered + held + dropped + missing + unexplained.
struct LogCounts {
  uint64_t recovered = 0;  // rows they held when they were opened for the first time
  uint64_t recovered_bytes = 0;
  uint64_t accepted = 0;  // rows that are synced and settled towards the source
  uint64_t accepted_bytes = 0;
  uint64_t repeated = 0;  // rows settled likewise because a log had them already
  Amount delivered;       // by what a log's rows are sent through
  std::map<std::string, Amount> dropped;
  uint64_t missing = 0;
  uint64_t held = 0;
  uint64_t settling = 0;  // of the accepted rows, those that are being settled towards the source just now

  int64_t unexplained() const;
  void add(const LogCounts& more);
  // More of a log that was closed with what `this` counts: what it holds now it held then.
  void reopened(const LogCounts& now);

  bool operator==(const LogCounts&) const = default;
};

// The ledger of a node whose logs count so much, from that of its source. `may_join`: all rows go to logs, and what is
// in front of these may make one row of several or several of one; else what was delivered and is in no log went
// straight.
Ledger with_logs(Ledger source, const LogCounts& logs, bool may_join = false);

class LedgerBook {
 public:
  explicit LedgerBook(const Metrics& metrics);

  // The trackers of the running source, all of them, and the driver's own (may be null) where it keeps copies for a
  // source that cannot go back; then the driver's counts stand for the source's. One that is missing from the list and
  // owes nothing is summed up and let go.
  void watch(std::span<const std::shared_ptr<AckTracker>> sources, const std::shared_ptr<AckTracker>& driver,
             bool driver_stands_for_sources);
  Ledger sum() const;
  uint64_t not_delivered_rows() const;
  bool has_in_flight() const;
  // Brings flume_flow_{read,again,delivered,dropped}_{events,bytes}_total and flume_flow_in_flight_events up to date.
  void publish();

 private:
  struct Entry {
    std::shared_ptr<AckTracker> tracker;
    bool only_drops = false;
  };
  AckCounts total() const FLUME_REQUIRES(mutex_);

  const Metrics metrics_;
  mutable Mutex mutex_;
  std::vector<Entry> entries_ FLUME_GUARDED_BY(mutex_);
  AckCounts closed_ FLUME_GUARDED_BY(mutex_);  // of trackers let go
};

}  // namespace flume::node

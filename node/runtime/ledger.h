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

// read + copies + recovered = delivered + in_flight + dropped. Rows that were not delivered and are read again count
// once: `read` is net of them.
struct Ledger {
  Amount read;
  Amount recovered;     // what logs held at the start
  uint64_t copies = 0;  // rows that fan-outs added: every branch settles its own
  Amount delivered;
  Amount in_flight;
  std::map<std::string, Amount> dropped;  // by reason
  Amount again;                           // rows that came back undelivered (read again, or offered again)
  bool balanced = true;                   // false is a bug

  Amount dropped_sum() const;
};

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

// RateMeter: events and bytes per second of logical nodes, from counts that only grow, as the status page shows them.
// Taken when somebody looks, over at least a second. Thread-safe.
#pragma once

#include <map>
#include <string>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "node/runtime/ledger.h"

namespace flume::node {

struct FlowRates {
  double read_events = 0;
  double read_bytes = 0;
  double delivered_events = 0;
  double delivered_bytes = 0;
};

class RateMeter {
 public:
  // The rates of `name`, whose ledger is `ledger` at `now`. Zero at the first look, and after counts began anew.
  FlowRates look(const std::string& name, const Ledger& ledger, TimePoint now) FLUME_EXCLUDES(mutex_);

 private:
  struct Seen {
    TimePoint at{};
    Amount read;
    Amount delivered;
    FlowRates rates;
  };
  Mutex mutex_;
  std::map<std::string, Seen> seen_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume::node

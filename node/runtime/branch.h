// Branch: one of several sinks of which one that works gets the rows (failovers, chains of collectors). It opens within
// its share of the time there is; one that failed is left alone for a pause that doubles with every further failure
// (flume.agent.failover.backoff.*). Its owner says what becomes of its rows. Thread: driver.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "node/runtime/component.h"
#include "node/runtime/retry.h"

namespace flume::node {

struct Branch {
  std::unique_ptr<Sink> sink;
  bool is_open = false;
  std::optional<Backoff> backoff = {};  // reset when rows were taken
  TimePoint next_try = TimePoint::min();
  Status failure = {};  // the last one

  bool may_open(const Context& context) const { return next_try <= context.clock.now(); }
  // `another_works`: then this one may hold up the flow only for a moment. Else `left` branches, with this one, may
  // need the rest of the time. A failure other than being interrupted is followed by a pause.
  Status open(Context& context, bool another_works, size_t left, const Wait& wait);
  void back_off(const Context& context, Status status);
};

}  // namespace flume::node

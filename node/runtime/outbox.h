// Outbox: batches that a decorator made from rows it has taken, on their way to the sink below. A decorator that makes
// other rows than it gets cannot leave the rest of a row with its caller, so what the sink below does not take waits
// here; nothing is taken from above before it is gone, so it holds what came of one append at most. Thread: driver.
#pragma once

#include <deque>

#include "node/runtime/component.h"

namespace flume::node {

class Outbox {
 public:
  bool empty() const { return batches_.empty(); }
  void push(EventBatch batch);
  // Hands on in order until something is not taken; then its status. What was taken is counted as out.
  Status drain(Sink& sink, const Wait& wait, RowLedger& ledger);
  // For tick(), which has no Wait: a sink that is only slow is no error, the batches go on waiting.
  Status drain_briefly(Sink& sink, RowLedger& ledger);
  uint32_t rows() const;
  // Lets everything go: its rows are then not delivered.
  void clear() { batches_.clear(); }

 private:
  std::deque<EventBatch> batches_;
};

}  // namespace flume::node

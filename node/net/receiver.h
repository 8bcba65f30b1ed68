// ReceiverSource: the source behind collectorSource and rpcSource: one port for our own links and for classic senders,
// told apart by their first bytes. Rows carry the origin they came with.
//
// Life of a batch: socket -> handler (verified) -> inbox -> next(). What the link's peer is told to be received is what
// next() gave out; what it is told to be durable is what was settled after.
// Driver thread, but for the handlers (IO threads). port() is for tests and metrics.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "node/net/receiver_inbox.h"
#include "node/runtime/component.h"

namespace flume::node {

class ReceiverSource final : public Source {
 public:
  // `truncate`: bodies of classic events over the event limit are cut, not refused.
  ReceiverSource(uint16_t port, bool truncate) : port_(port), truncate_(truncate) {}

  Status open(Context& context, const Wait& wait) override;
  Result<Next> next(EventBatch& out, const Wait& wait) override;
  Result<bool> rewind() override;
  bool forgets_at_close() const override { return true; }
  void end_intake() override;
  bool holds_rows() const override { return inbox_ != nullptr && inbox_->holds_rows(); }
  bool is_full() const override { return inbox_ != nullptr && inbox_->is_full(); }
  Status close(const Wait& wait) override;
  std::vector<std::shared_ptr<AckTracker>> trackers() const override;

 private:
  const uint16_t port_;
  const bool truncate_;
  std::shared_ptr<AckTracker> tracker_;   // shared: tokens keep it; of the last opening while closed
  std::shared_ptr<ReceiverInbox> inbox_;  // shared with a settling token's callback; outlives the listener
  std::unique_ptr<Listener> listener_;    // null: closed
};

}  // namespace flume::node

#include "node/net/receiver_inbox.h"

#include <iterator>
#include <utility>

#include "common/base/log.h"

namespace flume::node {

namespace {

constexpr uint64_t kInboxBytes = 8U << 20;
constexpr uint64_t kInboxRows = 4U << 20;

}  // namespace

void LinkAccount::take(uint32_t rows, uint64_t bytes) {
  received_.fetch_add(rows, std::memory_order_release);
  taken_bytes_.fetch_add(bytes, std::memory_order_release);
  wake();
}

void LinkAccount::settle(int64_t rows, const std::optional<rpc::LinkRange>& range) {
  settled_.fetch_add(rows, std::memory_order_release);
  if (range) {
    const MutexLock lock(mutex_);
    if (!ranges_.empty() && ranges_.back().stream == range->stream && ranges_.back().below == range->first) {
      ranges_.back().below = range->below;
    } else {
      ranges_.push_back(*range);
    }
  }
  wake();
}

std::vector<rpc::LinkRange> LinkAccount::new_ranges() {
  const MutexLock lock(mutex_);
  return std::exchange(ranges_, {});
}

void LinkAccount::wake() {
  if (const auto peer = peer_.lock()) {
    peer->wake();
  }
}

ReceiverInbox::ReceiverInbox(Context& context, std::function<void()> on_room)
    : connections(context.metrics.gauge("flume_link_connections")),
      frames(context.metrics.counter("flume_link_frames_total")),
      frame_bytes(context.metrics.counter("flume_link_received_bytes_total")),
      refused(context.metrics.counter("flume_link_peers_refused_total")),
      refused_events(context.metrics.counter("flume_link_events_refused_total")),
      context_(context),
      bad_peers_(context.clock),
      tracker_(AckTracker::create(0)),
      channel_({kInboxBytes, kInboxRows}, std::move(on_room)) {
  tracker_->on_change([this] { settled(); });
}

bool ReceiverInbox::put(Received& item) {
  const uint64_t bytes = item.frame_bytes;
  const uint32_t rows = item.batch.rows();
  return channel_.try_push(item, bytes, rows);
}

void ReceiverInbox::put_last(std::vector<Received> items) {
  if (items.empty()) {
    return;
  }
  {
    const MutexLock lock(mutex_);
    last_.insert(last_.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
  Received wake_up;  // the driver looks at them when the channel is empty
  (void)channel_.try_push(wake_up, 0, 0);
}

std::optional<Received> ReceiverInbox::pop(const Wait& wait) {
  for (;;) {
    std::optional<Received> item = channel_.pop(Wait{TimePoint(), wait.stop});
    if (!item) {
      const MutexLock lock(mutex_);
      if (!last_.empty()) {
        item = std::move(last_.front());
        last_.pop_front();
      }
    }
    if (!item) {
      item = channel_.pop(wait);
    }
    if (!item || !item->batch.empty()) {
      return item;
    }
  }
}

std::optional<EventBatch> ReceiverInbox::take(const Wait& wait) {
  std::optional<Received> item = pop(wait);
  if (!item) {
    return std::nullopt;
  }
  const EventBatch& batch = item->batch;
  Open open{rows_ + batch.rows(), item->account, batch.rows(), {}};
  if (const Hop hop = batch.hop(); hop.stream != Id128{}) {
    const auto first = static_cast<int64_t>(hop.ordinal);
    open.range = rpc::LinkRange{hop.stream, first, first + static_cast<int64_t>(hop.span)};
  }
  rows_ = open.end;
  {
    const MutexLock lock(mutex_);
    open_.push_back(std::move(open));
  }
  EventBatch out = batch.with_token(tracker_->issue(rows_, batch.rows(), batch.body_bytes()));
  item->account->take(batch.rows(), item->frame_bytes);
  return out;
}

// From any thread: tells the connections what the sinks answer for.
void ReceiverInbox::settled() {
  const uint64_t below = tracker_->settled();
  const MutexLock lock(mutex_);
  while (!open_.empty() && open_.front().end <= below) {
    const Open& first = open_.front();
    first.account->settle(first.rows, first.range);
    open_.pop_front();
  }
}

void ReceiverInbox::refuse(std::string_view peer, std::string_view what, std::string_view detail) {
  refused.add(1);
  bad_peers_.report(peer, what, detail);
}

void ReceiverInbox::close() {
  channel_.close();
  uint64_t lost = 0;
  while (std::optional<Received> item = pop(Wait{TimePoint(), {}})) {
    if (!item->promised) {
      continue;
    }
    lost += item->batch.rows();
    rows_ += item->batch.rows();
    item->batch.with_token(tracker_->issue(rows_, item->batch.rows(), item->batch.body_bytes()))
        .settle(Outcome::kDropped, "source_closed");
  }
  if (lost > 0) {
    FLUME_LOG(kWarn, "events of classic senders were not handed on before their port closed",
              kv("node", context_.logical_node), kv("events", lost));
  }
  tracker_->on_change(nullptr);
}

}  // namespace flume::node

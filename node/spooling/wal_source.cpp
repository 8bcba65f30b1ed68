#include "node/spooling/wal_source.h"

#include <utility>

#include "common/base/log.h"

namespace flume::node {

Status WalSource::open(Context& context, const Wait&) {
  node_ = context.logical_node;
  missing_ = &context.metrics.counter("flume_wal_missing_rows_total");
  reader_ = wal_.reader();
  next_ = wal_.status().released;
  tracker_ = AckTracker::create(next_);
  return {};
}

Result<Source::Next> WalSource::next(EventBatch& out, const Wait& wait) {
  wal_.release(tracker_->settled());
  for (;;) {
    FLUME_ASSIGN_OR_RETURN(const std::optional<wal::WalReader::Item> item, reader_->next());
    if (item) {
      const EventBatch& batch = item->batch;
      const Hop hop = batch.hop();
      say_hole(*item, hop.ordinal);
      next_ = hop.ordinal + hop.span;
      out = batch.with_token(tracker_->issue(next_, batch.rows(), batch.body_bytes()));
      return Next::kBatch;
    }
    const Status more = wal_.wait_for(next_, wait);
    wal_.release(tracker_->settled());
    if (!more.ok()) {
      return Next::kNothingYet;
    }
  }
}

// Rows that somebody relies on and that are not there any more: never in silence.
void WalSource::say_hole(const wal::WalReader::Item& item, uint64_t ordinal) {
  if (item.hole.empty()) {
    return;
  }
  const uint64_t rows = ordinal > next_ ? ordinal - next_ : 0;
  missing_->add(rows);
  FLUME_LOG(kError, "rows of a write-ahead log cannot be read and are lost", kv("node", node_), kv("rows", rows),
            kv("why", item.hole));
}

Result<bool> WalSource::rewind() {
  next_ = tracker_->settled();
  reader_->seek(next_);
  tracker_->rewound();
  return true;
}

Status WalSource::checkpoint() {
  wal_.release(tracker_->settled());
  return {};
}

Status WalSource::close(const Wait&) {
  if (tracker_ != nullptr) {
    wal_.release(tracker_->settled());
  }
  reader_.reset();
  return {};
}

}  // namespace flume::node

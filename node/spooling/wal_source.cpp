#include "node/spooling/wal_source.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "node/runtime/log_book.h"

namespace flume::node {

WalProgress::WalProgress(uint64_t start, uint64_t first_new) {
  state_.start = state_.next = state_.high = start;
  state_.first_new = first_new;
}

WalProgress::State WalProgress::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

void WalProgress::back_to(uint64_t ordinal) {
  const MutexLock lock(mutex_);
  state_.next = ordinal;
}

void WalProgress::passed(const wal::WalReader::Item& item) {
  const Hop hop = item.batch.hop();
  const uint64_t end = hop.ordinal + hop.span;
  const MutexLock lock(mutex_);
  state_.next = end;
  if (end <= state_.high) {
    return;  // once more
  }
  state_.damaged += item.damaged;
  if (item.missing && item.missing->end > state_.high) {
    state_.missing += item.missing->end - std::max(item.missing->first, state_.high);
    state_.places.push_back(*item.missing);
    if (state_.places.size() > kMissingShown) {
      state_.places.pop_front();
    }
  }
  (hop.ordinal < state_.first_new ? state_.skipped_old : state_.skipped_new) += hop.span - item.batch.rows();
  state_.high = end;
}

WalSource::~WalSource() { forget_tracker(); }

// Its rows may be settled long after the source is gone.
void WalSource::forget_tracker() {
  if (tracker_ != nullptr) {
    tracker_->on_change({});
  }
}

Status WalSource::open(Context& context, const Wait&) {
  node_ = context.logical_node;
  missing_ = &context.metrics.counter("flume_wal_missing_rows_total");
  damaged_ = &context.metrics.counter("flume_wal_damaged_bytes_total");
  reader_ = wal_.reader();
  next_ = wal_.status().released;
  progress_.back_to(next_);
  forget_tracker();
  tracker_ = AckTracker::create(next_);
  tracker_->on_change([this, tracker = tracker_.get()] { wal_.acknowledged(tracker->settled()); });
  return {};
}

Result<Source::Next> WalSource::next(EventBatch& out, const Wait& wait) {
  wal_.release(tracker_->settled());
  for (;;) {
    FLUME_ASSIGN_OR_RETURN(const std::optional<wal::WalReader::Item> item, reader_->next());
    if (item) {
      const EventBatch& batch = item->batch;
      const Hop hop = batch.hop();
      if (item->missing || item->damaged > 0) {
        say_damage(*item);
      }
      progress_.passed(*item);
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

// What is not as it was written: never in silence, and once, however often it is read.
void WalSource::say_damage(const wal::WalReader::Item& item) {
  const uint64_t high = progress_.state().high;
  const Hop hop = item.batch.hop();
  if (hop.ordinal + hop.span <= high) {
    return;
  }
  damaged_->add(item.damaged);
  if (!item.missing || item.missing->end <= high) {
    if (item.damaged > 0) {
      FLUME_LOG(kError, "bytes of a write-ahead log are damaged; no rows were in them", kv("node", node_),
                kv("bytes", item.damaged), kv("what", item.hole));
    }
    return;
  }
  const wal::Missing& missing = *item.missing;
  missing_->add(missing.end - missing.first);
  FLUME_LOG(kError, "rows of a write-ahead log cannot be read and are lost", kv("node", node_),
            kv("rows", missing.end - missing.first), kv("first", missing.first), kv("segment", missing.segment),
            kv("offset", missing.offset), kv("why", missing.why));
}

Result<bool> WalSource::rewind() {
  next_ = tracker_->settled();
  progress_.back_to(next_);
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
    progress_.back_to(tracker_->settled());
  }
  reader_.reset();
  return {};
}

}  // namespace flume::node

#include "node/runtime/flow.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

// What a kept copy counts: bodies may be compressed, and may be empty.
size_t size_of(const EventBatch& batch) { return batch.body_bytes() + batch.rows(); }

// Component time (a Clock) to time of a Wait (the real steady clock).
TimePoint real_time(Clock& clock, TimePoint point) {
  if (point == TimePoint::max()) {
    return point;
  }
  const TimePoint now = clock.now();
  const Duration left = point <= now ? Duration::zero() : point - now;  // min() has no distance from anything
  return std::chrono::steady_clock::now() + left;
}

}  // namespace

Flow::Flow(Context& context, LedgerBook& book, Limits limits, FlowParts parts)
    : context_(context),
      book_(book),
      limits_(limits),
      source_(std::move(parts.source)),
      sink_(std::move(parts.sink)),
      replayable_(parts.replayable) {}

Status Flow::open_sink(const Wait& wait) {
  Status status = sink_->open(context_, wait);
  sink_open_ = status.ok();
  return status;
}

Status Flow::open_source(const Wait& wait) {
  Status status = source_->open(context_, wait);
  source_open_ = status.ok();
  if (source_open_) {
    source_ended_ = false;
    if (!replayable_ && own_ == nullptr) {
      own_ = AckTracker::create(next_row_);
    }
    watch_trackers();
  }
  return status;
}

void Flow::watch_trackers() {
  book_.watch(source_open_ ? source_->trackers() : std::vector<std::shared_ptr<AckTracker>>(), own_, !replayable_);
}

TimePoint Flow::due() const { return sink_open_ ? sink_->due() : TimePoint::max(); }

Status Flow::tick() {
  const TimePoint now = context_.clock.now();
  if (!sink_open_ || sink_->due() > now) {
    return {};
  }
  const Status status = sink_->tick(now);
  return status.ran_out_of_time() ? Status() : status;
}

Flow::Report Flow::step(const Wait& wait) {
  if (Status status = tick(); !status.ok()) {
    return {Step::kSinkFailed, std::move(status)};
  }
  settle_kept();
  if (Status status = redeliver(wait); !status.ok()) {
    return {Step::kSourceFailed, std::move(status)};
  }
  if (!pending_.empty()) {
    return append(wait);
  }
  if (source_ended_) {
    return finish(wait);
  }
  if (is_full()) {
    return make_room(wait);
  }
  Report read = next(wait);
  if (read.step != Step::kMoved || pending_.empty()) {
    return read;
  }
  if (Status status = tick(); !status.ok()) {
    return {Step::kSinkFailed, std::move(status)};
  }
  return append(wait);
}

Flow::Report Flow::next(const Wait& wait) {
  EventBatch batch;
  auto read = source_->next(batch, wait.at_most(real_time(context_.clock, sink_->due())));
  if (!read.ok()) {
    return read.status().ran_out_of_time() ? Report{} : Report{Step::kSourceFailed, read.status()};
  }
  if (*read == Source::Next::kEnd) {
    source_ended_ = true;
    return {Step::kMoved, {}};
  }
  if (*read == Source::Next::kNothingYet || batch.empty()) {
    return {};
  }
  pending_.push_back(hand_out(std::move(batch)));
  return {Step::kMoved, {}};
}

Flow::Report Flow::append(const Wait& wait) {
  EventBatch& batch = pending_.front();
  AppendResult result = sink_->append(batch, wait);
  if (result.status.ok() || result.taken >= batch.rows()) {
    pending_.pop_front();
  } else if (result.taken > 0) {
    batch = batch.from(result.taken);
  }
  if (result.status.ok()) {
    return {Step::kMoved, {}};
  }
  if (!result.status.ran_out_of_time()) {
    return {Step::kSinkFailed, std::move(result.status)};
  }
  if (result.taken > 0) {
    return {Step::kMoved, {}};
  }
  return {wait.stop.stop_requested() ? Step::kIdle : Step::kBlocked, {}};
}

// The source has ended: everything out, and back to rows that did not arrive.
Flow::Report Flow::finish(const Wait& wait) {
  Status status = sink_->flush(wait);
  if (status.ok()) {
    // Closing may publish and sync a large file: it gets more time than one round.
    status = sink_->close(Wait::for_duration(limits_.close_timeout, wait.stop));
    if (status.ok()) {
      sink_open_ = false;
      put_back(sink_->take_back());
      settle_kept();
      look_back_ = look_back_ || source_rows_came_back();
      return {look_back_ || copies_came_back() || !pending_.empty() ? Step::kMoved : Step::kEnded, {}};
    }
  }
  if (!status.ran_out_of_time()) {
    return {Step::kSinkFailed, std::move(status)};
  }
  return {wait.stop.stop_requested() ? Step::kIdle : Step::kBlocked, {}};
}

// Copies use up their budget: the sink has to settle some before more is read.
Flow::Report Flow::make_room(const Wait& wait) {
  Status status = sink_->flush(wait);
  if (!status.ok() && !status.ran_out_of_time()) {
    return {Step::kSinkFailed, std::move(status)};
  }
  settle_kept();
  return {is_full() && !wait.stop.stop_requested() ? Step::kBlocked : Step::kMoved, {}};
}

EventBatch Flow::hand_out(EventBatch batch) {
  if (own_ == nullptr || replayable_) {
    return batch;
  }
  const uint32_t rows = batch.rows();
  kept_.push_back({batch, next_row_});
  kept_bytes_ += size_of(batch);
  next_row_ += rows;
  return batch.with_token(own_->issue(next_row_, rows, batch.body_bytes()));
}

void Flow::settle_kept() {
  if (kept_.empty()) {
    return;
  }
  const uint64_t settled = own_->settled();
  while (!kept_.empty() && kept_.front().start + kept_.front().batch.rows() <= settled) {
    const EventBatch& batch = kept_.front().batch;
    kept_bytes_ -= size_of(batch);
    batch.settle(Outcome::kDelivered);
    kept_.pop_front();
  }
  if (kept_.empty() && replayable_) {
    own_.reset();  // the source that needed it is gone
  }
}

bool Flow::copies_came_back() const { return !kept_.empty() && own_->first_failed().has_value(); }

// Looks at every tracker, so only now and then: after a failure, at the end, and at checkpoints.
bool Flow::source_rows_came_back() {
  const uint64_t rows = book_.not_delivered_rows();
  if (!replayable_ || !source_open_ || rows == came_back_) {
    return false;
  }
  came_back_ = rows;
  const auto trackers = source_->trackers();
  return std::any_of(trackers.begin(), trackers.end(), [](const auto& t) { return t->first_failed().has_value(); });
}

Status Flow::rewind_source(const Wait& wait) {
  // What is on its way settles first, so that less is read twice; a sink that cannot is none of our business here.
  (void)sink_->flush(wait);
  pending_.clear();
  FLUME_ASSIGN_OR_RETURN(const bool went_back, source_->rewind());
  if (went_back) {
    source_ended_ = false;
  } else {
    FLUME_LOG_EVERY(60'000, kError, "rows were not delivered and the source cannot read them again",
                    kv("node", context_.logical_node));
  }
  came_back_ = book_.not_delivered_rows();
  look_back_ = false;
  return {};
}

Status Flow::redeliver(const Wait& wait) {
  if (copies_came_back()) {
    offer_kept_again();
  }
  return look_back_ ? rewind_source(wait) : Status();
}

void Flow::offer_kept_again() {
  pending_.clear();
  const uint64_t from = own_->settled();
  own_->rewound();
  next_row_ = from;
  for (Kept& kept : kept_) {
    EventBatch rest = kept.batch;
    if (kept.start < from) {
      const auto done = static_cast<uint32_t>(from - kept.start);
      rest = rest.from(std::min(done, rest.rows()));
    }
    if (rest.empty()) {
      continue;
    }
    next_row_ += rest.rows();
    pending_.push_back(rest.with_token(own_->issue(next_row_, rest.rows(), rest.body_bytes())));
  }
}

void Flow::put_back(const std::vector<EventBatch>& batches) {
  for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
    if (!batch->empty()) {
      pending_.push_front(*batch);
    }
  }
}

void Flow::fail_sink(const Wait& wait) {
  const std::vector<EventBatch> first = sink_->take_back();
  (void)sink_->close(wait);  // the failure that led here is the one to report
  sink_open_ = false;
  put_back(sink_->take_back());
  put_back(first);
  look_back_ = look_back_ || source_rows_came_back();
}

void Flow::fail_source(const Wait& wait) {
  watch_trackers();
  (void)source_->close(wait);
  source_open_ = false;
  source_ended_ = false;
}

std::unique_ptr<Sink> Flow::detach_sink(const Wait& wait) {
  if (sink_open_) {
    (void)sink_->flush(wait);
    fail_sink(wait);
    settle_kept();
  }
  return std::move(sink_);
}

FlowParts Flow::detach_source() {
  if (replayable_ && !source_->forgets_at_close()) {
    pending_.clear();  // they are read again by whoever reads that source next
  }
  (void)checkpoint();
  FlowParts parts;
  parts.source = std::move(source_);
  parts.replayable = replayable_;
  source_open_ = false;
  return parts;
}

void Flow::attach_source(std::unique_ptr<Source> source, bool replayable, bool open) {
  source_ = std::move(source);
  replayable_ = replayable;
  source_open_ = open;
  source_ended_ = false;
  look_back_ = false;
  if (!replayable_ && own_ == nullptr) {
    own_ = AckTracker::create(next_row_);
  }
  if (open) {
    watch_trackers();
    look_back_ = source_rows_came_back();
  }
}

void Flow::end_intake() {
  if (source_open_) {
    source_->end_intake();
  }
}

bool Flow::holds_rows() const { return !kept_.empty() || (source_open_ && source_->holds_rows()); }

Status Flow::deliver_rest(const Wait& wait) {
  if (!sink_open_) {
    FLUME_RETURN_IF_ERROR(open_sink(wait));
  }
  Status status = hand_on_rest(wait);
  if (status.ok()) {
    status = sink_->close(wait);  // which is when some sinks settle
  }
  fail_sink(wait);
  settle_kept();
  return status;
}

Status Flow::hand_on_rest(const Wait& wait) {
  for (;;) {
    FLUME_RETURN_IF_ERROR(redeliver(wait));
    FLUME_RETURN_IF_ERROR(append_pending(wait));
    EventBatch batch;
    if (!source_open_ || !source_->holds_rows()) {
      break;
    }
    FLUME_ASSIGN_OR_RETURN(const Source::Next next, source_->next(batch, Wait{TimePoint(), {}}));
    if (next != Source::Next::kBatch) {
      break;  // all of it is with the sink
    }
    pending_.push_back(hand_out(std::move(batch)));
  }
  return sink_->flush(wait);
}

// kTimeout, kStopped: the sink takes no more now.
Status Flow::append_pending(const Wait& wait) {
  while (!pending_.empty()) {
    if (Report report = append(wait); report.step != Step::kMoved) {
      return report.status.ok() ? Status(Code::kTimeout, "the sink takes nothing") : std::move(report.status);
    }
  }
  return {};
}

Status Flow::close(const Wait& wait) {
  Status first;
  const auto note = [&first](const Status& status) {
    if (first.ok()) {
      first = status;
    }
  };
  if (sink_open_) {
    if (const Status status = append_pending(wait); !status.ran_out_of_time()) {
      note(status);
    }
    note(sink_->flush(wait));
    note(sink_->close(wait));
    sink_open_ = false;
    put_back(sink_->take_back());
  }
  settle_kept();
  if (source_open_) {
    note(checkpoint());
    note(source_->close(wait));
    source_open_ = false;
  }
  if (!replayable_ && !kept_.empty()) {
    uint64_t rows = 0;
    for (const Kept& kept : kept_) {
      rows += kept.batch.rows();
    }
    note(Status(Code::kInternal, str_cat("close: ", rows, " rows could not be delivered and cannot be read again")));
  }
  return first;
}

Status Flow::checkpoint() {
  settle_kept();
  if (!source_open_) {
    book_.publish();
    return {};
  }
  watch_trackers();
  book_.publish();
  look_back_ = look_back_ || source_rows_came_back();
  return source_->checkpoint();
}

}  // namespace flume::node

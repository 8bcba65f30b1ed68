#include "node/spooling/disk_failover_sink.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"

namespace flume::node {

namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(100);  // is the log empty?
constexpr Duration kOpenTime = std::chrono::seconds(2);          // the source waits meanwhile

}  // namespace

DiskFailoverSink::DiskFailoverSink(const std::function<std::unique_ptr<Sink>()>& make, std::string text)
    : straight_(make()), log_(make, std::move(text), kFolder) {}

Status DiskFailoverSink::open(Context& context, const Wait& wait) {
  context_ = &context;
  spooling_gauge_ = &context.metrics.gauge("flume_spooling");
  doubled_ = &context.metrics.counter("flume_possibly_doubled_rows_total");
  FLUME_RETURN_IF_ERROR(log_.open(context, wait));
  spooling_ = true;  // until the log is known to be empty
  spooling_gauge_->set(1);
  next_try_ = TimePoint::min();
  go_straight_if_possible(wait);
  return {};
}

// Only behind everything that is in the log.
void DiskFailoverSink::go_straight_if_possible(const Wait& wait) {
  const TimePoint now = context_->clock.now();
  if (!spooling_ || now < next_try_) {
    return;
  }
  next_try_ = now + kLookAgain;
  if (!waiting_.empty() || log_.held_rows() > 0) {
    return;
  }
  const Status opened = straight_->open(*context_, wait.at_most(std::chrono::steady_clock::now() + kOpenTime));
  if (!opened.ok()) {
    (void)straight_->close(Wait{TimePoint(), {}});
    return;
  }
  spooling_ = false;
  spooling_gauge_->set(0);
}

void DiskFailoverSink::spool_from_now_on(const Status& why) {
  FLUME_LOG_EVERY(60'000, kWarn, "rows are stored on this machine until they can be sent",
                  kv("node", context_->logical_node), kv("error", why));
  for (int twice = 0; twice < 2; ++twice) {  // before and after it is closed
    for (EventBatch& batch : straight_->take_back()) {
      doubled_->add(batch.rows());  // the far end may have them
      waiting_.push_back(std::move(batch));
    }
    (void)straight_->close(Wait{TimePoint(), {}});
  }
  spooling_ = true;
  spooling_gauge_->set(1);
  next_try_ = context_->clock.now() + kLookAgain;
}

Status DiskFailoverSink::spool_waiting(const Wait& wait) {
  while (!waiting_.empty()) {
    AppendResult result = log_.append(waiting_.front(), wait);
    if (!result.status.ok()) {
      return std::move(result.status);
    }
    waiting_.pop_front();
  }
  return {};
}

AppendResult DiskFailoverSink::append(const EventBatch& batch, const Wait& wait) {
  go_straight_if_possible(wait);
  uint32_t taken = 0;
  if (!spooling_) {
    AppendResult result = straight_->append(batch, wait);
    if (result.status.ok() || result.status.ran_out_of_time()) {
      return result;
    }
    taken = result.taken;
    spool_from_now_on(result.status);
  }
  if (Status status = spool_waiting(wait); !status.ok()) {
    return {std::move(status), taken};
  }
  if (taken < batch.rows()) {
    const EventBatch rest = batch.from(taken);
    AppendResult result = log_.append(rest, wait);
    return {std::move(result.status), taken + result.taken};
  }
  return {{}, taken};
}

TimePoint DiskFailoverSink::due() const { return spooling_ ? next_try_ : straight_->due(); }

Status DiskFailoverSink::tick(TimePoint now) {
  if (spooling_) {
    (void)spool_waiting(Wait{TimePoint(), {}});
    go_straight_if_possible(Wait::for_duration(kOpenTime));
    return {};
  }
  const Status status = straight_->tick(now);
  if (!status.ok() && !status.ran_out_of_time()) {
    spool_from_now_on(status);
  }
  return {};
}

Status DiskFailoverSink::flush(const Wait& wait) {
  if (!spooling_) {
    Status status = straight_->flush(wait);
    if (status.ok() || status.ran_out_of_time()) {
      return status;
    }
    spool_from_now_on(status);
  }
  FLUME_RETURN_IF_ERROR(spool_waiting(wait));
  return log_.flush(wait);
}

std::vector<EventBatch> DiskFailoverSink::take_back() {
  std::vector<EventBatch> back(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return back;
}

Status DiskFailoverSink::close(const Wait& wait) {
  if (context_ == nullptr) {
    return {};
  }
  const Status flushed = flush(wait);
  if (!spooling_) {
    if (flushed.ok()) {
      (void)straight_->close(wait);
    } else {  // the far end did not confirm in time
      spool_from_now_on(flushed);
      (void)spool_waiting(wait);
    }
  }
  const Status closed = log_.close(wait);
  return flushed.ok() || flushed.ran_out_of_time() ? closed : flushed;
}

}  // namespace flume::node

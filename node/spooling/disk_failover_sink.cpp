#include "node/spooling/disk_failover_sink.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"

namespace flume::node {

namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(100);  // is the log empty?
constexpr Duration kCatchUp = std::chrono::milliseconds(100);    // for the last rows in it
constexpr Duration kTickTime = std::chrono::seconds(1);
constexpr char kOrdered[] = "ordered";

}  // namespace

lang::ArgSpec ordered_argument() {
  return {.name = kOrdered,
          .doc =
              "Keeps the order of each source's rows: new rows go through the log until it is empty. `false`: they go "
              "straight again as soon as the sink works, and those in the log are sent beside them.",
          .default_text = "true",
          .type = lang::ArgType::kBool,
          .keyword_only = true};
}

DiskFailoverSink::Order order_of(const lang::Args& args) {
  return args.boolean(kOrdered) ? DiskFailoverSink::Order::kKept : DiskFailoverSink::Order::kNotKept;
}

DiskFailoverSink::DiskFailoverSink(std::unique_ptr<Sink> straight, std::function<std::unique_ptr<Sink>()> from_log,
                                   std::string text, Order order)
    : straight_{std::move(straight)}, log_(std::move(from_log), std::move(text), kFolder), order_(order) {}

Status DiskFailoverSink::open(Context& context, const Wait& wait) {
  context_ = &context;
  spooling_gauge_ = &context.metrics.gauge("flume_spooling");
  doubled_ = &context.metrics.counter("flume_possibly_doubled_rows_total");
  FLUME_RETURN_IF_ERROR(log_.open(context, wait));
  spooling_ = true;  // until the log is known to be empty
  spooling_gauge_->set(1);
  next_look_ = TimePoint::min();
  go_straight_if_possible(wait);
  return {};
}

// Where rows come all the time there are always some in the log. So when it holds less than came since the last look,
// new ones wait for these: else all would go over the disk for ever.
bool DiskFailoverSink::is_log_empty(const Wait& wait) {
  const uint64_t few = std::exchange(spooled_since_look_, 0);
  const uint64_t held = log_.held_rows();
  if (held > 0 && held <= few) {
    log_.wait_sent(wait.at_most(std::chrono::steady_clock::now() + kCatchUp));
    return log_.held_rows() == 0;
  }
  return held == 0;
}

// Where order is kept only behind everything that is in the log.
void DiskFailoverSink::go_straight_if_possible(const Wait& wait) {
  const TimePoint now = context_->clock.now();
  if (!spooling_ || now < next_look_) {
    return;
  }
  next_look_ = now + kLookAgain;
  const bool is_possible = waiting_.empty() && straight_.may_open(*context_);
  if (!is_possible || (order_ == Order::kKept && !is_log_empty(wait))) {
    return;
  }
  constexpr bool kAnotherWorks = true;  // the log, so the source waits for a moment only
  if (straight_.open(*context_, kAnotherWorks, 1, wait).ok()) {
    spooling_ = false;
    spooling_gauge_->set(0);
  }
}

void DiskFailoverSink::spool_from_now_on(const Status& why) {
  FLUME_LOG_EVERY(60'000, kWarn, "rows are stored on this machine until they can be sent",
                  kv("node", context_->logical_node), kv("error", why));
  for (int twice = 0; twice < 2; ++twice) {  // before and after it is closed
    for (EventBatch& batch : straight_.sink->take_back()) {
      doubled_->add(batch.rows());  // the far end may have them
      waiting_.push_back(std::move(batch));
    }
    (void)straight_.sink->close(Wait{TimePoint(), {}});
  }
  straight_.is_open = false;
  straight_.back_off(*context_, why);
  spooling_ = true;
  spooling_gauge_->set(1);
  next_look_ = context_->clock.now() + kLookAgain;
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
    AppendResult result = straight_.sink->append(batch, wait);
    if (result.status.ok()) {
      straight_.backoff.reset();
    }
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
    spooled_since_look_ += result.taken;
    return {std::move(result.status), taken + result.taken};
  }
  return {{}, taken};
}

TimePoint DiskFailoverSink::due() const { return spooling_ ? next_look_ : straight_.sink->due(); }

Status DiskFailoverSink::tick(TimePoint now) {
  if (spooling_) {
    (void)spool_waiting(Wait{TimePoint(), {}});
    go_straight_if_possible(Wait::for_duration(kTickTime));
    return {};
  }
  const Status status = straight_.sink->tick(now);
  if (!status.ok() && !status.ran_out_of_time()) {
    spool_from_now_on(status);
  }
  return {};
}

Status DiskFailoverSink::flush(const Wait& wait) {
  if (!spooling_) {
    Status status = straight_.sink->flush(wait);
    if (status.ran_out_of_time()) {
      return status;
    }
    if (!status.ok()) {
      spool_from_now_on(status);
    }
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
      (void)straight_.sink->close(wait);
      straight_.is_open = false;
    } else {  // the far end did not confirm in time
      spool_from_now_on(flushed);
      (void)spool_waiting(wait);
    }
  }
  const Status closed = log_.close(wait);
  return flushed.ok() || flushed.ran_out_of_time() ? closed : flushed;
}

}  // namespace flume::node

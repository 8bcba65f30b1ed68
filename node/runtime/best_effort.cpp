#include "node/runtime/best_effort.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"

namespace flume::node {

namespace {

constexpr Duration kReopenTime = std::chrono::seconds(1);       // a try holds up the rows that are dropped no longer
constexpr Duration kLongestPause = std::chrono::seconds(5);     // between tries: every one that comes late costs rows
constexpr Duration kNextOffer = std::chrono::milliseconds(10);  // to a sink that has taken nothing for too long
constexpr Duration kLastClose = std::chrono::seconds(2);        // of a sink that has failed

}  // namespace

lang::ArgSpec best_effort_argument() {
  return {
      .name = "wait",
      .doc =
          "How long rows wait while nothing can be reached, or what was reached takes nothing; then they are dropped "
          "until it does. 0: at once.",
      .default_text = "30000",
      .setting = "flume.agent.be.wait.millis",
      .unit = "ms",
      .type = lang::ArgType::kDuration,
      .min = 0,
      .keyword_only = true};
}

std::unique_ptr<Sink> best_effort(std::unique_ptr<Sink> sub, const lang::Args& args, const Build& build) {
  if (build.has_backup()) {
    return sub;
  }
  return std::make_unique<BestEffort>(std::move(sub), args.duration("wait"));
}

Status BestEffort::open(Context& context, const Wait& wait) {
  context_ = &context;
  if (!ledger_) {
    ledger_.emplace(context.metrics);
    BackoffOptions options = BackoffOptions::from(context.settings);
    options.cap = std::max(options.initial, std::min(options.cap, kLongestPause));
    backoff_.emplace(options);
  }
  Status status = Decorator::open(context, wait);
  is_open_ = status.ok();
  if (is_open_ || status.kind() == Kind::kClosed || !is_out_of_patience()) {
    return status;
  }
  let_go(status);
  return {};
}

AppendResult BestEffort::append(const EventBatch& batch, const Wait& wait) {
  if (!is_open_ && !reopen(wait)) {
    return wait.stop.stop_requested() ? AppendResult{stopped(), 0} : drop(batch, 0, "unreachable");
  }
  const TimePoint before = context_->clock.now();
  if (before < next_offer_) {
    return drop(batch, 0, "slow");
  }
  const Duration waited = stuck_since_ ? before - *stuck_since_ : Duration::zero();
  const Duration left = std::max(Duration::zero(), patience_ - waited);
  AppendResult result = Decorator::append(batch, wait.at_most(std::chrono::steady_clock::now() + left));
  if (result.taken > 0) {
    stuck_since_.reset();
    failing_since_.reset();
    backoff_->reset();
  }
  if (result.status.ok() || wait.stop.stop_requested()) {
    return result;
  }
  if (!result.status.ran_out_of_time()) {
    result.status = pass_on_or_let_go(std::move(result.status), wait);
    return result.status.ok() ? drop(batch, result.taken, "unreachable") : result;
  }
  if (!stuck_since_) {
    stuck_since_ = result.taken > 0 ? context_->clock.now() : before;
  }
  if (context_->clock.now() - *stuck_since_ < patience_) {
    return result;
  }
  next_offer_ = context_->clock.now() + kNextOffer;
  return drop(batch, result.taken, "slow");
}

TimePoint BestEffort::due() const { return is_open_ ? Decorator::due() : next_try_; }

// Also without rows: so that the next ones find it open.
Status BestEffort::tick(TimePoint now) {
  if (!is_open_) {
    (void)reopen(Wait::for_duration(kReopenTime));  // false: later
    return {};
  }
  Status status = Decorator::tick(now);
  if (status.ok() && now - last_failure_ >= kLongestPause) {
    failing_since_.reset();  // there again, though no rows came
  }
  if (status.ok() || status.ran_out_of_time()) {
    return status;
  }
  return pass_on_or_let_go(std::move(status), Wait::for_duration(kLastClose));
}

Status BestEffort::flush(const Wait& wait) {
  if (!is_open_) {
    return {};
  }
  Status status = Decorator::flush(wait);
  if (status.ok() || status.ran_out_of_time()) {
    return status;
  }
  return pass_on_or_let_go(std::move(status), wait);
}

Status BestEffort::close(const Wait& wait) {
  is_open_ = false;
  return Decorator::close(wait);
}

bool BestEffort::reopen(const Wait& wait) {
  if (context_->clock.now() < next_try_ || wait.stop.stop_requested()) {
    return false;
  }
  const Status status = Decorator::open(*context_, wait.at_most(std::chrono::steady_clock::now() + kReopenTime));
  is_open_ = status.ok();
  if (is_open_) {
    FLUME_LOG(kInfo, "reachable again: events are sent", kv("node", context_->logical_node),
              kv("path", context_->instance));
  } else {
    last_failure_ = context_->clock.now();
    next_try_ = last_failure_ + backoff_->next();
  }
  return is_open_;
}

AppendResult BestEffort::drop(const EventBatch& batch, uint32_t taken, std::string_view reason) {
  const EventBatch rest = batch.from(taken);
  ledger_->in(rest.rows(), rest.body_bytes());
  ledger_->drop(rest, reason);
  return {{}, batch.rows()};
}

// A sink that was not asked for long begins anew: one failure now and one yesterday are no long outage.
bool BestEffort::is_out_of_patience() {
  const TimePoint now = context_->clock.now();
  const Duration longest_gap = std::max(patience_, BackoffOptions::from(context_->settings).cap) + kLongestPause;
  if (!failing_since_ || now - last_failure_ > longest_gap) {
    failing_since_ = now;
  }
  last_failure_ = now;
  return now - *failing_since_ >= patience_;
}

// OK: let go, and closed.
Status BestEffort::pass_on_or_let_go(Status failure, const Wait& wait) {
  if (failure.kind() == Kind::kClosed || !is_out_of_patience()) {
    return failure;
  }
  for (const bool closed : {false, true}) {
    for (const EventBatch& batch : Decorator::take_back()) {
      drop(batch, 0, "unreachable");
    }
    if (!closed) {
      (void)Decorator::close(wait.at_most(std::chrono::steady_clock::now() + kLastClose));  // the failure is reported
    }
  }
  let_go(failure);
  return {};
}

void BestEffort::let_go(const Status& failure) {
  is_open_ = false;
  next_try_ = context_->clock.now() + backoff_->next();
  FLUME_LOG_EVERY(60'000, kWarn, "unreachable for too long: events are dropped until it is back",
                  kv("node", context_->logical_node), kv("path", context_->instance), kv("error", failure));
}

}  // namespace flume::node

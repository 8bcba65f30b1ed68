#include "node/runtime/branch.h"

#include <utility>

namespace flume::node {

namespace {

constexpr Duration kReopenTime = std::chrono::seconds(1);
constexpr Duration kOpenTime = std::chrono::seconds(10);  // where the caller sets no limit

}  // namespace

Status Branch::open(Context& context, bool another_works, size_t left, const Wait& wait) {
  const TimePoint now = std::chrono::steady_clock::now();
  Duration time = another_works ? kReopenTime : kOpenTime;
  if (!another_works && wait.until != TimePoint::max()) {
    time = (wait.until - now) / static_cast<int64_t>(left);
  }
  Status status = sink->open(context, wait.at_most(now + time));
  is_open = status.ok();
  if (!is_open && status.kind() != Kind::kClosed) {
    back_off(context, status);
  }
  return status;
}

void Branch::back_off(const Context& context, Status status) {
  if (!backoff) {
    backoff.emplace(BackoffOptions::from(context.settings));
  }
  failure = std::move(status);
  next_try = context.clock.now() + backoff->next();
}

}  // namespace flume::node

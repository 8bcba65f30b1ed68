#include "common/base/stop.h"

#include <sys/eventfd.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/base/fd.h"
#include "common/base/sync.h"

namespace flume {

namespace internal {

struct StopState {
  std::stop_source source;
  UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

}  // namespace internal

bool StopToken::stop_requested() const { return state_ && state_->source.stop_requested(); }

int StopToken::fd() const { return state_ ? state_->event.fd() : -1; }

std::stop_token StopToken::std_token() const { return state_ ? state_->source.get_token() : std::stop_token(); }

StopSource::StopSource() {
  token_.state_ = std::make_shared<internal::StopState>();
  FLUME_CHECK(token_.state_->event.is_open(), "no descriptor left for an eventfd");
}

void StopSource::request_stop() {
  ::eventfd_write(token_.state_->event.fd(), 1);
  token_.state_->source.request_stop();
}

bool Wait::over() const { return stop.stop_requested() || std::chrono::steady_clock::now() >= until; }

Wait Wait::for_duration(Duration d, StopToken stop) {
  return {TimePoint(std::chrono::steady_clock::now()) + d, std::move(stop)};
}

int Wait::poll_millis() const {
  if (stop.stop_requested()) {
    return 0;
  }
  if (until == TimePoint::max()) {
    return -1;
  }
  const TimePoint now = std::chrono::steady_clock::now();
  if (until <= now) {
    return 0;  // before anything is subtracted: TimePoint::min() is a deadline too
  }
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::min<int64_t>(millis, 3'600'000));
}

bool CondVar::wait(Mutex& mutex, const Wait& wait) {
  if (wait.over()) {
    return false;
  }
  // The predicate is false once and true from then on: one wait, then back to the caller's own condition.
  bool waited = false;
  const auto waited_once = [&] { return std::exchange(waited, true); };
  if (wait.until == TimePoint::max()) {
    cv_.wait(mutex, wait.stop.std_token(), waited_once);
  } else {
    cv_.wait_until(mutex, wait.stop.std_token(), wait.until, waited_once);
  }
  return !wait.over();
}

}  // namespace flume

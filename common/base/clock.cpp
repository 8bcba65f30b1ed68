#include "common/base/clock.h"

namespace flume {

namespace {
using std::chrono::duration_cast;
using std::chrono::milliseconds;
}  // namespace

TimePoint SystemClock::now() { return std::chrono::steady_clock::now(); }

int64_t SystemClock::wall_millis() {
  return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int64_t SystemClock::monotonic_nanos() { return now().time_since_epoch().count(); }

TimePoint ManualClock::now() {
  const std::lock_guard lock(mutex_);
  return TimePoint(steady_);
}

int64_t ManualClock::wall_millis() {
  const std::lock_guard lock(mutex_);
  return wall_millis_;
}

int64_t ManualClock::monotonic_nanos() { return now().time_since_epoch().count(); }

void ManualClock::advance(Duration by) {
  const std::lock_guard lock(mutex_);
  steady_ += by;
  wall_millis_ += duration_cast<milliseconds>(by).count();
}

void ManualClock::set_wall_millis(int64_t wall_millis) {
  const std::lock_guard lock(mutex_);
  wall_millis_ = wall_millis;
}

}  // namespace flume

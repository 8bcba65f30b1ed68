// Time comes from a Clock that is handed in, so that a test can move it. Steady time for deadlines, wall time for
// stamps. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace flume {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() = 0;            // steady; never goes back
  virtual int64_t wall_millis() = 0;      // since 1970-01-01 UTC; may jump
  virtual int64_t monotonic_nanos() = 0;  // for the event's nanos field
};

class SystemClock final : public Clock {
 public:
  TimePoint now() override;
  int64_t wall_millis() override;
  int64_t monotonic_nanos() override;
};

// A clock that stands until the test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_millis = 0) : wall_millis_(wall_millis) {}
  TimePoint now() override;
  int64_t wall_millis() override;
  int64_t monotonic_nanos() override;
  void advance(Duration by);                  // steady and wall time together
  void set_wall_millis(int64_t wall_millis);  // a jump of the wall clock alone

 private:
  std::mutex mutex_;
  Duration steady_{std::chrono::hours(1)};  // guarded by mutex_; not 0: "one hour ago" must be representable
  int64_t wall_millis_;                     // guarded by mutex_
};

}  // namespace flume

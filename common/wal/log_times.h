// LogTimes: since when the rows of a log have been waiting, and how long rows waited before the far end took
// responsibility for them (from their sync in the log on). A mark for each group that was synced together, so nothing
// here is per row; memory is bounded. Thread-safe, a leaf: it calls nobody.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/sync.h"

namespace flume::wal {

// A histogram of seconds, in rows. The limits are the `le` of /metrics.
inline constexpr size_t kAckLimits = 17;
struct AckLimit {
  std::string_view seconds;
  Duration limit;
};
extern const std::array<AckLimit, kAckLimits> kAckTimes;

struct AckTimes {
  std::array<uint64_t, kAckLimits + 1> rows{};  // by limit; the last: more than all of them
  uint64_t total = 0;
  double sum_seconds = 0;
  // Of the last one to two minutes; nothing: no row was acknowledged meanwhile.
  std::optional<Duration> median, p99;
};

class LogTimes {
 public:
  // Rows below `end` that were in the log when it was opened. Nobody knows when they were synced: they have an age,
  // and are not counted in the histogram.
  void found(uint64_t first, uint64_t end, int64_t wall_millis);
  // Rows below `end` are synced now.
  void synced(uint64_t end, TimePoint now, int64_t wall_millis);
  // The far end has taken responsibility for rows below `below`.
  void acknowledged(uint64_t below, TimePoint now);

  int64_t oldest_millis() const;  // wall time when the oldest row that waits was synced; 0: none waits
  AckTimes acks(TimePoint now) const;

 private:
  struct Mark {
    uint64_t end = 0;  // rows below, from the mark before on
    TimePoint at{};
    int64_t wall_millis = 0;
    bool is_counted = true;
  };
  using Counts = std::array<uint64_t, kAckLimits + 1>;
  void push(const Mark& mark) FLUME_REQUIRES(mutex_);
  void count(uint64_t rows, Duration waited, TimePoint now) FLUME_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::deque<Mark> marks_ FLUME_GUARDED_BY(mutex_);
  uint64_t first_ FLUME_GUARDED_BY(mutex_) = 0;  // row that the first mark begins with
  AckTimes sum_ FLUME_GUARDED_BY(mutex_);
  Counts recent_ FLUME_GUARDED_BY(mutex_){};  // since recent_since_ ...
  Counts before_ FLUME_GUARDED_BY(mutex_){};  // ... and in the minute before that
  TimePoint recent_since_ FLUME_GUARDED_BY(mutex_){};
};

}  // namespace flume::wal

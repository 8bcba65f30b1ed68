#include "common/wal/log_times.h"

#include <algorithm>

namespace flume::wal {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kMostMarks = 1024;
constexpr Duration kRecent = minutes(1);

using Counts = std::array<uint64_t, kAckLimits + 1>;

size_t slot_of(Duration waited) {
  size_t slot = 0;
  while (slot < kAckLimits && waited > kAckTimes[slot].limit) {
    ++slot;
  }
  return slot;
}

// Within its slot a value is taken as evenly spread; above the last limit it is that limit.
std::optional<Duration> quantile(const Counts& counts, double share) {
  uint64_t total = 0;
  for (const uint64_t rows : counts) {
    total += rows;
  }
  if (total == 0) {
    return std::nullopt;
  }
  const double wanted = share * static_cast<double>(total);
  double below = 0;
  for (size_t slot = 0; slot < kAckLimits; ++slot) {
    const auto rows = static_cast<double>(counts[slot]);
    if (rows > 0 && below + rows >= wanted) {
      const Duration from = slot == 0 ? Duration::zero() : kAckTimes[slot - 1].limit;
      const auto width = static_cast<double>((kAckTimes[slot].limit - from).count());
      return from + Duration(static_cast<Duration::rep>(width * (wanted - below) / rows));
    }
    below += rows;
  }
  return kAckTimes.back().limit;
}

}  // namespace

const std::array<AckLimit, kAckLimits> kAckTimes = {{{"0.001", milliseconds(1)},
                                                     {"0.0025", microseconds(2500)},
                                                     {"0.005", milliseconds(5)},
                                                     {"0.01", milliseconds(10)},
                                                     {"0.025", milliseconds(25)},
                                                     {"0.05", milliseconds(50)},
                                                     {"0.1", milliseconds(100)},
                                                     {"0.25", milliseconds(250)},
                                                     {"0.5", milliseconds(500)},
                                                     {"1", seconds(1)},
                                                     {"2.5", milliseconds(2500)},
                                                     {"5", seconds(5)},
                                                     {"10", seconds(10)},
                                                     {"30", seconds(30)},
                                                     {"60", seconds(60)},
                                                     {"300", seconds(300)},
                                                     {"3600", seconds(3600)}}};

void LogTimes::found(uint64_t first, uint64_t end, int64_t wall_millis) {
  const MutexLock lock(mutex_);
  first_ = first;
  if (end > first) {
    push({end, TimePoint(), wall_millis, false});
  }
}

void LogTimes::synced(uint64_t end, TimePoint now, int64_t wall_millis) {
  const MutexLock lock(mutex_);
  push({end, now, wall_millis, true});
}

// When there are too many, two neighbours become one: its rows count from the older one's time on.
void LogTimes::push(const Mark& mark) {
  marks_.push_back(mark);
  if (marks_.size() <= kMostMarks) {
    return;
  }
  std::deque<Mark> half;
  for (size_t i = 0; i < marks_.size(); i += 2) {
    Mark joined = marks_[i];
    const bool alike = i + 1 < marks_.size() && marks_[i].is_counted == marks_[i + 1].is_counted;
    if (alike) {
      joined.end = marks_[i + 1].end;
    }
    half.push_back(joined);
    if (!alike && i + 1 < marks_.size()) {
      half.push_back(marks_[i + 1]);
    }
  }
  marks_ = std::move(half);
}

void LogTimes::acknowledged(uint64_t below, TimePoint now) {
  const MutexLock lock(mutex_);
  while (!marks_.empty() && first_ < below) {
    const Mark& mark = marks_.front();
    const uint64_t end = std::min(below, mark.end);
    if (mark.is_counted && end > first_) {
      count(end - first_, now - mark.at, now);
    }
    first_ = std::max(first_, end);
    if (mark.end <= below) {
      marks_.pop_front();
    }
  }
}

void LogTimes::count(uint64_t rows, Duration waited, TimePoint now) {
  const size_t slot = slot_of(waited);
  sum_.rows[slot] += rows;
  sum_.total += rows;
  sum_.sum_seconds += std::chrono::duration<double>(waited).count() * static_cast<double>(rows);
  if (now - recent_since_ >= kRecent) {
    before_ = now - recent_since_ < 2 * kRecent ? recent_ : Counts{};
    recent_ = {};
    recent_since_ = now;
  }
  recent_[slot] += rows;
}

int64_t LogTimes::oldest_millis() const {
  const MutexLock lock(mutex_);
  return marks_.empty() ? 0 : marks_.front().wall_millis;
}

AckTimes LogTimes::acks(TimePoint now) const {
  const MutexLock lock(mutex_);
  AckTimes times = sum_;
  const Duration since = now - recent_since_;
  Counts recent{};
  for (size_t slot = 0; slot < recent.size(); ++slot) {
    recent[slot] = (since < 2 * kRecent ? recent_[slot] : 0) + (since < kRecent ? before_[slot] : 0);
  }
  times.median = quantile(recent, 0.5);
  times.p99 = quantile(recent, 0.99);
  return times;
}

}  // namespace flume::wal

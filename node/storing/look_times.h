// LookTimes: when to look whether what goes on in the background is done, where nothing tells it: first after about as
// long as it took the last time, then in quarters of that. A sync takes 0.1 ms on one disk and 50 on another; looking
// each millisecond made every answer to a sender 2 ms late on a fast one. Thread: that of its owner.
#pragma once

#include <algorithm>

#include "common/base/clock.h"

namespace flume::node {

class LookTimes {
 public:
  void begin(TimePoint now) { begun_ = now; }
  // It was not done at `now`. At least 50 us later, at most `limit`.
  TimePoint next(TimePoint now, Duration limit) const {
    const Duration left = begun_ + usual_ - now;
    return now + std::clamp(std::max(left, usual_ / 4), kShortest, limit);
  }
  // It was. What it took includes the time until we looked, hence a bit less is expected.
  void done(TimePoint now) { usual_ = (now - begun_) * 7 / 8; }

 private:
  static constexpr Duration kShortest = std::chrono::microseconds(50);
  TimePoint begun_{};
  Duration usual_ = std::chrono::milliseconds(1);
};

}  // namespace flume::node

// Backoff: how long to wait before something that failed is tried again. Doubles from `initial` up to `cap`; each wait
// is shortened at random by up to `jitter` of it, so that many that failed together do not come back together. Used by
// everything that retries. Reads no clock: the caller adds the wait to its own. One thread.
#pragma once

#include <cstdint>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/config/settings.h"

namespace flume::node {

struct BackoffOptions {
  Duration initial = std::chrono::seconds(1);
  Duration cap = std::chrono::seconds(60);
  double jitter = 0.2;  // 0 = exact

  static BackoffOptions from(const Settings& settings);  // flume.agent.failover.backoff.*
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options, uint64_t seed = random_seed());
  Duration next();  // and counts the attempt
  void reset();
  uint32_t attempts() const { return attempts_; }  // since the last reset

 private:
  const BackoffOptions options_;
  Random random_;
  Duration base_;
  uint32_t attempts_ = 0;
};

}  // namespace flume::node

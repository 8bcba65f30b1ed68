#include "node/runtime/retry.h"

#include <algorithm>

namespace flume::node {

BackoffOptions BackoffOptions::from(const Settings& settings) {
  BackoffOptions options;
  options.initial = settings.millis("flume.agent.failover.backoff.initial");
  options.cap = std::max(options.initial, settings.millis("flume.agent.failover.backoff.max"));
  return options;
}

Backoff::Backoff(BackoffOptions options, uint64_t seed) : options_(options), random_(seed), base_(options.initial) {}

Duration Backoff::next() {
  ++attempts_;
  const Duration base = std::min(base_, options_.cap);
  base_ = base > options_.cap / 2 ? options_.cap : base * 2;
  if (options_.jitter <= 0) {
    return base;
  }
  std::uniform_real_distribution<double> part(0.0, options_.jitter);
  return base - Duration(static_cast<int64_t>(static_cast<double>(base.count()) * part(random_)));
}

void Backoff::reset() {
  base_ = options_.initial;
  attempts_ = 0;
}

}  // namespace flume::node

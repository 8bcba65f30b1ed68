#include "node/http/rate_meter.h"

namespace flume::node {
namespace {

constexpr Duration kShortest = std::chrono::seconds(1);

double per_second(uint64_t before, uint64_t after, Duration time) {
  if (after < before) {
    return 0;
  }
  return static_cast<double>(after - before) / std::chrono::duration<double>(time).count();
}

}  // namespace

FlowRates RateMeter::look(const std::string& name, const Ledger& ledger, TimePoint now) {
  const MutexLock lock(mutex_);
  const auto [found, is_new] = seen_.try_emplace(name, Seen{now, ledger.read, ledger.delivered, {}});
  Seen& seen = found->second;
  const Duration time = now - seen.at;
  if (is_new || time < kShortest) {
    return seen.rates;
  }
  seen.rates = {per_second(seen.read.events, ledger.read.events, time),
                per_second(seen.read.bytes, ledger.read.bytes, time),
                per_second(seen.delivered.events, ledger.delivered.events, time),
                per_second(seen.delivered.bytes, ledger.delivered.bytes, time)};
  seen.at = now;
  seen.read = ledger.read;
  seen.delivered = ledger.delivered;
  return seen.rates;
}

}  // namespace flume::node

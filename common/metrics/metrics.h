// Counters and gauges, touched per batch, read by status pages and /metrics. Names: flume_<what>_total|_bytes|_seconds,
// with labels {node, path}. A metric belongs to the plan's place, not to an object: asking again for the same name and
// labels gives the same one, so counts survive rolls and reopenings. Thread-safe; references stay valid as long as the
// registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/sync.h"

namespace flume {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(uint64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(int64_t n) { value_.store(n, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

struct MetricSample {
  std::string name;
  Labels labels;
  int64_t value = 0;
  bool is_counter = true;
};

class MetricRegistry {
 public:
  Counter& counter(std::string_view name, const Labels& labels);
  Gauge& gauge(std::string_view name, const Labels& labels);
  void remove(std::string_view label,
              std::string_view value);        // all metrics with this label value (a node that is gone)
  std::vector<MetricSample> samples() const;  // sorted by name and labels
  std::string prometheus() const;             // text exposition format 0.0.4

 private:
  using Key = std::pair<std::string, Labels>;
  mutable Mutex mutex_;
  std::map<Key, std::shared_ptr<Counter>> counters_ FLUME_GUARDED_BY(mutex_);
  std::map<Key, std::shared_ptr<Gauge>> gauges_ FLUME_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<void>> retired_ FLUME_GUARDED_BY(mutex_);  // removed, but a reference may still be held
};

// What a component sees: its own node and path are filled in.
class Metrics {
 public:
  Metrics(MetricRegistry& registry, Labels labels) : registry_(&registry), labels_(std::move(labels)) {}
  Counter& counter(std::string_view name, Labels more = {}) const;
  Gauge& gauge(std::string_view name, Labels more = {}) const;
  Metrics with(std::string label, std::string value) const;  // replaces the label if it is there
  MetricRegistry& registry() const { return *registry_; }

 private:
  MetricRegistry* registry_;  // never null; a pointer so that a Metrics can be assigned
  Labels labels_;
};

}  // namespace flume

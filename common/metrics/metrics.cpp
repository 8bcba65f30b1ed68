#include "common/metrics/metrics.h"

#include <algorithm>
#include <tuple>

#include "common/base/text.h"

namespace flume {

namespace {

Labels sorted(Labels labels) {
  std::sort(labels.begin(), labels.end());
  return labels;
}

// Label values: backslash, quote and newline are escaped (text exposition format 0.0.4).
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') {
        out += '\\';
      }
      out += c;
    }
  }
  return out;
}

template <class Map, class Retired>
void remove_matching(Map& map, Retired& retired, const std::pair<std::string, std::string>& label) {
  for (auto it = map.begin(); it != map.end();) {
    const Labels& labels = it->first.second;
    if (std::find(labels.begin(), labels.end(), label) != labels.end()) {
      retired.push_back(it->second);
      it = map.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace

Counter& MetricRegistry::counter(std::string_view name, const Labels& labels) {
  const MutexLock lock(mutex_);
  auto& slot = counters_[Key(name, sorted(labels))];
  if (!slot) {
    slot = std::make_shared<Counter>();
  }
  return *slot;
}

Gauge& MetricRegistry::gauge(std::string_view name, const Labels& labels) {
  const MutexLock lock(mutex_);
  auto& slot = gauges_[Key(name, sorted(labels))];
  if (!slot) {
    slot = std::make_shared<Gauge>();
  }
  return *slot;
}

void MetricRegistry::remove(std::string_view label, std::string_view value) {
  const MutexLock lock(mutex_);
  const std::pair<std::string, std::string> wanted(label, value);
  remove_matching(counters_, retired_, wanted);
  remove_matching(gauges_, retired_, wanted);
}

std::vector<MetricSample> MetricRegistry::samples() const {
  const MutexLock lock(mutex_);
  std::vector<MetricSample> all;
  all.reserve(counters_.size() + gauges_.size());
  for (const auto& [key, counter] : counters_) {
    all.push_back({key.first, key.second, static_cast<int64_t>(counter->value()), true});
  }
  for (const auto& [key, gauge] : gauges_) {
    all.push_back({key.first, key.second, gauge->value(), false});
  }
  std::sort(all.begin(), all.end(), [](const MetricSample& a, const MetricSample& b) {
    return std::tie(a.name, a.labels) < std::tie(b.name, b.labels);
  });
  return all;
}

std::string MetricRegistry::prometheus() const {
  std::string out;
  std::string_view last;
  const auto all = samples();
  for (const MetricSample& sample : all) {
    if (sample.name != last) {
      str_append(out, "# TYPE ", sample.name, sample.is_counter ? " counter\n" : " gauge\n");
      last = sample.name;
    }
    out += sample.name;
    for (size_t i = 0; i < sample.labels.size(); ++i) {
      str_append(out, i == 0 ? "{" : ",", sample.labels[i].first, "=\"", escaped(sample.labels[i].second), "\"");
    }
    str_append(out, sample.labels.empty() ? " " : "} ", sample.value, "\n");
  }
  return out;
}

namespace {

Labels joined(Labels labels, Labels more) {
  labels.insert(labels.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return labels;
}

}  // namespace

Counter& Metrics::counter(std::string_view name, Labels more) const {
  return registry_->counter(name, joined(labels_, std::move(more)));
}

Gauge& Metrics::gauge(std::string_view name, Labels more) const {
  return registry_->gauge(name, joined(labels_, std::move(more)));
}

Metrics Metrics::with(std::string label, std::string value) const {
  Labels labels = labels_;
  std::erase_if(labels, [&](const auto& old) { return old.first == label; });
  labels.emplace_back(std::move(label), std::move(value));
  return {*registry_, std::move(labels)};
}

}  // namespace flume

// All that a component's Context needs, without a node: a clock that stands, positions in memory, metrics to look at.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "node/net/net_server.h"
#include "node/runtime/component.h"
#include "node/runtime/log_book.h"
#include "node/runtime/positions.h"
#include "node/tailing/file_watch.h"

namespace flume::test {

inline Settings loopback_settings() {
  Settings settings = Settings::defaults();
  FLUME_CHECK(settings.set("flume.net.bind.address", "127.0.0.1", "test").ok(), "a setting of that name");
  return settings;
}

struct NodeWorld {
  explicit NodeWorld(Settings given = loopback_settings()) : settings(std::move(given)) {}

  // The sum over all labels; 0: no such metric.
  int64_t metric(std::string_view name) const {
    int64_t sum = 0;
    for (const MetricSample& sample : metrics.samples()) {
      sum += sample.name == name ? sample.value : 0;
    }
    return sum;
  }

  ManualClock clock{1'600'000'000'000};
  MetricRegistry metrics;
  Settings settings;
  node::Capabilities capabilities;
  node::Identity identity{"p1", "host1", {1}, 7};
  node::FileWatch watch;
  std::unique_ptr<node::Positions> positions = node::Positions::in_memory();
  StorageSet storage;
  node::NetServer net{settings};
  node::LogBook logs;
  node::Context context{"n1",       "sink",
                        clock,      Metrics(metrics, {}),
                        settings,   capabilities,
                        identity,   watch,
                        *positions, storage,
                        net,        BatchLimits(),
                        logs,       {}};
};

}  // namespace flume::test

// A place for one source to run in without a node: a context with a clock that stands, positions in a file, and calls
// that read all there is. Sources are made from a name and arguments; defaults are those of their descriptions.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "common/base/units.h"
#include "node/net/net_server.h"
#include "node/runtime/log_book.h"
#include "node/runtime/positions.h"
#include "node/runtime/registry.h"
#include "node/tailing/file_watch.h"
#include "tests/support/temp_dir.h"

namespace flume::test {

using GivenArgs = std::vector<std::pair<std::string, std::vector<lang::Value>>>;

inline lang::Value default_value(const lang::ArgSpec& arg, const Settings& settings) {
  const std::string text = arg.setting.empty() ? arg.default_text : settings.text(arg.setting);
  switch (arg.type) {
    case lang::ArgType::kInteger:
    case lang::ArgType::kPort: return parse_number<int64_t>(text).value();
    case lang::ArgType::kBool: return text == "true";
    case lang::ArgType::kDuration: return static_cast<int64_t>(parse_duration(text).value().count());
    case lang::ArgType::kBytes: return parse_bytes(text).value();
    default: return text.size() >= 2 && text[0] == '"' ? text.substr(1, text.size() - 2) : text;
  }
}

class SourceRig {
 public:
  // The function of the source's own file, which the test declares.
  explicit SourceRig(void (*register_source)(node::Registry&), bool inotify = true)
      : watch(inotify), net(node::NetOptions{}) {
    register_source(registry);
    reopen_positions();
  }

  std::unique_ptr<node::Source> make(const std::string& name, const GivenArgs& given) {
    const lang::ComponentSpec* spec = registry.catalog().find(lang::ComponentSpec::Kind::kSource, name);
    FLUME_CHECK(spec != nullptr, "a source of this name");
    auto plan = std::make_shared<lang::Plan>();
    plan->kind = lang::Plan::Kind::kSource;
    plan->name = name;
    plan->path = "source";
    for (const lang::ArgSpec& arg : spec->args) {
      if (!arg.default_text.empty()) {
        plan->args.set(arg.name, {default_value(arg, settings)}, false);
      }
    }
    for (const auto& [key, values] : given) {
      plan->args.set(key, values, true);
    }
    return node::Build(registry).source(plan);
  }

  // As after a kill: what was not synced is forgotten.
  void reopen_positions() {
    positions.reset();
    positions = std::move(node::Positions::open(dir / "state/positions")).value();
    context = std::make_unique<node::Context>(node::Context{"n1", "source", clock, Metrics(metrics, {}), settings,
                                                            capabilities, identity, watch, *positions, storage, net,
                                                            limits, logs, dir / "state"});
  }

  Status open(node::Source& source) { return source.open(*context, Wait::for_duration(10s)); }

  // Batches until there is nothing now, not settled.
  std::vector<EventBatch> batches(node::Source& source) {
    std::vector<EventBatch> all;
    EventBatch batch;
    for (;;) {
      const auto got = source.next(batch, Wait{TimePoint(), {}});
      EXPECT_TRUE(got.ok()) << got.status().to_string();
      if (!got.ok() || *got != node::Source::Next::kBatch) {
        return all;
      }
      all.push_back(std::exchange(batch, EventBatch()));
    }
  }

  // The same, delivered; what the rows look like one after another in the source's own framing.
  std::string read(node::Source& source) {
    std::string text;
    for (const EventBatch& batch : batches(source)) {
      text += batch.blob();
      batch.settle(Outcome::kDelivered);
    }
    return text;
  }

  std::vector<Event> events(node::Source& source) {
    std::vector<Event> all;
    for (const EventBatch& batch : batches(source)) {
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        all.push_back(batch.event(row));
      }
      batch.settle(Outcome::kDelivered);
    }
    return all;
  }

  std::vector<std::string> bodies(node::Source& source) {
    std::vector<std::string> all;
    for (const Event& event : events(source)) {
      all.push_back(event.body);
    }
    return all;
  }

  uint64_t count(std::string_view name) const {
    uint64_t sum = 0;
    for (const MetricSample& sample : metrics.samples()) {
      sum += sample.name == name ? static_cast<uint64_t>(sample.value) : 0;
    }
    return sum;
  }

  TempDir dir;
  ManualClock clock{1'600'000'000'000};
  MetricRegistry metrics;
  Settings settings = Settings::defaults();
  node::Capabilities capabilities;
  node::Identity identity{"p1", "host1", {1}, 7};
  BatchLimits limits;
  node::FileWatch watch;
  std::unique_ptr<node::Positions> positions;
  StorageSet storage;
  node::NetServer net;
  node::LogBook logs;
  node::Registry registry;
  std::unique_ptr<node::Context> context;
};

}  // namespace flume::test

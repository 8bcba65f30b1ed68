// Sinks composed from scripted ones, built through the registry as a node builds them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/registry.h"
#include "tests/support/node_world.h"
#include "tests/support/scripted_sink.h"

namespace flume::node {

void register_compose_fan_out(Registry& registry);
void register_compose_failover(Registry& registry);
void register_compose_roll(Registry& registry);

class ComposeRig {
 public:
  explicit ComposeRig(size_t scripts) {
    register_compose_fan_out(registry);
    register_compose_failover(registry);
    register_compose_roll(registry);
    for (size_t i = 0; i < scripts; ++i) {
      script.push_back(std::make_shared<test::SinkScript>());
      lang::ComponentSpec spec{.name = "s" + std::to_string(i), .summary = "Scripted."};
      spec.examples = {{spec.name, "Does what the test says."}};
      registry.add_sink(spec, [made = script[i]](const lang::Plan&, const Build&) -> std::unique_ptr<Sink> {
        return std::make_unique<test::ScriptedSink>(made);
      });
    }
  }

  std::shared_ptr<lang::Plan> plan(lang::Plan::Kind kind, std::string name = "") const {
    auto made = std::make_shared<lang::Plan>();
    made->kind = kind;
    made->name = std::move(name);
    made->path = "sink";
    for (size_t i = 0; i < script.size(); ++i) {
      auto child = std::make_shared<lang::Plan>();
      child->kind = lang::Plan::Kind::kSink;
      child->name = "s" + std::to_string(i);
      child->path = "sink." + std::to_string(i);
      made->children.push_back(child);
    }
    return made;
  }

  Status open() { return sink->open(world.context, wait); }
  EventBatch rows(const std::vector<std::string>& bodies) { return test::rows_of(bodies, *tracker, position); }
  AppendResult append(const std::vector<std::string>& bodies) { return sink->append(rows(bodies), wait); }

  test::NodeWorld world;
  Registry registry;
  std::vector<std::shared_ptr<test::SinkScript>> script;
  std::unique_ptr<Sink> sink;
  std::shared_ptr<AckTracker> tracker = AckTracker::create(0);
  uint64_t position = 0;
  Wait wait = Wait::for_duration(std::chrono::seconds(10));
};

using Strings = std::vector<std::string>;

}  // namespace flume::node

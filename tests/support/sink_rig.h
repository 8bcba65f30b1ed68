// Sinks and chains of decorators built from text, as a node builds them, with all components there are and "keep": a
// scripted sink that keeps what it gets. No node and no thread; the clock stands.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/io/file_storage.h"
#include "dataflow-lang/checker.h"
#include "node/components.h"
#include "node/runtime/program.h"
#include "tests/support/batches.h"
#include "tests/support/node_world.h"
#include "tests/support/scripted_sink.h"

namespace flume::test {

class SinkRig {
 public:
  SinkRig() {
    node::register_components(registry);
    world.storage.add("file", std::make_shared<FileStorage>());
    lang::ComponentSpec spec{.name = "keep", .summary = "Keeps what it gets."};
    spec.examples = {{"keep", "For tests."}};
    registry.add_sink(std::move(spec),
                      [script = below](const lang::Plan&, const node::Build&) -> std::unique_ptr<node::Sink> {
                        return std::make_unique<ScriptedSink>(script);
                      });
  }

  // Null plan: the text was refused, `error` says why.
  lang::PlanPtr plan(const std::string& text, std::string* error = nullptr) const {
    const lang::CheckedNode checked =
        lang::check_node("n1", "null", text, registry.catalog(), node::check_options(world.settings));
    if (error != nullptr) {
      *error = lang::to_text(checked.diagnostics);
    }
    return checked.ok() ? checked.plan.sink : nullptr;
  }

  std::unique_ptr<node::Sink> build(const std::string& text) const {
    std::string error;
    const lang::PlanPtr made = plan(text, &error);
    FLUME_CHECK(made != nullptr, error);
    return node::Build(registry).sink(made);
  }

  Status open(node::Sink& sink) { return sink.open(world.context, wait); }

  // The same rows, owed to the tracker.
  EventBatch issued(const EventBatch& batch) {
    position += batch.rows();
    return batch.with_token(tracker->issue(position, batch.rows(), batch.body_bytes()));
  }
  EventBatch issued(const std::vector<Event>& events) { return issued(support::batch_of(events)); }

  std::vector<Event> kept() const {
    std::vector<Event> events;
    for (const EventBatch& batch : below->taken) {
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        events.push_back(batch.event(row));
      }
    }
    return events;
  }

  NodeWorld world;
  node::Registry registry;
  std::shared_ptr<SinkScript> below = std::make_shared<SinkScript>();
  std::shared_ptr<AckTracker> tracker = AckTracker::create(0);
  uint64_t position = 0;
  Wait wait = Wait::for_duration(std::chrono::seconds(10));
};

// n events that differ in everything but the host.
inline std::vector<Event> numbered_events(size_t n) {
  std::vector<Event> events(n);
  for (size_t i = 0; i < n; ++i) {
    events[i].timestamp = 1'600'000'000'000 + static_cast<int64_t>(i) * 10;
    events[i].nanos = static_cast<int64_t>(i);
    events[i].priority = static_cast<Priority>(i % 6);
    events[i].host = "h";
    events[i].body = "body " + std::to_string(i) + std::string(i % 13, 'x');
    if (i % 3 != 0) {
      events[i].attributes["k"] = std::string(i % 5, static_cast<char>(i));
    }
  }
  return events;
}

}  // namespace flume::test

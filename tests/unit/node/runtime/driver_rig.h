// A driver between scripted sources and sinks, with a clock that stands.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "node/runtime/driver.h"
#include "tests/unit/node/runtime/runtime_rig.h"

namespace flume::node {

class DriverRig : public testing::Test {
 protected:
  DriverRig() { options.backoff = {std::chrono::seconds(1), std::chrono::seconds(8), 0.0}; }
  ~DriverRig() override { stop(); }

  std::shared_ptr<test::SourceScript> source(const std::string& name) {
    auto& script = sources_[name];
    if (script == nullptr) {
      script = std::make_shared<test::SourceScript>();
    }
    return script;
  }
  std::shared_ptr<test::SinkScript> sink(const std::string& name) {
    auto& script = sinks_[name];
    if (script == nullptr) {
      script = std::make_shared<test::SinkScript>();
    }
    return script;
  }

  ProgramPtr program(uint64_t revision, const std::string& source_name, const std::string& sink_name) {
    auto made = std::make_shared<Program>();
    made->revision = revision;
    made->source_text = source_name;
    made->sink_text = sink_name;
    made->replayable = can_rewind;
    made->source = [this, source_name, script = source(source_name), rewinds = can_rewind] {
      return std::make_unique<test::StagedSource>(stage, source_name, script, rewinds);
    };
    made->sink = [this, sink_name, script = sink(sink_name)] {
      return std::make_unique<test::StagedSink>(stage, sink_name, script);
    };
    return made;
  }

  void run(const ProgramPtr& wanted) {
    if (driver == nullptr) {
      driver = std::make_unique<Driver>(world.context, book, options, [this] { stage.news(); });
    }
    driver->want(wanted);
  }
  void stop() {
    if (driver != nullptr) {
      driver->request_stop();
      driver->join();
    }
  }
  void until(const std::function<bool()>& holds) { stage.until(holds); }
  DriverStatus until_state(NodeState state) {
    DriverStatus seen;
    until([&] {
      seen = driver->status();
      return seen.state == state;
    });
    return seen;
  }
  DriverStatus until_running(uint64_t revision) {
    DriverStatus seen;
    until([&] {
      seen = driver->status();
      return seen.running != nullptr && seen.running->revision == revision;
    });
    return seen;
  }
  void until_rows(const std::string& sink_name, const test::Strings& rows) {
    until([&, script = sink(sink_name)] { return script->rows.size() >= rows.size(); });
    stage.tell([&, script = sink(sink_name)] { EXPECT_EQ(script->rows, rows); });
  }
  void give(const std::string& source_name, const test::Strings& batch) {
    stage.tell([&, script = source(source_name)] { script->given.push_back(batch); });
  }
  void pass(Duration time) {
    world.clock.advance(time);
    driver->wake();
  }

  test::NodeWorld world;
  test::Stage stage;
  LedgerBook book{world.context.metrics};
  DriverOptions options;
  bool can_rewind = true;
  std::unique_ptr<Driver> driver;

 private:
  std::map<std::string, std::shared_ptr<test::SourceScript>> sources_;
  std::map<std::string, std::shared_ptr<test::SinkScript>> sinks_;
};

}  // namespace flume::node

// A master without its servers, on a store in memory: what the tests of commands, translation and API start from.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "master/commands/command_queue.h"
#include "master/http/change_board.h"
#include "master/nodes/node_table.h"
#include "master/store/memory_store.h"
#include "master/translate/wanted_board.h"

namespace flume::master {

inline const lang::Catalog& test_catalog() {
  static const lang::Catalog catalog = [] {
    using Kind = lang::ComponentSpec::Kind;
    lang::Catalog out;
    const auto add = [&](Kind kind, const std::string& name, std::vector<lang::ArgSpec> args) {
      lang::ComponentSpec spec;
      spec.kind = kind;
      spec.name = name;
      spec.summary = "For tests.";
      for (lang::ArgSpec& arg : args) {
        arg.doc = "For tests.";
      }
      spec.args = std::move(args);
      spec.examples = {{name, "For tests."}};
      EXPECT_TRUE(out.add(std::move(spec)).ok()) << name;
    };
    const auto text = [](const std::string& name) {
      lang::ArgSpec arg;
      arg.name = name;
      arg.required = true;
      return arg;
    };
    lang::ArgSpec port;
    port.name = "port";
    port.type = lang::ArgType::kPort;
    port.required = true;
    add(Kind::kSource, "null", {});
    add(Kind::kSource, "console", {});
    add(Kind::kSource, "text", {text("file")});
    add(Kind::kSource, "rpcSource", {port});
    add(Kind::kSource, "logicalSource", {});
    add(Kind::kSink, "null", {});
    add(Kind::kSink, "console", {});
    add(Kind::kSink, "text", {text("file")});
    add(Kind::kSink, "rpcSink", {text("host"), port});
    add(Kind::kSink, "logicalSink", {text("node")});
    add(Kind::kSink, "fail", {text("why")});
    return out;
  }();
  return catalog;
}

class MasterWorld {
 public:
  explicit MasterWorld(std::shared_ptr<ConfigStore> at = nullptr)
      : store(at ? std::move(at) : std::make_shared<MemoryStore>(random_id())),
        checker(test_catalog()),
        mirror(*store),
        nodes(clock, {std::chrono::seconds(50), to_hex(store->store_id())}),
        commands({mirror, checker, clock, "", "default-flow",
                  [this](const std::vector<std::string>& names, bool all) {
                    all ? nodes.forget_all() : nodes.forget(names);
                  },
                  [this] { changes.touch({ChangedPart::kCommands}); }}) {
    mirror.on_view([this](const std::shared_ptr<const View>& view) {
      wanted.take(view);
      changes.touch({ChangedPart::kConfigs, ChangedPart::kMappings, ChangedPart::kNodes});
    });
    EXPECT_TRUE(mirror.start().ok());
    commands.start();
  }
  ~MasterWorld() { stop(); }

  void stop() {
    commands.stop();
    mirror.stop();
  }

  CommandRecord run(const std::string& command, std::vector<std::string> args,
                    std::optional<Revision> if_revision = {}) {
    const auto id = commands.submit({command, std::move(args), "test", if_revision});
    EXPECT_TRUE(id.ok());
    return commands.wait_for(*id, Wait{}).value();
  }
  // "" or the message of the failed command.
  std::string error(const std::string& command, std::vector<std::string> args) {
    const CommandRecord record = run(command, std::move(args));
    EXPECT_EQ(record.state == CommandState::kFailed, !record.message.empty());
    return record.message;
  }

  // A report of a node that runs these logical nodes.
  void report(const std::string& physical, const std::string& host, std::vector<LogicalReport> logical,
              bool full = true) {
    PhysicalReport report;
    report.facts.name = physical;
    report.facts.host = host;
    report.facts.node_id = "00" + physical;
    report.facts.store_id = to_hex(store->store_id());
    report.facts.boot_epoch = 1;
    report.full = full;
    report.changed = std::move(logical);
    EXPECT_TRUE(nodes.report(std::move(report)));
  }
  // What housekeeping does, until there is nothing left.
  void keep_house() {
    nodes.tick();
    while (true) {
      const auto seen = mirror.view();
      std::vector<Change> changed = nodes.store_changes(*seen);
      for (Change& change : missing_ports(*seen)) {
        changed.push_back(std::move(change));
      }
      if (changed.empty()) {
        return;
      }
      ASSERT_TRUE(store->commit(changed).ok());
      ASSERT_TRUE(mirror.catch_up().ok());
    }
  }

  std::shared_ptr<const View> view() const { return mirror.view(); }

  ManualClock clock{1'700'000'000'000};
  std::shared_ptr<ConfigStore> store;
  SpecChecker checker;
  Mirror mirror;
  WantedBoard wanted;
  NodeTable nodes;
  ChangeBoard changes;
  CommandQueue commands;
};

inline LogicalReport logical(const std::string& name, StateCode state, Revision revision = 0) {
  LogicalReport report;
  report.name = name;
  report.state = state;
  report.revision = revision;
  report.wanted_revision = revision;
  return report;
}

}  // namespace flume::master

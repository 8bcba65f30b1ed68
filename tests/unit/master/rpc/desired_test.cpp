#include "master/rpc/desired.h"

#include <gtest/gtest.h>

#include "tests/support/master_world.h"

namespace flume::master {
namespace {

class DesiredTest : public testing::Test {
 protected:
  DesiredFor desired(const std::string& physical) {
    const auto node = world_.nodes.find(physical);
    const Id128 id = world_.store->store_id();
    return desired_for(*world_.wanted.get(), node ? &*node : nullptr, physical, std::string(id.begin(), id.end()));
  }
  // The node says that it took what it was told.
  void confirm(const std::string& physical, const DesiredFor& told) {
    std::vector<LogicalReport> reports;
    for (const rpc::control::SetLogical& config : told.desired.configs) {
      LogicalReport report = logical(config.name, StateCode::kActive, static_cast<Revision>(config.revision));
      report.text_hash = config.text_hash;
      reports.push_back(std::move(report));
    }
    world_.report(physical, "host1", std::move(reports), false);
  }
  MasterWorld world_;
};

TEST(Reports, WhatANodeSaysInJsonIsKeptOnlyWhenItIs) {
  rpc::control::NodeReport report;
  rpc::control::LogicalState state;
  state.name = "p1";
  state.promise = R"({"delivery":"exactly_once"})";
  state.logs = R"([{"rows":1}])";
  report.changed = {state};
  EXPECT_EQ(report_from(report).changed[0].promise, state.promise);
  EXPECT_EQ(report_from(report).changed[0].logs, state.logs);
  const std::string large = "[" + std::string(300 << 10, ' ') + "]";
  for (const std::string& text : {std::string(), std::string("[1"), std::string("7"), std::string("{}}"), large}) {
    report.changed[0].promise = text;
    report.changed[0].logs = text;
    EXPECT_EQ(report_from(report).changed[0].promise, "") << text.substr(0, 10);
    EXPECT_EQ(report_from(report).changed[0].logs, "") << text.substr(0, 10);
  }
  report.changed[0].logs = "{}";
  EXPECT_EQ(report_from(report).changed[0].logs, "") << "no list";
}

TEST_F(DesiredTest, AnUnknownNodeIsAskedForEverything) {
  const DesiredFor told = desired("p1");
  EXPECT_TRUE(told.is_behind);
  EXPECT_TRUE(told.desired.send_full_report);
}

TEST_F(DesiredTest, ANodeIsToldWhatItDoesNotRunAndNothingTwice) {
  world_.report("p1", "host1", {});
  EXPECT_FALSE(desired("p1").is_behind);
  EXPECT_EQ(world_.error("config", {"p1", "null", "console"}), "");
  const DesiredFor told = desired("p1");
  EXPECT_TRUE(told.is_behind);
  ASSERT_EQ(told.desired.configs.size(), 1U);
  EXPECT_EQ(told.desired.configs[0].name, "p1");
  EXPECT_EQ(told.desired.configs[0].source, "null");
  EXPECT_EQ(told.desired.configs[0].sink, "console");
  EXPECT_EQ(told.desired.configs[0].flow, "default-flow");
  EXPECT_EQ(static_cast<Revision>(told.desired.revision), world_.view()->config_revision);
  confirm("p1", told);
  EXPECT_FALSE(desired("p1").is_behind);
}

TEST_F(DesiredTest, AnotherConfigurationIsNews) {
  world_.report("p1", "host1", {});
  EXPECT_EQ(world_.error("config", {"p1", "null", "console"}), "");
  confirm("p1", desired("p1"));
  EXPECT_EQ(world_.error("config", {"p1", "null", "null"}), "");
  const DesiredFor told = desired("p1");
  ASSERT_EQ(told.desired.configs.size(), 1U);
  EXPECT_EQ(told.desired.configs[0].sink, "null");
}

TEST_F(DesiredTest, OtherNodesAreNoNews) {
  world_.report("p1", "host1", {});
  EXPECT_EQ(world_.error("config", {"p2", "null", "console"}), "");
  EXPECT_FALSE(desired("p1").is_behind);
}

TEST_F(DesiredTest, ANodeThatObeysAnotherStoreIsToldNothing) {
  EXPECT_EQ(world_.error("config", {"p1", "null", "console"}), "");
  PhysicalReport report;
  report.facts.name = "p1";
  report.facts.store_id = std::string(32, 'a');
  report.full = true;
  EXPECT_TRUE(world_.nodes.report(std::move(report)));
  const DesiredFor told = desired("p1");
  EXPECT_FALSE(told.is_behind);
  EXPECT_TRUE(told.desired.configs.empty());
}

TEST_F(DesiredTest, ARemovalIsListedUntilTheNodeConfirmsIt) {
  world_.report("p1", "host1", {});
  EXPECT_EQ(world_.error("config", {"p1", "null", "console"}), "");
  confirm("p1", desired("p1"));
  world_.keep_house();
  EXPECT_EQ(world_.error("decommission", {"p1"}), "");
  const DesiredFor told = desired("p1");
  ASSERT_EQ(told.desired.remove.size(), 1U);
  EXPECT_EQ(told.desired.remove[0].name, "p1");
  PhysicalReport report;
  report.facts = world_.nodes.find("p1")->facts;
  report.removed = {"p1"};
  EXPECT_TRUE(world_.nodes.report(std::move(report)));
  EXPECT_TRUE(desired("p1").desired.remove.empty());
}

}  // namespace
}  // namespace flume::master

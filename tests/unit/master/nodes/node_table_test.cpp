#include "master/nodes/node_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/nodes/picture.h"
#include "tests/support/master_world.h"

namespace flume::master {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Duration kLost = std::chrono::seconds(50);

PhysicalReport report_of(const std::string& name, int64_t boot_epoch, std::vector<LogicalReport> logical, bool full) {
  PhysicalReport report;
  report.facts.name = name;
  report.facts.host = "h";
  report.facts.node_id = "01";
  report.facts.boot_epoch = boot_epoch;
  report.full = full;
  report.changed = std::move(logical);
  return report;
}

LogicalPicture picture_of(const MasterWorld& world, const std::string& name) {
  for (LogicalPicture& node : make_picture(*world.wanted.get(), world.nodes).logical) {
    if (node.name == name) {
      return std::move(node);
    }
  }
  ADD_FAILURE() << "no logical node " << name;
  return {};
}

TEST(NodeTable, AskedForAllUntilItHasAll) {
  ManualClock clock(1000);
  NodeTable table(clock, {kLost, "aa"});
  EXPECT_FALSE(table.report(report_of("p", 1, {}, false)));
  EXPECT_THAT(table.list(), IsEmpty());
  EXPECT_TRUE(table.report(report_of("p", 1, {logical("x", StateCode::kActive)}, true)));
  EXPECT_TRUE(table.report(report_of("p", 1, {logical("y", StateCode::kIdle)}, false)));
  EXPECT_THAT(table.find("p")->logical, SizeIs(2));
  EXPECT_FALSE(table.report(report_of("p", 2, {}, false))) << "another start of the process";
  EXPECT_TRUE(table.report(report_of("p", 2, {logical("y", StateCode::kIdle)}, true)));
  EXPECT_THAT(table.find("p")->logical, SizeIs(1));
}

TEST(NodeTable, ASilentNodeIsLostAndComesBack) {
  ManualClock clock(1000);
  NodeTable table(clock, {kLost, "aa"});
  int changes = 0;
  table.on_change([&] { ++changes; });
  table.report(report_of("p", 1, {logical("x", StateCode::kActive)}, true));
  EXPECT_EQ(changes, 1);
  clock.advance(kLost - Duration(1));
  table.tick();
  EXPECT_TRUE(table.find("p")->is_live);
  EXPECT_EQ(changes, 1);
  clock.advance(Duration(1));
  table.tick();
  EXPECT_FALSE(table.find("p")->is_live);
  EXPECT_EQ(changes, 2);
  table.tick();
  EXPECT_EQ(changes, 2) << "said once";
  EXPECT_TRUE(table.report(report_of("p", 1, {}, false)));
  EXPECT_TRUE(table.find("p")->is_live);
  EXPECT_EQ(changes, 3);
}

TEST(NodeTable, CountersAreNoChange) {
  ManualClock clock(1000);
  NodeTable table(clock, {kLost, "aa"});
  LogicalReport x = logical("x", StateCode::kActive);
  table.report(report_of("p", 1, {x}, true));
  int changes = 0;
  table.on_change([&] { ++changes; });
  x.counters["flume_x_total"] = 5;
  x.ledger["read.events"] = 7;
  table.report(report_of("p", 1, {x}, false));
  EXPECT_EQ(changes, 0);
  x.state = StateCode::kBackoff;
  table.report(report_of("p", 1, {x}, false));
  EXPECT_EQ(changes, 1);
}

TEST(NodeTable, RatesAreOverTheLastInterval) {
  ManualClock clock(1000);
  NodeTable table(clock, {kLost, "aa"});
  LogicalReport x = logical("x", StateCode::kActive);
  x.ledger = {{"read.events", 100}, {"delivered.bytes", 1000}};
  table.report(report_of("p", 1, {x}, true));
  clock.advance(std::chrono::seconds(2));
  x.ledger = {{"read.events", 300}, {"delivered.bytes", 5000}};
  table.report(report_of("p", 1, {x}, false));
  EXPECT_EQ(table.find("p")->logical.at("x").rates.read_events, 100.0);
  EXPECT_EQ(table.find("p")->logical.at("x").rates.delivered_bytes, 2000.0);
  clock.advance(std::chrono::seconds(1));
  x.ledger = {{"read.events", 10}};
  table.report(report_of("p", 1, {x}, false));
  EXPECT_EQ(table.find("p")->logical.at("x").rates.read_events, 0.0) << "counts began anew";
}

TEST(NodeTable, AClassicNodeIsKnownByItsHeartbeats) {
  ManualClock clock(1000);
  NodeTable table(clock, {kLost, "aa"});
  EXPECT_TRUE(table.classic_heartbeat("p", "h", "x", StateCode::kActive, 5));
  EXPECT_FALSE(table.classic_heartbeat("p", "h", "x", StateCode::kActive, 6));
  EXPECT_EQ(table.find("p")->logical.at("x").report.revision, 6U);
  EXPECT_TRUE(table.find("p")->is_classic);
  clock.advance(kLost);
  table.tick();
  EXPECT_FALSE(table.find("p")->is_live);
}

TEST(NodeTable, TransitionsGoToTheStoreAndNothingElse) {
  MasterWorld world;
  world.report("p", "h", {logical("p", StateCode::kActive)});
  world.keep_house();
  EXPECT_TRUE(world.view()->hosts.at("p").value.is_live);
  const Revision revision = world.view()->revision;
  world.report("p", "h", {logical("p", StateCode::kBackoff)}, false);
  world.keep_house();
  EXPECT_EQ(world.view()->revision, revision);
  world.clock.advance(kLost);
  world.keep_house();
  EXPECT_FALSE(world.view()->hosts.at("p").value.is_live);
  world.report("p", "elsewhere", {}, false);
  world.keep_house();
  EXPECT_EQ(world.view()->hosts.at("p").value.host, "elsewhere");
  EXPECT_TRUE(world.view()->hosts.at("p").value.is_live);
}

TEST(NodeTable, AConfirmedRemovalLeavesTheStore) {
  MasterWorld world;
  world.report("p", "h", {logical("a", StateCode::kActive)});
  world.run("map", {"p", "a"});
  world.run("unmap", {"p", "a"});
  world.keep_house();
  EXPECT_THAT(world.view()->removed, SizeIs(1));
  PhysicalReport report;
  report.facts = world.nodes.find("p")->facts;
  report.removed = {"a"};
  EXPECT_TRUE(world.nodes.report(std::move(report)));
  world.keep_house();
  EXPECT_THAT(world.view()->removed, IsEmpty());
  EXPECT_THAT(world.nodes.find("p")->logical, IsEmpty());
}

TEST(NodeTable, ANewMasterWaitsForTheNodesOfTheStore) {
  auto store = std::make_shared<MemoryStore>(random_id());
  {
    MasterWorld first(store);
    first.report("p", "h", {});
    first.keep_house();
  }
  MasterWorld second(store);
  second.nodes.seed(*second.view());
  EXPECT_TRUE(second.nodes.find("p")->is_live);
  PhysicalReport partial;
  partial.facts = second.nodes.find("p")->facts;
  EXPECT_FALSE(second.nodes.report(std::move(partial))) << "it must say all first";
  second.clock.advance(kLost);
  second.keep_house();
  EXPECT_FALSE(second.view()->hosts.at("p").value.is_live);
}

TEST(Picture, StatesThatTheMasterDecides) {
  MasterWorld world;
  world.run("config", {"nowhere", "null", "null"});
  world.run("config", {"coming", "null", "null"});
  world.run("map", {"p", "coming"});
  world.run("map", {"p", "leaving"});
  world.report("p", "h", {logical("leaving", StateCode::kActive), logical("p", StateCode::kBlocked)});
  world.keep_house();
  EXPECT_EQ(picture_of(world, "nowhere").state, StateCode::kIdle);
  EXPECT_EQ(picture_of(world, "nowhere").physical, "");
  EXPECT_EQ(picture_of(world, "coming").state, StateCode::kHello);
  EXPECT_EQ(picture_of(world, "coming").physical, "p");
  EXPECT_EQ(picture_of(world, "leaving").state, StateCode::kActive);
  EXPECT_EQ(picture_of(world, "p").state, StateCode::kBlocked);
  world.run("unmap", {"p", "leaving"});
  EXPECT_EQ(picture_of(world, "leaving").state, StateCode::kDecommissioned);
  world.clock.advance(kLost);
  world.keep_house();
  EXPECT_EQ(picture_of(world, "p").state, StateCode::kLost);
  EXPECT_EQ(picture_of(world, "coming").state, StateCode::kLost);
}

TEST(Picture, ANodeThatMovesIsShownAtItsNewPlaceOnceItRunsThere) {
  MasterWorld world;
  world.report("p1", "h1", {logical("a", StateCode::kActive)});
  world.report("p2", "h2", {});
  world.keep_house();
  world.run("map", {"p2", "a"});
  EXPECT_EQ(picture_of(world, "a").physical, "p1");
  EXPECT_EQ(picture_of(world, "a").state, StateCode::kDecommissioned);
  world.report("p2", "h2", {logical("a", StateCode::kOpening)}, false);
  EXPECT_EQ(picture_of(world, "a").physical, "p2");
  EXPECT_EQ(picture_of(world, "a").state, StateCode::kOpening);
}

TEST(NodeState, ClassicPeersSeeClassicStates) {
  EXPECT_EQ(classic_state(StateCode::kBackoff), StateCode::kOpening);
  EXPECT_EQ(classic_state(StateCode::kBlocked), StateCode::kActive);
  EXPECT_EQ(classic_state(StateCode::kDraining), StateCode::kActive);
  EXPECT_EQ(classic_state(StateCode::kLost), StateCode::kLost);
  EXPECT_EQ(state_from_number(7), StateCode::kClosing);
  EXPECT_EQ(state_from_number(99), StateCode::kError);
  EXPECT_EQ(state_name(StateCode::kBackoff), "BACKOFF");
}

}  // namespace
}  // namespace flume::master

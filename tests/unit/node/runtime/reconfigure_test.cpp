// Changes of a running logical node's configuration (node/runtime/reconfigure.cpp).
#include <gtest/gtest.h>

#include "tests/unit/node/runtime/driver_rig.h"

namespace flume::node {
namespace {

using std::chrono::seconds;
using test::Strings;

using Reconfigure = DriverRig;

TEST_F(Reconfigure, AnotherSinkIsSwappedUnderTheOpenSource) {
  run(program(1, "s", "old"));
  give("s", {"a"});
  until_rows("old", {"a"});
  run(program(2, "s", "new"));
  until_running(2);
  give("s", {"b"});
  until_rows("new", {"b"});
  stop();
  EXPECT_EQ(stage.story, (Strings{"old opens", "s opens", "old closes", "new opens", "new closes", "s closes"}));
  EXPECT_EQ(sink("old")->rows, (Strings{"a"}));
}

TEST_F(Reconfigure, WhatTheOldSinkHoldsIsSettledBeforeItGoes) {
  sink("old")->settles = false;
  run(program(1, "s", "old"));
  give("s", {"a"});
  until_rows("old", {"a"});
  run(program(2, "s", "new"));
  until_running(2);
  EXPECT_EQ(book.sum().delivered.events, 1U);
  EXPECT_EQ(sink("new")->rows, Strings());
}

TEST_F(Reconfigure, WhatTheOldSinkCannotSettleGoesToTheNewOneFirst) {
  sink("old")->settles = false;
  run(program(1, "s", "old"));
  give("s", {"a"});
  until_rows("old", {"a"});
  stage.tell([&] { sink("old")->flushes = {Status(Code::kTimeout, "flush: the peer is silent")}; });
  run(program(2, "s", "new"));
  until_running(2);
  give("s", {"b"});
  until_rows("new", {"a", "b"});
  EXPECT_EQ(book.sum().delivered.events, 2U);
}

TEST_F(Reconfigure, ASinkThatDoesNotOpenLeavesTheOldFlow) {
  sink("new")->opens = {Status(Code::kPermission, "create \"/root/x\": permission denied")};
  run(program(1, "s", "old"));
  until_state(NodeState::kActive);
  run(program(2, "s", "new"));
  until([&] { return !driver->status().error.empty(); });
  EXPECT_EQ(driver->status().error, "create \"/root/x\": permission denied");
  EXPECT_EQ(driver->status().running->revision, 1U);
  give("s", {"a"});
  until_rows("old", {"a"});
  EXPECT_EQ(driver->status().state, NodeState::kActive);
  EXPECT_EQ(driver->status().error, "create \"/root/x\": permission denied");
  EXPECT_EQ(source("s")->close_calls, 0);
}

TEST_F(Reconfigure, ATemporaryRefusalIsTriedAgain) {
  sink("new")->opens = {Status(Code::kUnavailable, "connection refused")};
  run(program(1, "s", "old"));
  until_state(NodeState::kActive);
  run(program(2, "s", "new"));
  until([&] { return !driver->status().error.empty(); });
  pass(seconds(1));
  EXPECT_EQ(until_running(2).error, "");
}

TEST_F(Reconfigure, APermanentRefusalIsTriedAgainWhenItIsGivenAgain) {
  sink("new")->opens = {Status(Code::kInvalid, "no such folder")};
  run(program(1, "s", "old"));
  until_state(NodeState::kActive);
  run(program(2, "s", "new"));
  until([&] { return !driver->status().error.empty(); });
  pass(seconds(3600));
  give("s", {"a"});
  until_rows("old", {"a"});
  EXPECT_EQ(sink("new")->open_calls, 1);
  run(program(2, "s", "new"));
  EXPECT_EQ(until_running(2).error, "");
}

TEST_F(Reconfigure, TheOldSourceIsClosedOnlyWhenTheNewOneIsOpen) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  run(program(2, "t", "k"));
  until_running(2);
  give("t", {"a"});
  until_rows("k", {"a"});
  stop();
  EXPECT_EQ(stage.story,
            (Strings{"k opens", "s opens", "k closes", "k opens", "t opens", "s closes", "k closes", "t closes"}));
}

TEST_F(Reconfigure, ASourceThatNeedsWhatTheOldOneHoldsIsOpenedAfterIt) {
  source("t")->opens = {Status(Code::kBusy, "listen on port 5140: in use")};
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  run(program(2, "t", "k"));
  EXPECT_EQ(until_running(2).error, "");
  EXPECT_EQ(source("s")->close_calls, 1);
  EXPECT_TRUE(source("t")->is_open);
}

TEST_F(Reconfigure, ASourceThatDoesNotOpenLeavesTheOldFlow) {
  source("t")->opens = {Status(Code::kPermission, "open \"f\": permission denied")};
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  run(program(2, "t", "new"));
  until([&] { return !driver->status().error.empty(); });
  give("s", {"a"});
  until_rows("k", {"a"});
  EXPECT_EQ(source("s")->open_calls, 1);
  EXPECT_EQ(sink("new")->is_open, false);
  EXPECT_EQ(driver->status().running->revision, 1U);
  EXPECT_EQ(driver->status().error, "open \"f\": permission denied");
}

TEST_F(Reconfigure, ThePortThatWasGivenUpForNothingIsTakenAgain) {
  const Status busy(Code::kBusy, "listen on port 5140: in use");
  source("t")->opens = {busy, busy};
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  run(program(2, "t", "k"));
  until([&] { return source("s")->open_calls == 2; });
  give("s", {"a"});
  until_rows("k", {"a"});
  EXPECT_EQ(driver->status().running->revision, 1U);
}

TEST_F(Reconfigure, TheSameTextsOnlyMoveTheRevision) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  run(program(7, "s", "k"));
  until_running(7);
  EXPECT_EQ(source("s")->open_calls, 1);
  EXPECT_EQ(sink("k")->open_calls, 1);
}

TEST_F(Reconfigure, RefreshClosesAndOpensEverything) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  driver->refresh();
  until([&] { return source("s")->open_calls == 2 && source("s")->is_open; });
  EXPECT_EQ(sink("k")->open_calls, 2);
  give("s", {"a"});
  until_rows("k", {"a"});
}

TEST_F(Reconfigure, ANodeInBackoffTakesTheNewConfigurationAtOnce) {
  sink("old")->opens = {Status(Code::kUnavailable, "connection refused")};
  run(program(1, "s", "old"));
  until_state(NodeState::kBackoff);
  run(program(2, "s", "new"));
  EXPECT_EQ(until_running(2).error, "");
  give("s", {"a"});
  until_rows("new", {"a"});
}

TEST_F(Reconfigure, ANodeWhoseSourceEndedStartsWithTheNewOne) {
  source("s")->ends = true;
  run(program(1, "s", "k"));
  until_state(NodeState::kIdle);
  run(program(2, "t", "k"));
  until_state(NodeState::kActive);
  give("t", {"a"});
  until_rows("k", {"a"});
  EXPECT_FALSE(driver->status().done);
  EXPECT_FALSE(driver->status().source_ended);
}

TEST_F(Reconfigure, KeptRowsOfASourceThatCannotGoBackOutliveIt) {
  can_rewind = false;
  sink("old")->settles = false;
  run(program(1, "s", "old"));
  give("s", {"a"});
  until_rows("old", {"a"});
  stage.tell([&] { sink("old")->flushes = {Status(Code::kTimeout, "flush: the peer is silent")}; });
  run(program(2, "t", "new"));
  until_running(2);
  until_rows("new", {"a"});
  stop();
  EXPECT_EQ(book.sum().delivered.events, 1U);
  EXPECT_TRUE(book.sum().balanced);
}

}  // namespace
}  // namespace flume::node

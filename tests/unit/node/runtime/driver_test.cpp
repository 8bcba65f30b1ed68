#include "node/runtime/driver.h"

#include <gtest/gtest.h>

#include "tests/unit/node/runtime/driver_rig.h"

namespace flume::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Strings;

const Status kRefused(Code::kUnavailable, "connect to c1:35853: connection refused");
const Status kForbidden(Code::kPermission, "open \"/var/log/x\": permission denied");

using DriverTest = DriverRig;

TEST_F(DriverTest, MovesRowsAndIsActive) {
  run(program(1, "s", "k"));
  give("s", {"a", "b"});
  give("s", {"c"});
  until_rows("k", {"a", "b", "c"});
  const DriverStatus status = until_state(NodeState::kActive);
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(status.running->revision, 1U);
}

TEST_F(DriverTest, OpensTheSinkFirstAndClosesTheSourceLast) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  stop();
  EXPECT_EQ(stage.story, (Strings{"k opens", "s opens", "k closes", "s closes"}));
  EXPECT_EQ(driver->status().state, NodeState::kIdle);
}

TEST_F(DriverTest, ATemporaryErrorIsTriedAgainAfterGrowingPauses) {
  sink("k")->opens = {kRefused, kRefused};
  run(program(1, "s", "k"));
  DriverStatus status = until_state(NodeState::kBackoff);
  EXPECT_EQ(status.error, "connect to c1:35853: connection refused");
  EXPECT_EQ(status.next_try_millis, world.clock.wall_millis() + 1000);
  pass(seconds(1));
  const int64_t second = world.clock.wall_millis() + 2000;
  until([&] { return driver->status().next_try_millis == second; });
  pass(seconds(2));
  status = until_state(NodeState::kActive);
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(status.next_try_millis, 0);
  EXPECT_EQ(sink("k")->open_calls, 3);
}

TEST_F(DriverTest, PausesGrowAgainAfterALongTimeOfWork) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  world.clock.advance(seconds(100));
  stage.tell([&] {
    source("s")->reads = {Status(Code::kUnavailable, "read \"f\": gone")};
    source("s")->opens = {kRefused, kRefused};
  });
  for (const int pause : {1, 2, 4}) {
    const int64_t next = world.clock.wall_millis() + pause * 1000;
    until([&] { return driver->status().next_try_millis == next; });
    pass(seconds(pause));
  }
  until_state(NodeState::kActive);
}

TEST_F(DriverTest, APermanentErrorIsShownAndTriedAgainAfterAMinute) {
  source("s")->opens = {kForbidden};
  run(program(1, "s", "k"));
  const DriverStatus status = until_state(NodeState::kError);
  EXPECT_EQ(status.error, "open \"/var/log/x\": permission denied");
  EXPECT_EQ(status.next_try_millis, world.clock.wall_millis() + 60'000);
  EXPECT_FALSE(status.done);
  pass(seconds(60));
  until_state(NodeState::kActive);
  EXPECT_EQ(sink("k")->open_calls, 1);  // it was open all the time
}

TEST_F(DriverTest, AFailedDiskIsTriedAgainSoon) {
  sink("k")->appends = {{Status::from_errno(EIO, "write to \"f\""), 1}};
  run(program(1, "s", "k"));
  give("s", {"a", "b"});
  const DriverStatus status = until_state(NodeState::kBackoff);
  EXPECT_EQ(status.error, "write to \"f\": Input/output error (EIO)");
  pass(seconds(1));
  until_rows("k", {"a", "b"});
  until_state(NodeState::kActive);
}

TEST_F(DriverTest, WhatThisMachineIsShortOfIsLookedForEveryTwoSeconds) {
  const Status full = Status::from_errno(EDQUOT, "append to \"f\"");
  sink("k")->opens = {full, full, full, full, full, full};
  run(program(1, "s", "k"));
  for (const int pause : {1, 2, 2, 2, 2, 2}) {
    const int64_t next = world.clock.wall_millis() + pause * 1000;
    until([&] { return driver->status().next_try_millis == next; });
    pass(seconds(pause));
  }
  until_state(NodeState::kActive);
}

TEST_F(DriverTest, PositionsThatCannotBeSavedAreShownUntilTheyAre) {
  source("s")->saves.assign(1000, Status::from_errno(EROFS, "write to \"positions\""));
  run(program(1, "s", "k"));
  give("s", {"a"});
  until_rows("k", {"a"});
  pass(seconds(1));
  until([&] {
    return driver->status().error ==
           "read positions are not saved: write to \"positions\": Read-only file system (EROFS)";
  });
  EXPECT_EQ(driver->status().state, NodeState::kActive) << "rows go on";
  stage.tell([&] { source("s")->saves.clear(); });
  pass(seconds(2));
  until([&] { return driver->status().error.empty(); });
}

TEST_F(DriverTest, RowsThatAFailedSinkDidNotTakeAreOfferedAgain) {
  sink("k")->appends = {{kRefused, 1}};
  run(program(1, "s", "k"));
  give("s", {"a", "b", "c"});
  until_state(NodeState::kBackoff);
  pass(seconds(1));
  until_rows("k", {"a", "b", "c"});
  until_state(NodeState::kActive);
  EXPECT_EQ(book.sum().delivered.events, 3U);
}

TEST_F(DriverTest, RowsThatAFailedSinkTookAndDidNotSettleAreOfferedAgainInOrder) {
  sink("k")->settles = false;
  run(program(1, "s", "k"));
  give("s", {"a"});
  give("s", {"b"});
  until_rows("k", {"a", "b"});
  stage.tell([&] { sink("k")->appends = {{kRefused, 0}}; });
  give("s", {"c"});
  until_state(NodeState::kBackoff);
  pass(seconds(1));
  until_rows("k", {"a", "b", "a", "b", "c"});
  EXPECT_EQ(source("s")->rewinds, 0);
}

TEST_F(DriverTest, AFailedReadReopensTheSourceOnly) {
  source("s")->reads = {Status(Code::kUnavailable, "read \"f\": gone")};
  run(program(1, "s", "k"));
  EXPECT_EQ(until_state(NodeState::kBackoff).error, "read \"f\": gone");
  pass(seconds(1));
  until_state(NodeState::kActive);
  stop();
  EXPECT_EQ(stage.story, (Strings{"k opens", "s opens", "s closes", "s opens", "k closes", "s closes"}));
}

TEST_F(DriverTest, ASinkThatTakesNothingShowsBlocked) {
  stage.tell([&] { sink("k")->appends.assign(100'000, {Status(Code::kTimeout, "full"), 0}); });
  run(program(1, "s", "k"));
  give("s", {"a"});
  EXPECT_EQ(until_state(NodeState::kBlocked).error, "");
  stage.tell([&] { sink("k")->appends.clear(); });
  until_rows("k", {"a"});
  until_state(NodeState::kActive);
}

TEST_F(DriverTest, TheEndOfTheSourceIsIdleWithEverythingSettled) {
  sink("k")->settles = false;
  source("s")->given = {{"a"}, {"b"}};
  source("s")->ends = true;
  run(program(1, "s", "k"));
  const DriverStatus status = until_state(NodeState::kIdle);
  EXPECT_TRUE(status.done);
  EXPECT_TRUE(status.source_ended);
  EXPECT_EQ(sink("k")->rows, (Strings{"a", "b"}));
  EXPECT_EQ(book.sum().delivered.events, 2U);
  EXPECT_FALSE(sink("k")->is_open);
  EXPECT_FALSE(source("s")->is_open);
}

TEST_F(DriverTest, ASourceGoesBackToRowsThatWereNotDelivered) {
  sink("k")->settles = false;
  run(program(1, "s", "k"));
  give("s", {"a"});
  give("s", {"b"});
  until_rows("k", {"a", "b"});
  stage.tell([&] { sink("k")->unsettled.clear(); });  // as if lost on the way
  driver->wake();
  until_rows("k", {"a", "b", "a", "b"});
  EXPECT_EQ(source("s")->rewinds, 1);
  EXPECT_EQ(book.sum().again.events, 2U);
  EXPECT_EQ(book.sum().read.events, 2U);
}

TEST_F(DriverTest, RowsOfASourceThatCannotGoBackAreKeptAndOfferedAgain) {
  can_rewind = false;
  sink("k")->settles = false;
  run(program(1, "s", "k"));
  give("s", {"a"});
  give("s", {"b"});
  until_rows("k", {"a", "b"});
  stage.tell([&] { sink("k")->unsettled.clear(); });
  driver->wake();
  until_rows("k", {"a", "b", "a", "b"});
  EXPECT_TRUE(book.sum().balanced);
  stop();
  EXPECT_EQ(book.sum().delivered.events, 2U);
}

TEST_F(DriverTest, TicksWhatIsDueWhileTheSourceIsSilent) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  stage.tell([&] { sink("k")->due = world.clock.now() + milliseconds(500); });
  pass(milliseconds(500));
  until([&] { return stage.story.back() == "k ticks"; });
}

TEST_F(DriverTest, AFailedTickIsAFailureOfTheSink) {
  run(program(1, "s", "k"));
  until_state(NodeState::kActive);
  stage.tell([&] {
    sink("k")->ticks = {Status(Code::kNoSpace, "roll: disk full")};
    sink("k")->due = world.clock.now();
  });
  driver->wake();
  EXPECT_EQ(until_state(NodeState::kBackoff).error, "roll: disk full");
}

TEST_F(DriverTest, AOneShotNodeEndsWithTheFirstError) {
  options.one_shot = true;
  sink("k")->opens = {kRefused};
  run(program(1, "s", "k"));
  const DriverStatus status = until_state(NodeState::kError);
  EXPECT_TRUE(status.done);
  EXPECT_EQ(status.error, "connect to c1:35853: connection refused");
}

TEST_F(DriverTest, AFailedCloseAtTheEndIsAnError) {
  source("s")->ends = true;
  sink("k")->closes = {Status(Code::kNoSpace, "commit \"out\": disk full"), {}};
  options.one_shot = true;
  run(program(1, "s", "k"));
  const DriverStatus status = until_state(NodeState::kError);
  EXPECT_EQ(status.error, "commit \"out\": disk full");
  EXPECT_TRUE(status.done);
}

TEST_F(DriverTest, StopHandsOnWhatWasReadAndSavesPositions) {
  sink("k")->settles = false;
  run(program(1, "s", "k"));
  give("s", {"a"});
  until_rows("k", {"a"});
  stop();
  EXPECT_EQ(book.sum().delivered.events, 1U);
  EXPECT_GE(source("s")->checkpoints, 1);
}

TEST_F(DriverTest, StopTriesAFailedSinkAgainWithRowsThatNobodyElseHas) {
  can_rewind = false;
  sink("k")->appends = {{kRefused, 0}};
  sink("k")->opens = {Status(), kRefused};
  run(program(1, "s", "k"));
  give("s", {"a", "b"});
  until_state(NodeState::kBackoff);
  stop();
  EXPECT_EQ(sink("k")->rows, (Strings{"a", "b"}));
  EXPECT_EQ(book.sum().delivered.events, 2U);
  EXPECT_EQ(driver->status().error, kRefused.message());  // of before: nothing went wrong at the end
}

TEST_F(DriverTest, StopWaitsForAFailedSinkNoLongerThanClosingMayTake) {
  can_rewind = false;
  options.limits.close_timeout = milliseconds(1);
  sink("k")->appends = {{kRefused, 0}};
  sink("k")->opens.assign(1000, kRefused);
  sink("k")->opens.push_front(Status());
  run(program(1, "s", "k"));
  give("s", {"a"});
  until_state(NodeState::kBackoff);
  stop();
  EXPECT_TRUE(sink("k")->rows.empty());
  EXPECT_FALSE(source("s")->is_open);
}

TEST_F(DriverTest, StopDoesNotWaitForAPauseToEnd) {
  sink("k")->opens = {kRefused};
  run(program(1, "s", "k"));
  until_state(NodeState::kBackoff);
  stop();
  EXPECT_EQ(driver->status().state, NodeState::kIdle);
  EXPECT_EQ(sink("k")->open_calls, 1);
}

}  // namespace
}  // namespace flume::node

#include <gtest/gtest.h>

#include "tests/unit/node/compose/compose_rig.h"

namespace flume::node {
namespace {

class FanOut : public testing::Test, protected ComposeRig {
 protected:
  FanOut() : ComposeRig(2) { sink = Build(registry).sink(plan(lang::Plan::Kind::kFanOut)); }
};

TEST_F(FanOut, GivesEveryRowToEveryBranchAndSettlesItOnce) {
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(append({"a", "b"}).taken, 2U);
  EXPECT_EQ(script[0]->rows, (Strings{"a", "b"}));
  EXPECT_EQ(script[1]->rows, (Strings{"a", "b"}));
  EXPECT_EQ(tracker->settled(), 2U);
  const AckCounts counts = tracker->counts();
  EXPECT_EQ(counts.expected_rows, 2U);
  EXPECT_EQ(counts.delivered_rows, 4U);
}

TEST_F(FanOut, IsSettledOnlyWhenTheSlowestBranchHasSettled) {
  script[1]->settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(tracker->settled(), 0U);
  ASSERT_TRUE(sink->flush(wait).ok());
  EXPECT_EQ(tracker->settled(), 1U);
}

TEST_F(FanOut, KeepsTheRestForABranchThatIsFullAndTakesNothingMoreMeanwhile) {
  ASSERT_TRUE(open().ok());
  const Status full(Code::kTimeout, "full");
  script[1]->appends = {{full, 1}, {full, 0}};
  EXPECT_EQ(append({"a", "b", "c"}).taken, 3U);
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
  const AppendResult refused = append({"d"});
  EXPECT_EQ(refused.taken, 0U);
  EXPECT_EQ(refused.status.code(), Code::kTimeout);
  EXPECT_EQ(script[0]->rows, (Strings{"a", "b", "c"}));
  EXPECT_EQ(world.metric("flume_rows_held"), 2);
  // The branch has room again: the rest goes there by itself when it is due.
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_LE(sink->due(), world.clock.now());
  ASSERT_TRUE(sink->tick(world.clock.now()).ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a", "b", "c"}));
  EXPECT_EQ(world.metric("flume_rows_held"), 0);
  EXPECT_EQ(sink->due(), TimePoint::max());
}

TEST_F(FanOut, TellsOfAFailedBranchAfterTheOthersWereFed) {
  ASSERT_TRUE(open().ok());
  script[0]->appends = {{Status(Code::kNoSpace, "disk full"), 0}};
  EXPECT_EQ(append({"a"}).taken, 1U);
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
  const Status told = sink->tick(world.clock.now());
  EXPECT_EQ(told.code(), Code::kNoSpace);
  EXPECT_EQ(told.message(), "disk full");
}

TEST_F(FanOut, RowsOfAFailedBranchAreNotDelivered) {
  ASSERT_TRUE(open().ok());
  script[0]->appends = {{Status(Code::kNoSpace, "disk full"), 0}};
  ASSERT_EQ(append({"a"}).taken, 1U);
  EXPECT_TRUE(sink->take_back().empty());
  EXPECT_TRUE(sink->close(wait).code() == Code::kNoSpace);
  EXPECT_EQ(tracker->settled(), 0U);
  EXPECT_TRUE(tracker->first_failed().has_value());
}

TEST_F(FanOut, ABranchThatDoesNotOpenClosesTheOthers) {
  script[1]->opens = {Status(Code::kPermission, "not yours")};
  EXPECT_EQ(open().message(), "not yours");
  EXPECT_FALSE(script[0]->is_open);
  EXPECT_EQ(script[0]->close_calls, 1);
}

TEST_F(FanOut, FlushAndCloseReachEveryBranchAndReportTheFirstFailure) {
  ASSERT_TRUE(open().ok());
  script[0]->flushes = {Status(Code::kIo, "first")};
  script[1]->flushes = {Status(Code::kIo, "second")};
  EXPECT_EQ(sink->flush(wait).message(), "first");
  EXPECT_TRUE(script[1]->flushes.empty());
  EXPECT_TRUE(sink->close(wait).ok());
  EXPECT_EQ(script[0]->close_calls + script[1]->close_calls, 2);
  EXPECT_TRUE(sink->close(wait).ok());
}

TEST_F(FanOut, CountsBalance) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a", "b", "c"}).status.ok());
  EXPECT_EQ(world.metric("flume_rows_in_total") + world.metric("flume_rows_added_total"),
            world.metric("flume_rows_out_total") + world.metric("flume_rows_held"));
  EXPECT_EQ(world.metric("flume_rows_out_total"), 6);
}

}  // namespace
}  // namespace flume::node

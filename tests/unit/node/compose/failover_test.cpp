#include <gtest/gtest.h>

#include "tests/unit/node/compose/compose_rig.h"

namespace flume::node {
namespace {

const Status kBroken(Code::kUnavailable, "connection refused");
constexpr char kDoubled[] = "flume_possibly_doubled_rows_total";

class Failover : public testing::Test, protected ComposeRig {
 protected:
  Failover() : ComposeRig(3) { sink = Build(registry).sink(plan(lang::Plan::Kind::kFailover)); }
  void after_any_pause() { world.clock.advance(std::chrono::minutes(2)); }
};

TEST_F(Failover, UsesTheFirstBranchAndOpensNoOther) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(script[0]->rows, (Strings{"a"}));
  EXPECT_EQ(script[1]->open_calls, 0);
}

TEST_F(Failover, OpensTheNextBranchWhenTheFirstDoesNotOpen) {
  script[0]->opens = {kBroken};
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
}

TEST_F(Failover, TheRestOfAFailedAppendGoesToTheNextBranch) {
  ASSERT_TRUE(open().ok());
  script[0]->appends = {{kBroken, 1}};
  EXPECT_EQ(append({"a", "b", "c"}).taken, 3U);
  EXPECT_EQ(script[0]->rows, (Strings{"a"}));
  EXPECT_EQ(script[1]->rows, (Strings{"b", "c"}));
  EXPECT_FALSE(script[0]->is_open);
  EXPECT_EQ(tracker->settled(), 3U);
  EXPECT_EQ(world.metric(kDoubled), 0) << "none was given back";
}

TEST_F(Failover, RowsThatTheFailedBranchHadNotSettledGoToTheNextOneFirst) {
  script[0]->settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  script[0]->appends = {{kBroken, 0}};
  ASSERT_TRUE(append({"b"}).status.ok());
  ASSERT_TRUE(sink->flush(wait).ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a", "b"}));
  EXPECT_EQ(tracker->settled(), 2U);
  EXPECT_EQ(tracker->counts().not_delivered_rows, 0U);
  EXPECT_EQ(world.metric(kDoubled), 1) << "only what the first may have sent";
}

TEST_F(Failover, AFailedFlushMovesTheRowsToTheNextBranch) {
  script[0]->settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  script[0]->flushes = {kBroken};
  ASSERT_TRUE(sink->flush(wait).ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
  EXPECT_EQ(tracker->settled(), 1U);
  EXPECT_EQ(world.metric(kDoubled), 1);
}

TEST_F(Failover, AFailedTickMovesTheRowsToTheNextBranch) {
  script[0]->settles = false;
  script[0]->due = TimePoint::min();
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  script[0]->ticks = {kBroken};
  ASSERT_TRUE(sink->tick(world.clock.now()).ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
}

TEST_F(Failover, LeavesAFailedBranchAloneForItsPauseThenPrefersItAgain) {
  ASSERT_TRUE(open().ok());
  script[0]->appends = {{kBroken, 0}};
  ASSERT_TRUE(append({"a"}).status.ok());
  ASSERT_TRUE(append({"b"}).status.ok());
  EXPECT_EQ(script[0]->open_calls, 1);
  after_any_pause();
  ASSERT_TRUE(append({"c"}).status.ok());
  EXPECT_EQ(script[0]->open_calls, 2);
  EXPECT_EQ(script[0]->rows, (Strings{"c"}));
  EXPECT_EQ(script[1]->rows, (Strings{"a", "b"}));
}

TEST_F(Failover, AFailedBackupIsOpenedAgainLater) {
  script[0]->opens = {kBroken, kBroken};
  script[1]->opens = {kBroken};
  ASSERT_TRUE(open().ok());  // the third works
  after_any_pause();
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
}

TEST_F(Failover, ThoseThatFailedLastAreTriedLastWhenItOpensAgain) {
  script[0]->opens = {kBroken, kBroken, kBroken};
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(sink->close(wait).ok());
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(script[0]->open_calls, 1);
  EXPECT_EQ(script[1]->open_calls, 2);
  ASSERT_TRUE(sink->close(wait).ok());
  script[1]->opens = {kBroken};
  script[2]->opens = {kBroken};
  script[0]->opens.clear();
  ASSERT_TRUE(open().ok()) << "when nothing else is left, one that rests is tried too";
  EXPECT_TRUE(script[0]->is_open);
}

TEST_F(Failover, ABranchThatDoesNotAnswerGetsItsShareOfTheTime) {
  const Status late(Code::kTimeout, "no answer in time");
  script[0]->opens = {late};
  script[1]->opens = {late};
  wait = Wait::for_duration(std::chrono::seconds(300));
  ASSERT_TRUE(open().ok());
  const auto seconds = [this](size_t i) {
    return std::chrono::round<std::chrono::seconds>(script[i]->open_wait).count();
  };
  EXPECT_EQ(seconds(0), 100);
  EXPECT_EQ(seconds(1), 150);
  EXPECT_EQ(seconds(2), 300);
}

TEST_F(Failover, ABranchThatComesBackHoldsUpTheFlowForASecondAtMost) {
  script[0]->opens = {kBroken};
  ASSERT_TRUE(open().ok());
  script[0]->opens = {Status(Code::kTimeout, "no answer in time")};
  after_any_pause();
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_LE(script[0]->open_wait, std::chrono::seconds(1));
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
}

TEST_F(Failover, OpensAnotherBranchBeforeRowsComeWhenNoneIsOpen) {
  script[0]->due = TimePoint::min();
  ASSERT_TRUE(open().ok());
  script[0]->ticks = {kBroken};
  script[1]->opens = {kBroken};
  ASSERT_TRUE(sink->tick(world.clock.now()).ok());
  EXPECT_TRUE(script[2]->is_open);
  EXPECT_EQ(sink->due(), TimePoint::max());
}

TEST_F(Failover, SaysInTickThatNothingWorks) {
  script[0]->due = TimePoint::min();
  ASSERT_TRUE(open().ok());
  script[0]->ticks = {kBroken};
  script[1]->opens = {kBroken};
  script[2]->opens = {kBroken};
  EXPECT_EQ(
      sink->tick(world.clock.now()).message(),
      "no branch works: branch 0: connection refused; branch 1: connection refused; branch 2: connection refused");
}

TEST_F(Failover, AStopIsNoFailureOfABranch) {
  ASSERT_TRUE(open().ok());
  script[0]->appends = {{kBroken, 0}};
  script[1]->opens = {Status(Code::kStopped, "stopped")};
  EXPECT_EQ(append({"a"}).status.code(), Code::kStopped);
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(script[1]->rows, (Strings{"a"}));
}

TEST_F(Failover, AFullBranchIsNoFailure) {
  ASSERT_TRUE(open().ok());
  script[0]->appends = {{Status(Code::kTimeout, "full"), 1}};
  const AppendResult result = append({"a", "b"});
  EXPECT_EQ(result.taken, 1U);
  EXPECT_EQ(result.status.code(), Code::kTimeout);
  EXPECT_TRUE(script[0]->is_open);
  EXPECT_TRUE(script[1]->rows.empty());
}

TEST_F(Failover, WhenNothingWorksEveryReasonIsSaidAndTheRowsAreGivenBack) {
  script[0]->settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  script[0]->appends = {{kBroken, 0}};
  script[1]->opens = {Status(Code::kUnavailable, "no route")};
  script[2]->opens = {Status(Code::kNoSpace, "disk full")};
  const AppendResult result = append({"b"});
  EXPECT_EQ(result.taken, 0U);
  EXPECT_EQ(result.status.code(), Code::kUnavailable);
  EXPECT_EQ(result.status.message(),
            "no branch works: branch 0: connection refused; branch 1: no route; branch 2: disk full");
  const auto back = sink->take_back();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].body(0), "a");
  EXPECT_EQ(world.metric(kDoubled), 0) << "nobody got it once more";
}

TEST_F(Failover, AnOpenOfWhichEveryBranchFailsClosesAll) {
  for (auto& each : script) {
    each->opens = {kBroken};
  }
  EXPECT_EQ(open().code(), Code::kUnavailable);
  EXPECT_TRUE(sink->close(wait).ok());
  EXPECT_EQ(script[0]->close_calls, 0);
}

}  // namespace
}  // namespace flume::node

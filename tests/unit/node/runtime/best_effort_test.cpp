#include "node/runtime/best_effort.h"

#include <gtest/gtest.h>

#include "tests/support/node_world.h"
#include "tests/support/scripted_sink.h"

namespace flume::node {
namespace {

using Strings = std::vector<std::string>;
const Status kBroken(Code::kUnavailable, "connection refused");
const AppendResult kFull{Status(Code::kTimeout, "takes nothing now"), 0};

class BestEffortTest : public testing::Test {
 protected:
  void build(Duration patience = 30s) {
    sink_ = std::make_unique<BestEffort>(std::make_unique<test::ScriptedSink>(script_), patience);
  }
  Status open() { return sink_->open(world_.context, Wait::for_duration(10s)); }
  AppendResult append(const Strings& bodies, const StopToken& stop = {}) {
    return sink_->append(test::rows_of(bodies, *tracker_, position_), Wait::for_duration(10s, stop));
  }
  void advance(Duration by) { world_.clock.advance(by); }
  uint64_t dropped(const std::string& reason) const {
    const AckCounts counts = tracker_->counts();
    const auto found = counts.dropped.find(reason);
    return found == counts.dropped.end() ? 0 : found->second.first;
  }
  // As the driver does: what failed is closed, and opened again later.
  void fail_for(Duration time) {
    for (Duration passed{}; passed < time; passed += 5s) {
      script_->opens = {kBroken};
      ASSERT_EQ(open().message(), "connection refused") << passed.count();
      advance(5s);
    }
  }

  test::NodeWorld world_;
  std::shared_ptr<test::SinkScript> script_ = std::make_shared<test::SinkScript>();
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
  uint64_t position_ = 0;
  std::unique_ptr<Sink> sink_;
};

TEST_F(BestEffortTest, PassesFailuresOnUntilItsPatienceEndsThenDrops) {
  build();
  fail_for(30s);
  script_->opens = {kBroken};
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(append({"a", "b"}).taken, 2U);
  EXPECT_EQ(dropped("unreachable"), 2U);
  EXPECT_TRUE(script_->rows.empty());
  EXPECT_TRUE(sink_->flush(Wait::for_duration(1s)).ok());
  EXPECT_TRUE(sink_->close(Wait::for_duration(1s)).ok());
  EXPECT_EQ(world_.metric("flume_rows_in_total"), 2);
  EXPECT_EQ(world_.metric("flume_rows_dropped_total"), 2);
}

TEST_F(BestEffortTest, ASinkThatIsBackInTimeLosesNothing) {
  build();
  fail_for(25s);
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  fail_for(25s);  // counts anew: rows went on
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"b"}).status.ok());
  EXPECT_EQ(script_->rows, (Strings{"a", "b"}));
}

TEST_F(BestEffortTest, TriesNowAndThenWhileItDropsAndSendsWhatComesLater) {
  build(0s);
  script_->opens = {kBroken, kBroken};
  ASSERT_TRUE(open().ok());
  append({"a"});
  EXPECT_EQ(script_->open_calls, 1) << "its pause is not over";
  advance(1s);
  EXPECT_LE(sink_->due(), world_.clock.now());
  append({"b"});
  EXPECT_EQ(script_->open_calls, 2);
  EXPECT_LE(script_->open_wait, 1s);
  advance(5s);
  ASSERT_TRUE(sink_->tick(world_.clock.now()).ok());
  EXPECT_TRUE(script_->is_open) << "without rows too";
  append({"c"});
  EXPECT_EQ(script_->rows, (Strings{"c"}));
  EXPECT_EQ(dropped("unreachable"), 2U);
}

TEST_F(BestEffortTest, AFailedAppendDropsTheRestOnceThereIsNoPatienceLeft) {
  build();
  ASSERT_TRUE(open().ok());
  script_->settles = false;
  append({"earlier"});
  script_->appends = {{kBroken, 0}};
  const AppendResult first = append({"a", "b"});
  EXPECT_EQ(first.status.message(), "connection refused");
  EXPECT_EQ(first.taken, 0U);
  EXPECT_TRUE(script_->is_open) << "the driver closes it";
  advance(30s);
  script_->appends = {{kBroken, 0}};
  EXPECT_TRUE(append({"a", "b"}).status.ok());
  EXPECT_FALSE(script_->is_open);
  EXPECT_EQ(dropped("unreachable"), 3U) << "with what the sink had not settled";
}

TEST_F(BestEffortTest, AFullSinkHoldsUpTheFlowForItsPatienceThenRowsAreDropped) {
  build();
  ASSERT_TRUE(open().ok());
  for (int seconds = 0; seconds < 30; seconds += 10) {
    script_->appends = {kFull};
    const AppendResult result = append({"a"});
    EXPECT_EQ(result.status.code(), Code::kTimeout) << seconds;
    EXPECT_EQ(result.taken, 0U);
    advance(10s);
  }
  EXPECT_EQ(dropped("slow"), 0U);
  script_->appends = {kFull, kFull, {Status(Code::kTimeout, "takes nothing now"), 1}, kFull};
  EXPECT_TRUE(append({"a"}).status.ok());
  advance(10ms);
  EXPECT_TRUE(append({"b"}).status.ok()) << "not for another thirty seconds";
  EXPECT_EQ(dropped("slow"), 2U);
  advance(10ms);
  EXPECT_EQ(append({"c", "d"}).taken, 1U) << "rows go on: there is patience again";
  EXPECT_EQ(append({"d"}).status.code(), Code::kTimeout);
  advance(1s);
  EXPECT_TRUE(append({"d"}).status.ok());
  EXPECT_EQ(script_->rows, (Strings{"c", "d"}));
  EXPECT_EQ(dropped("slow"), 2U);
  EXPECT_TRUE(script_->is_open);
}

TEST_F(BestEffortTest, ASlowSinkIsNotLetGoWhileRowsGoOn) {
  build();
  ASSERT_TRUE(open().ok());
  for (int i = 0; i < 10; ++i) {
    script_->appends = {{Status(Code::kTimeout, "takes nothing now"), 1}};
    EXPECT_EQ(append({"a", "b"}).taken, 1U);
    advance(25s);
  }
  EXPECT_EQ(dropped("slow"), 0U);
}

TEST_F(BestEffortTest, FailuresLongApartAreNoLongOutage) {
  build();
  script_->opens = {kBroken};
  EXPECT_FALSE(open().ok());
  advance(1h);
  script_->opens = {kBroken};
  EXPECT_FALSE(open().ok());
}

TEST_F(BestEffortTest, AnIdleLinkThatWorksForgivesItsFailures) {
  build();
  script_->due = TimePoint::min();
  fail_for(20s);
  ASSERT_TRUE(open().ok());
  advance(5s);
  ASSERT_TRUE(sink_->tick(world_.clock.now()).ok());
  advance(10s);
  script_->ticks = {kBroken};
  EXPECT_FALSE(sink_->tick(world_.clock.now()).ok()) << "passed on, nothing is let go";
}

TEST_F(BestEffortTest, AFailedTickOrFlushWithoutPatienceIsNoFailureOfTheFlow) {
  build(0s);
  ASSERT_TRUE(open().ok());
  script_->ticks = {kBroken};
  EXPECT_TRUE(sink_->tick(world_.clock.now()).ok());
  EXPECT_FALSE(script_->is_open);
  advance(5s);
  append({"a"});
  script_->flushes = {kBroken};
  EXPECT_TRUE(sink_->flush(Wait::for_duration(1s)).ok());
  EXPECT_FALSE(script_->is_open);
}

TEST_F(BestEffortTest, AStopDropsNothing) {
  build(0s);
  script_->opens = {kBroken, Status(Code::kStopped, "stopped")};
  ASSERT_TRUE(open().ok());
  StopSource stop;
  stop.request_stop();
  AppendResult result = append({"a"}, stop.token());
  EXPECT_EQ(result.status.code(), Code::kStopped);
  EXPECT_EQ(result.taken, 0U);
  script_->opens.clear();
  advance(5s);
  append({"a"});
  script_->appends = {{Status(Code::kStopped, "stopped"), 0}};
  result = append({"b"}, stop.token());
  EXPECT_EQ(result.taken, 0U);
  EXPECT_EQ(dropped("unreachable") + dropped("slow"), 0U);
}

}  // namespace
}  // namespace flume::node

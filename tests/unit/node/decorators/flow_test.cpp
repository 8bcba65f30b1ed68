// Decorators that hold up, leave out or refuse events.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

using test::numbered_events;

class FlowDecorators : public testing::Test, protected test::SinkRig {
 protected:
  void start(const std::string& text) {
    sink_ = build(text);
    ASSERT_TRUE(open(*sink_).ok());
  }
  std::vector<int64_t> kept_numbers() const {
    std::vector<int64_t> numbers;
    for (const Event& event : kept()) {
      numbers.push_back(event.nanos);
    }
    return numbers;
  }
  std::unique_ptr<Sink> sink_;
};

TEST_F(FlowDecorators, IntervalSamplerCountsOverBatchesAndDropsTheRest) {
  start("intervalSampler(10) keep");
  const std::vector<Event> events = numbered_events(31);
  ASSERT_EQ(sink_->append(issued({events.begin(), events.begin() + 14}), wait).taken, 14U);
  ASSERT_EQ(sink_->append(issued({events.begin() + 14, events.end()}), wait).taken, 17U);
  EXPECT_EQ(kept_numbers(), (std::vector<int64_t>{0, 10, 20, 30}));
  EXPECT_EQ(tracker->counts().dropped.at("sampled").first, 27U);
  EXPECT_EQ(tracker->settled(), 31U);
}

TEST_F(FlowDecorators, IntervalSamplerDoesNotCountRowsThatWereNotTaken) {
  start("intervalSampler(3) keep");
  below->appends = {{Status(Code::kUnavailable, "no"), 1}};
  const EventBatch batch = issued(numbered_events(9));
  const AppendResult first = sink_->append(batch, wait);
  EXPECT_EQ(first.taken, 3U);  // up to the row that the sink refused
  ASSERT_TRUE(sink_->append(batch.from(3), wait).status.ok());
  EXPECT_EQ(kept_numbers(), (std::vector<int64_t>{0, 3, 6}));
  EXPECT_EQ(tracker->settled(), 9U);
}

TEST_F(FlowDecorators, FlakeyAppendFailsRepeatablyAndLosesNothing) {
  start("flakeyAppend(0.2, 1337) keep");
  EventBatch batch = issued(numbered_events(31));
  int failures = 0;
  while (!batch.empty()) {
    const AppendResult result = sink_->append(batch, wait);
    if (!result.status.ok()) {
      EXPECT_EQ(result.status.to_string(), "unavailable: flakiness struck and caused a failure");
      ++failures;
    }
    batch = batch.from(result.taken);
  }
  EXPECT_EQ(failures, 8);  // the classic die, cast again for each row that failed
  EXPECT_EQ(kept().size(), 31U);
  EXPECT_EQ(tracker->settled(), 31U);
}

TEST_F(FlowDecorators, DelayHoldsEachEventUntilItsTime) {
  start("delay(1000) keep");
  const EventBatch batch = issued(numbered_events(2));
  const Wait no_time{TimePoint::min(), {}};
  EXPECT_EQ(sink_->append(batch, no_time).taken, 0U);
  world.clock.advance(std::chrono::milliseconds(999));
  const AppendResult early = sink_->append(batch, no_time);
  EXPECT_EQ(early.taken, 0U);
  EXPECT_EQ(early.status.to_string(), "timeout: delay: the time is not over yet");
  world.clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(sink_->append(batch, no_time).taken, 1U);
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(sink_->append(batch.from(1), no_time).taken, 1U);
  EXPECT_EQ(kept().size(), 2U);
}

TEST_F(FlowDecorators, DelayEndsWhenItIsStopped) {
  start("delay(3600000) keep");
  StopSource stop;
  const std::jthread stopper([&stop] { stop.request_stop(); });
  const AppendResult result = sink_->append(issued(numbered_events(1)), Wait{TimePoint::max(), stop.token()});
  EXPECT_EQ(result.taken, 0U);
  EXPECT_EQ(result.status.code(), Code::kStopped);
}

TEST_F(FlowDecorators, NullDecoPassesTheVeryBatch) {
  start("nullDeco keep");
  const EventBatch batch = issued(numbered_events(3));
  ASSERT_EQ(sink_->append(batch, wait).taken, 3U);
  EXPECT_EQ(below->taken[0].blob().data(), batch.blob().data());
}

}  // namespace
}  // namespace flume::node

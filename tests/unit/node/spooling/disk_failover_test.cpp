// Store on failure: straight while the sink works, through the log while it does not, in order.
#include "node/spooling/disk_failover_sink.h"

#include <gtest/gtest.h>

#include <poll.h>

#include "tests/support/sink_rig.h"
#include "tests/support/source_rows.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

using Strings = std::vector<std::string>;

class DiskFailover : public testing::Test {
 protected:
  void SetUp() override { rig_.world.context.state_folder = dir_.path(); }
  void TearDown() override { EXPECT_TRUE(sink_->close(rig_.wait).ok()); }

  std::unique_ptr<Sink> make(DiskFailoverSink::Order order) {
    return std::make_unique<DiskFailoverSink>(
        std::make_unique<test::ScriptedSink>(straight_),
        [this] { return std::make_unique<test::ScriptedSink>(from_log_); }, "a sink", order);
  }
  void append(uint64_t from, uint64_t to) { rows_.append_numbered(*sink_, from, to); }
  static std::vector<std::string> rows(uint64_t from, uint64_t to) {
    std::vector<std::string> all;
    for (uint64_t row = from; row < to; ++row) {
      all.push_back(str_cat("row ", row));
    }
    return all;
  }
  void after_any_pause() { rig_.world.clock.advance(std::chrono::minutes(2)); }
  // Rows 0 to 4 fail on their way and wait in a log whose sender gets nowhere; 5 to 9 come when the sink works again.
  void append_around_a_failure() {
    from_log_->opens.assign(1000, unavailable("nobody there"));
    ASSERT_TRUE(rig_.open(*sink_).ok());
    straight_->appends.push_back({unavailable("connection reset"), 0});
    append(0, 5);
    after_any_pause();
    append(5, 10);
    EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  }
  // Until the log has nothing more to send, and the sink goes straight again.
  void await_straight() {
    while (rig_.world.metric("flume_spooling") != 0) {
      rig_.world.clock.advance(std::chrono::milliseconds(10));
      EXPECT_TRUE(sink_->tick(rig_.world.clock.now()).ok());
      ::poll(nullptr, 0, 1);
    }
  }

  test::TempDir dir_;
  test::SinkRig rig_;
  test::SourceRows rows_{rig_};
  std::shared_ptr<test::SinkScript> straight_ = std::make_shared<test::SinkScript>();
  std::shared_ptr<test::SinkScript> from_log_ = std::make_shared<test::SinkScript>();
  std::unique_ptr<Sink> sink_ = make(DiskFailoverSink::Order::kKept);
};

TEST_F(DiskFailover, RowsGoStraightWhileTheSinkWorks) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  append(0, 10);
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(straight_->rows, rows(0, 10));
  EXPECT_TRUE(from_log_->rows.empty());
  EXPECT_EQ(rig_.tracker->settled(), 10U);
}

TEST_F(DiskFailover, WhatWasNotConfirmedComesFirstThenAllThatFollows) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  append(0, 5);
  straight_->settles = false;  // on their way, not confirmed
  append(5, 8);
  straight_->appends.push_back({unavailable("connection reset"), 0});
  append(8, 12);
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(rig_.tracker->settled(), 12U);
  straight_->settles = true;
  await_straight();
  EXPECT_EQ(from_log_->rows, rows(5, 12));
  append(12, 14);
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(straight_->rows.back(), "row 13");
  EXPECT_EQ(rig_.tracker->counts().not_delivered_rows, 0U);
}

TEST_F(DiskFailover, ASinkThatCannotBeOpenedIsNoReasonNotToTakeRows) {
  straight_->opens.assign(1000, unavailable("nobody there"));
  from_log_->opens.assign(1000, unavailable("nobody there"));
  ASSERT_TRUE(rig_.open(*sink_).ok());
  append(0, 10);
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(rig_.tracker->settled(), 10U);
  EXPECT_TRUE(straight_->rows.empty());
}

TEST_F(DiskFailover, RowsInTheLogAreSentAfterARestart) {
  straight_->opens.assign(1000, unavailable("nobody there"));
  from_log_->opens.assign(1000, unavailable("nobody there"));
  ASSERT_TRUE(rig_.open(*sink_).ok());
  append(0, 10);
  EXPECT_TRUE(sink_->close(rig_.wait).ok());
  straight_->opens.clear();
  from_log_->opens.clear();
  ASSERT_TRUE(rig_.open(*sink_).ok());
  await_straight();
  EXPECT_EQ(from_log_->rows, rows(0, 10));
}

TEST_F(DiskFailover, AFailureThatATickFindsSpoolsWhatWasOnItsWay) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  straight_->settles = false;
  append(0, 3);
  straight_->ticks.push_back(unavailable("silent for 15 s"));
  straight_->due = TimePoint::min();
  EXPECT_TRUE(sink_->tick(rig_.world.clock.now()).ok());
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(rig_.tracker->settled(), 3U);
}

TEST_F(DiskFailover, NewRowsWaitBehindThoseInTheLog) {
  ASSERT_NO_FATAL_FAILURE(append_around_a_failure());
  EXPECT_TRUE(straight_->rows.empty());
  EXPECT_EQ(rig_.tracker->settled(), 10U);
}

TEST_F(DiskFailover, WhereOrderIsNotKeptNewRowsGoStraightBesideTheLog) {
  sink_ = make(DiskFailoverSink::Order::kNotKept);
  ASSERT_NO_FATAL_FAILURE(append_around_a_failure());
  EXPECT_EQ(straight_->rows, rows(5, 10));
  EXPECT_EQ(rig_.world.metric("flume_spooling"), 0);
  EXPECT_EQ(rig_.tracker->settled(), 10U);
  EXPECT_TRUE(sink_->close(rig_.wait).ok());
  from_log_->opens.clear();
  ASSERT_TRUE(rig_.open(*sink_).ok());
  EXPECT_TRUE(sink_->close(rig_.wait).ok()) << "a moment for the log's sender";
  EXPECT_EQ(from_log_->rows, rows(0, 5));
}

TEST_F(DiskFailover, RowsThatNeverPauseGoStraightAgainToo) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  straight_->appends.push_back({unavailable("connection reset"), 0});
  uint64_t row = 0;
  do {
    ASSERT_LT(row, 20'000U) << "looked 200 times";
    append(row, row + 1);
    ++row;
    rig_.world.clock.advance(std::chrono::milliseconds(1));
  } while (straight_->rows.empty());
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  Strings all = from_log_->rows;
  all.insert(all.end(), straight_->rows.begin(), straight_->rows.end());
  EXPECT_EQ(all, rows(0, row));
}

TEST_F(DiskFailover, ASinkThatFailedIsLeftAloneForItsPause) {
  sink_ = make(DiskFailoverSink::Order::kNotKept);
  ASSERT_TRUE(rig_.open(*sink_).ok());
  straight_->appends.push_back({unavailable("connection reset"), 0});
  append(0, 5);
  for (int i = 0; i < 5; ++i) {  // not a whole second in all
    rig_.world.clock.advance(std::chrono::milliseconds(150));
    EXPECT_TRUE(sink_->tick(rig_.world.clock.now()).ok());
  }
  EXPECT_EQ(straight_->open_calls, 1);
  after_any_pause();
  EXPECT_TRUE(sink_->tick(rig_.world.clock.now()).ok());
  EXPECT_EQ(straight_->open_calls, 2);
}

// < first ? diskFailover keep >, as it is built from text.
class SpoolingFailover : public testing::Test {
 protected:
  SpoolingFailover() {
    rig_.world.context.state_folder = dir_.path();
    lang::ComponentSpec spec{.name = "first", .summary = "The preferred one."};
    spec.examples = {{"first", "For tests."}};
    rig_.registry.add_sink(std::move(spec), [made = first_](const lang::Plan&, const Build&) -> std::unique_ptr<Sink> {
      return std::make_unique<test::ScriptedSink>(made);
    });
  }
  // The first branch fails once, and is back before rows 5 to 9 come; what the log holds cannot be sent yet.
  void run(const std::string& text) {
    rig_.below->opens.assign(1000, unavailable("nobody there"));
    const std::unique_ptr<Sink> sink = rig_.build(text);
    ASSERT_TRUE(rig_.open(*sink).ok());
    first_->appends.push_back({unavailable("connection reset"), 0});
    rows_.append_numbered(*sink, 0, 5);
    rig_.world.clock.advance(std::chrono::minutes(2));
    rows_.append_numbered(*sink, 5, 10);
    EXPECT_TRUE(sink->flush(rig_.wait).ok());
    EXPECT_TRUE(sink->close(rig_.wait).ok());
    EXPECT_EQ(rig_.tracker->settled(), 10U);
  }

  test::TempDir dir_;
  test::SinkRig rig_;
  test::SourceRows rows_{rig_};
  std::shared_ptr<test::SinkScript> first_ = std::make_shared<test::SinkScript>();
};

TEST_F(SpoolingFailover, NewRowsWaitBehindThoseInTheLog) {
  run("< first ? diskFailover keep >");
  EXPECT_TRUE(first_->rows.empty());
}

TEST_F(SpoolingFailover, SoTheyDoBehindSeveralBranches) {
  run("< fail(\"never\") ? first ? diskFailover keep >");
  EXPECT_TRUE(first_->rows.empty());
}

TEST_F(SpoolingFailover, WhereOrderIsNotKeptTheyGoToTheFirstBranchAgain) {
  run("< first ? diskFailover(ordered=false) keep >");
  EXPECT_EQ(first_->rows.size(), 5U);
}

}  // namespace
}  // namespace flume::node

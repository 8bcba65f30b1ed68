// Store on failure: straight while the sink works, through the log while it does not, in order.
#include "node/spooling/disk_failover_sink.h"

#include <gtest/gtest.h>

#include <poll.h>

#include "tests/support/sink_rig.h"
#include "tests/support/source_rows.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

class DiskFailover : public testing::Test {
 protected:
  void SetUp() override { rig_.world.context.state_folder = dir_.path(); }
  void TearDown() override { EXPECT_TRUE(sink_->close(rig_.wait).ok()); }

  // The first sink that is made is the one for rows that go straight, the others are the log's.
  std::unique_ptr<Sink> make() {
    const bool first = !std::exchange(made_, true);
    return std::make_unique<test::ScriptedSink>(first ? straight_ : from_log_);
  }
  void append(uint64_t from, uint64_t to) { rows_.append_numbered(*sink_, from, to); }
  static std::vector<std::string> rows(uint64_t from, uint64_t to) {
    std::vector<std::string> all;
    for (uint64_t row = from; row < to; ++row) {
      all.push_back(str_cat("row ", row));
    }
    return all;
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
  bool made_ = false;
  std::shared_ptr<test::SinkScript> straight_ = std::make_shared<test::SinkScript>();
  std::shared_ptr<test::SinkScript> from_log_ = std::make_shared<test::SinkScript>();
  std::unique_ptr<Sink> sink_ = std::make_unique<DiskFailoverSink>([this] { return make(); }, "a sink");
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

}  // namespace
}  // namespace flume::node

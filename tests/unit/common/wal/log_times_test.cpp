#include "common/wal/log_times.h"

#include <gtest/gtest.h>

namespace flume::wal {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class LogTimesTest : public testing::Test {
 protected:
  // `rows` more are synced now.
  void sync(uint64_t rows) {
    synced_ += rows;
    times_.synced(synced_, clock_.now(), clock_.wall_millis());
  }
  void acknowledge(uint64_t below) { times_.acknowledged(below, clock_.now()); }
  AckTimes acks() { return times_.acks(clock_.now()); }

  ManualClock clock_{1000};
  LogTimes times_;
  uint64_t synced_ = 0;
};

TEST_F(LogTimesTest, RowsAreCountedByHowLongTheyWaited) {
  sync(10);
  clock_.advance(milliseconds(3));
  sync(5);
  clock_.advance(milliseconds(3));
  acknowledge(12);
  EXPECT_EQ(acks().total, 12U);
  EXPECT_EQ(acks().rows[3], 10U) << "6 ms: at most 10";
  EXPECT_EQ(acks().rows[2], 2U) << "3 ms: at most 5";
  EXPECT_DOUBLE_EQ(acks().sum_seconds, 10 * 0.006 + 2 * 0.003);
  acknowledge(12);
  acknowledge(15);
  EXPECT_EQ(acks().total, 15U);
}

TEST_F(LogTimesTest, TheOldestRowThatWaitsHasTheLogsAge) {
  EXPECT_EQ(times_.oldest_millis(), 0);
  sync(2);
  clock_.advance(milliseconds(10));
  sync(2);
  EXPECT_EQ(times_.oldest_millis(), 1000);
  acknowledge(1);
  EXPECT_EQ(times_.oldest_millis(), 1000);
  acknowledge(2);
  EXPECT_EQ(times_.oldest_millis(), 1010);
  acknowledge(4);
  EXPECT_EQ(times_.oldest_millis(), 0);
}

TEST_F(LogTimesTest, RowsThatWereFoundHaveAnAgeAndNoWaitingTime) {
  times_.found(100, 110, 7);
  synced_ = 110;
  EXPECT_EQ(times_.oldest_millis(), 7);
  clock_.advance(minutes(1));
  sync(1);
  acknowledge(111);
  EXPECT_EQ(acks().total, 1U);
  EXPECT_EQ(times_.oldest_millis(), 0);
}

TEST_F(LogTimesTest, QuantilesAreOfTheLastMinutes) {
  EXPECT_FALSE(acks().median);
  sync(98);
  clock_.advance(milliseconds(4));
  acknowledge(98);
  sync(2);
  clock_.advance(milliseconds(400));
  acknowledge(100);
  EXPECT_GT(*acks().median, milliseconds(2));
  EXPECT_LE(*acks().median, milliseconds(5));
  EXPECT_GT(*acks().p99, milliseconds(250));
  EXPECT_LE(*acks().p99, milliseconds(500));
  clock_.advance(minutes(2));
  EXPECT_FALSE(acks().median);
  EXPECT_EQ(acks().total, 100U) << "the histogram is of all";
}

TEST_F(LogTimesTest, ManyGroupsTakeBoundedMemoryAndNoRowIsForgotten) {
  for (int i = 0; i < 100'000; ++i) {
    sync(1);
    clock_.advance(milliseconds(1));
  }
  EXPECT_EQ(times_.oldest_millis(), 1000);
  acknowledge(100'000);
  EXPECT_EQ(acks().total, 100'000U);
  EXPECT_EQ(times_.oldest_millis(), 0);
}

}  // namespace
}  // namespace flume::wal

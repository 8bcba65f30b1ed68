#include "common/base/clock.h"

#include <gtest/gtest.h>

#include "common/base/thread.h"
#include "common/base/units.h"

namespace flume {
namespace {

TEST(ManualClock, MovesOnlyWhenMoved) {
  ManualClock clock(1000);
  const TimePoint start = clock.now();
  clock.advance(250ms);
  EXPECT_EQ(clock.now() - start, 250ms);
  EXPECT_EQ(clock.wall_millis(), 1250);
}

TEST(ManualClock, AJumpOfTheWallLeavesSteadyTimeAlone) {
  ManualClock clock(1000);
  const TimePoint start = clock.now();
  clock.set_wall_millis(5);
  EXPECT_EQ(clock.now(), start);
  EXPECT_EQ(clock.wall_millis(), 5);
}

TEST(SystemClock, SteadyTimeDoesNotGoBack) {
  SystemClock clock;
  const TimePoint first = clock.now();
  EXPECT_GE(clock.now(), first);
  EXPECT_GT(clock.wall_millis(), 1'600'000'000'000);
}

TEST(Thread, ShowsItsNameWhileItRuns) {
  std::vector<std::string> seen;
  Thread thread("driver-with-a-long-name", [&] { seen = Thread::names(); });
  thread.join();
  EXPECT_EQ(seen, std::vector<std::string>{"driver-with-a-long-name"});
  EXPECT_TRUE(Thread::names().empty());
}

}  // namespace
}  // namespace flume

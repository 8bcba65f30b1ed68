#include "common/base/channel.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/thread.h"

namespace flume {
namespace {

Wait no_wait() { return {TimePoint::min(), {}}; }

bool push(Channel<std::string>& channel, std::string text, uint64_t rows = 1) {
  const uint64_t bytes = text.size();
  return channel.try_push(text, bytes, rows);
}

TEST(Channel, TakesExactlyAsManyBytesAsItsLimitAndRefusesTheNext) {
  Channel<std::string> channel({10, 100}, nullptr);
  EXPECT_TRUE(push(channel, "12345"));
  EXPECT_TRUE(push(channel, "12345"));
  EXPECT_FALSE(push(channel, "1"));
  EXPECT_EQ(channel.bytes(), 10U);
}

TEST(Channel, LimitsRowsToo) {
  Channel<std::string> channel({1000, 5}, nullptr);
  EXPECT_TRUE(push(channel, "a", 5));
  EXPECT_FALSE(push(channel, "b", 1));
}

TEST(Channel, ARefusedItemIsUntouched) {
  Channel<std::string> channel({1, 100}, nullptr);
  std::string first = "x", second = "kept";
  ASSERT_TRUE(channel.try_push(first, 1, 1));
  ASSERT_FALSE(channel.try_push(second, 4, 1));
  EXPECT_EQ(second, "kept");
}

TEST(Channel, AnItemLargerThanTheLimitPassesAnEmptyChannel) {
  Channel<std::string> channel({4, 100}, nullptr);
  EXPECT_TRUE(push(channel, "larger than four"));
  EXPECT_EQ(channel.pop(no_wait()), "larger than four");
}

TEST(Channel, SaysOnceThatThereIsRoomWhenHalfIsFreeAfterARefusal) {
  int told = 0;
  Channel<std::string> channel({4, 100}, [&told] { ++told; });
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(push(channel, "x"));
  }
  ASSERT_FALSE(push(channel, "x"));
  channel.pop(no_wait());
  EXPECT_EQ(told, 0);
  channel.pop(no_wait());
  EXPECT_EQ(told, 1);
  channel.pop(no_wait());
  channel.pop(no_wait());
  EXPECT_EQ(told, 1);
}

TEST(Channel, KeepsOrderAndWakesAWaitingConsumer) {
  Channel<int> channel({1 << 20, 1 << 20}, nullptr);
  int sum = 0, last = -1;
  Thread consumer("consumer", [&] {
    for (int i = 0; i < 1000; ++i) {
      const auto item = channel.pop(Wait{});
      ASSERT_TRUE(item.has_value());
      ASSERT_EQ(*item, last + 1);
      last = *item;
      sum += *item;
    }
  });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(channel.try_push(i, 1, 1));
  }
  consumer.join();
  EXPECT_EQ(sum, 499500);
}

TEST(Channel, GivesWhatIsInsideAfterItWasClosedAndThenNothing) {
  Channel<std::string> channel({100, 100}, nullptr);
  ASSERT_TRUE(push(channel, "inside"));
  channel.close();
  EXPECT_FALSE(push(channel, "late"));
  EXPECT_EQ(channel.pop(Wait{}), "inside");
  EXPECT_EQ(channel.pop(Wait{}), std::nullopt);
}

TEST(Channel, StopEndsAWait) {
  Channel<std::string> channel({100, 100}, nullptr);
  StopSource stop;
  stop.request_stop();
  EXPECT_EQ(channel.pop(Wait{TimePoint::max(), stop.token()}), std::nullopt);
}

}  // namespace
}  // namespace flume

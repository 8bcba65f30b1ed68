#include "common/base/stop.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "common/base/sync.h"
#include "common/base/units.h"

namespace flume {
namespace {

TEST(Stop, WakesAConditionVariable) {
  StopSource source;
  Mutex mutex;
  CondVar never_notified;
  std::thread waiter([&] {
    const MutexLock lock(mutex);
    const Wait wait{TimePoint::max(), source.token()};
    while (never_notified.wait(mutex, wait)) {
    }
  });
  source.request_stop();
  waiter.join();
}

TEST(Stop, MakesTheDescriptorReadable) {
  StopSource source;
  pollfd poll_fd{source.token().fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&poll_fd, 1, 0), 0);
  source.request_stop();
  EXPECT_EQ(::poll(&poll_fd, 1, -1), 1);
}

TEST(Stop, RunsACallbackOnceAlsoWhenAlreadyStopped) {
  StopSource source;
  int calls = 0;
  const StopCallback before(source.token(), [&] { ++calls; });
  source.request_stop();
  source.request_stop();
  const StopCallback after(source.token(), [&] { ++calls; });
  EXPECT_EQ(calls, 2);
}

TEST(Stop, ATokenWithoutSourceIsNeverStopped) {
  const StopToken token;
  EXPECT_FALSE(token.stop_requested());
  EXPECT_EQ(token.fd(), -1);
}

TEST(Wait, ANotificationEndsIt) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    const MutexLock lock(mutex);
    ready = true;
    changed.notify_all();
  });
  {
    const MutexLock lock(mutex);
    while (!ready && changed.wait(mutex, Wait{})) {
    }
    EXPECT_TRUE(ready);
  }
  other.join();
}

TEST(Wait, ADeadlineInThePastIsOverAtOnce) {
  const Wait wait{TimePoint(1s), {}};
  EXPECT_TRUE(wait.over());
  EXPECT_EQ(wait.poll_millis(), 0);
  EXPECT_EQ(Wait{}.poll_millis(), -1);
  EXPECT_EQ((Wait{TimePoint::min(), {}}).poll_millis(), 0);
}

}  // namespace
}  // namespace flume

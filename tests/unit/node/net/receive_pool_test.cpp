#include "node/net/receive_pool.h"

#include <gtest/gtest.h>

namespace flume::node {
namespace {

TEST(ReceivePool, RefusesWhatTheBudgetDoesNotHoldAndSaysWhenThereIsRoom) {
  int told = 0;
  const auto pool = ReceivePool::create(1 << 20, [&told] { ++told; });
  auto half = pool->take(512 << 10);
  auto other = pool->take(512 << 10);
  ASSERT_TRUE(half && other);
  EXPECT_EQ(pool->take(1), nullptr);
  EXPECT_EQ(told, 0);
  half.reset();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(pool->take(512 << 10));
}

TEST(ReceivePool, GrantsOneBufferOfAnySizeWhenNothingIsOut) {
  const auto pool = ReceivePool::create(1000, [] {});
  const auto large = pool->take(1 << 20);
  ASSERT_TRUE(large);
  EXPECT_EQ(pool->take(1), nullptr);
}

TEST(ReceivePool, RecyclesTheLastReturnedBuffer) {
  const auto pool = ReceivePool::create(64 << 20, [] {});
  auto first = pool->take(256 << 10);
  const char* address = first.get();
  first.reset();
  EXPECT_EQ(pool->used(), 0);
  const auto second = pool->take((256 << 10) - 7);
  EXPECT_EQ(second.get(), address);
}

TEST(ReceivePool, BuffersAreAlignedAndOutliveTheirOwner) {
  auto pool = ReceivePool::create(64 << 20, [] {});
  auto small = pool->take(33);
  auto large = pool->take(300'000);
  pool.reset();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(small.get()) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large.get()) % 64, 0U);
  large[299'999] = 'x';
}

}  // namespace
}  // namespace flume::node

#include "common/base/java_random.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

// First values of the reference implementation for seed 42.
TEST(JavaRandom, GivesTheReferenceSequence) {
  JavaRandom ints(42);
  EXPECT_EQ(static_cast<int32_t>(ints.next(32)), -1170105035);
  EXPECT_EQ(static_cast<int32_t>(ints.next(32)), 234785527);
  JavaRandom doubles(42);
  EXPECT_DOUBLE_EQ(doubles.next_double(), 0.7275636800328681);
}

}  // namespace
}  // namespace flume

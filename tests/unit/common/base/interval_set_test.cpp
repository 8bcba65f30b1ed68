#include "common/base/interval_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <random>

namespace flume {
namespace {

using Parts = std::vector<Interval>;

TEST(IntervalSet, JoinsWhatTouches) {
  IntervalSet set;
  set.add(10, 20);
  set.add(30, 40);
  EXPECT_EQ(set.intervals(), (Parts{{10, 20}, {30, 40}}));
  set.add(20, 30);
  EXPECT_EQ(set.intervals(), (Parts{{10, 40}}));
  set.add(40, 41);
  set.add(9, 10);
  EXPECT_EQ(set.intervals(), (Parts{{9, 41}}));
  set.add(0, 100);
  EXPECT_EQ(set.intervals(), (Parts{{0, 100}}));
}

TEST(IntervalSet, RemovesFromTheMiddle) {
  IntervalSet set;
  set.add(0, 10);
  set.remove(4, 6);
  EXPECT_EQ(set.intervals(), (Parts{{0, 4}, {6, 10}}));
  set.remove(3, 7);
  EXPECT_EQ(set.intervals(), (Parts{{0, 3}, {7, 10}}));
  set.remove(0, 3);
  set.remove(20, 30);
  EXPECT_EQ(set.intervals(), (Parts{{7, 10}}));
  EXPECT_EQ(set.top(), 10U);
  set.remove(0, UINT64_MAX);
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.top(), 0U);
}

TEST(IntervalSet, TellsWhatIsMissing) {
  IntervalSet set;
  EXPECT_EQ(set.missing(3, 5), (Parts{{3, 5}}));
  set.add(10, 20);
  set.add(30, 40);
  EXPECT_EQ(set.missing(0, 50), (Parts{{0, 10}, {20, 30}, {40, 50}}));
  EXPECT_EQ(set.missing(12, 35), (Parts{{20, 30}}));
  EXPECT_EQ(set.missing(15, 18), Parts{});
  EXPECT_EQ(set.missing(20, 30), (Parts{{20, 30}}));
  EXPECT_EQ(set.missing(5, 5), Parts{});
}

TEST(IntervalSet, HasNothingOfAnEmptyInterval) {
  IntervalSet set;
  set.add(5, 5);
  set.add(7, 3);
  EXPECT_TRUE(set.empty());
  set.add(0, 10);
  set.remove(5, 5);
  set.remove(8, 2);
  EXPECT_EQ(set.size(), 1U);
  EXPECT_TRUE(set.covers(50, 50));
  EXPECT_FALSE(set.overlaps(5, 5));
}

TEST(IntervalSet, GoesToTheTopOfTheNumbers) {
  IntervalSet set;
  set.add(UINT64_MAX - 1, UINT64_MAX);
  EXPECT_TRUE(set.covers(UINT64_MAX - 1, UINT64_MAX));
  EXPECT_FALSE(set.overlaps(0, UINT64_MAX - 1));
  EXPECT_EQ(set.missing(0, UINT64_MAX), (Parts{{0, UINT64_MAX - 1}}));
}

// Against a set of bits.
TEST(IntervalSet, IsASetOfNumbers) {
  constexpr size_t kNumbers = 64;
  std::mt19937_64 random(20260707);  // NOLINT: repeatable
  for (int round = 0; round < 300; ++round) {
    IntervalSet set;
    std::bitset<kNumbers> naive;
    for (int step = 0; step < 40; ++step) {
      const uint64_t first = random() % kNumbers;
      const uint64_t below = std::min<uint64_t>(kNumbers, first + random() % 12);
      const bool adds = random() % 3 != 0;
      adds ? set.add(first, below) : set.remove(first, below);
      for (uint64_t number = first; number < below; ++number) {
        naive[number] = adds;
      }
      std::bitset<kNumbers> seen;
      uint64_t last = 0;
      for (size_t i = 0; i < set.size(); ++i) {
        const Interval part = set.intervals()[i];
        ASSERT_TRUE(part.first < part.below && (i == 0 || part.first > last)) << "in order, apart, not empty";
        last = part.below;
        for (uint64_t number = part.first; number < part.below; ++number) {
          seen[number] = true;
        }
      }
      ASSERT_EQ(seen, naive);
      const uint64_t from = random() % kNumbers;
      const uint64_t to = std::min<uint64_t>(kNumbers, from + random() % 12);
      bool all = true;
      bool some = false;
      std::bitset<kNumbers> gaps;
      for (uint64_t number = from; number < to; ++number) {
        all = all && naive[number];
        some = some || naive[number];
        gaps[number] = !naive[number];
      }
      EXPECT_EQ(set.covers(from, to), all);
      EXPECT_EQ(set.overlaps(from, to), some);
      for (const Interval gap : set.missing(from, to)) {
        for (uint64_t number = gap.first; number < gap.below; ++number) {
          ASSERT_TRUE(gaps[number]);
          gaps[number] = false;
        }
      }
      EXPECT_TRUE(gaps.none()) << "something missing was not told";
    }
  }
}

}  // namespace
}  // namespace flume

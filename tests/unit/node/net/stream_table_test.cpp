#include "node/net/stream_table.h"

#include <gtest/gtest.h>

namespace flume::node {

bool operator==(const StreamTable::Part& a, const StreamTable::Part& b) {
  return a.known == b.known && a.first == b.first && a.below == b.below;
}

namespace {

using Known = StreamTable::Known;
using Parts = std::vector<StreamTable::Part>;

class StreamTableTest : public testing::Test {
 protected:
  Parts claim(uint64_t first, uint64_t below) { return table_.claim(stream_, first, below, this); }

  StreamTable table_;
  const Id128 stream_ = random_id();
};

TEST_F(StreamTableTest, RowsAreNewOnceThenUnderWayThenDurable) {
  EXPECT_EQ(claim(0, 10), (Parts{{Known::kNew, 0, 10}}));
  EXPECT_EQ(claim(0, 10), (Parts{{Known::kUnderWay, 0, 10}}));
  table_.settled(stream_, 0, 10);
  EXPECT_EQ(claim(0, 10), (Parts{{Known::kDurable, 0, 10}}));
}

TEST_F(StreamTableTest, ARangeIsCutWhereWhatIsKnownChanges) {
  claim(2, 4);
  claim(6, 8);
  table_.settled(stream_, 6, 8);
  EXPECT_EQ(claim(0, 10), (Parts{{Known::kNew, 0, 2},
                                 {Known::kUnderWay, 2, 4},
                                 {Known::kNew, 4, 6},
                                 {Known::kDurable, 6, 8},
                                 {Known::kNew, 8, 10}}));
}

TEST_F(StreamTableTest, ForgottenRowsAreNewAgainAndAClaimMayBeForgottenInPart) {
  claim(0, 10);
  table_.forget(stream_, 3, 6);
  EXPECT_EQ(claim(0, 10), (Parts{{Known::kUnderWay, 0, 3}, {Known::kNew, 3, 6}, {Known::kUnderWay, 6, 10}}));
}

TEST_F(StreamTableTest, AnotherOwnersRowsAreElsewhere) {
  claim(0, 5);
  int other = 0;
  EXPECT_EQ(table_.claim(stream_, 0, 7, &other), (Parts{{Known::kElsewhere, 0, 5}, {Known::kNew, 5, 7}}));
}

TEST_F(StreamTableTest, StreamsAreApart) {
  claim(0, 5);
  EXPECT_EQ(table_.claim(random_id(), 0, 5, this), (Parts{{Known::kNew, 0, 5}}));
}

TEST(StreamTable, ForgetsTheStreamTouchedLongestAgoButNoneWithRowsUnderWay) {
  StreamTable table(2);
  const Id128 busy = random_id();
  const Id128 quiet = random_id();
  table.claim(busy, 0, 1, nullptr);
  table.claim(quiet, 0, 1, nullptr);
  table.settled(quiet, 0, 1);
  table.claim(random_id(), 0, 1, nullptr);
  EXPECT_EQ(table.claim(busy, 0, 1, nullptr), (Parts{{Known::kUnderWay, 0, 1}}));
  EXPECT_EQ(table.claim(quiet, 0, 1, nullptr), (Parts{{Known::kNew, 0, 1}}));
}

}  // namespace
}  // namespace flume::node

#include "node/runtime/positions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

using testing::ElementsAre;
using testing::Pair;

class PositionsTest : public testing::Test {
 protected:
  void TearDown() override { disarm_faults(); }
  std::unique_ptr<Positions> open() const { return std::move(Positions::open(file_)).value(); }
  std::string bytes() const { return test::contents_of(file_); }

  test::TempDir dir_;
  const std::string file_ = dir_ / "node/positions";
};

TEST_F(PositionsTest, KeepsWhatWasSynced) {
  {
    const auto positions = open();
    positions->set("a/1", "one");
    positions->set("a/2", std::string("\0\n", 2));
    positions->set("b", "other");
    positions->set("gone", "x");
    ASSERT_TRUE(positions->sync().ok());
    positions->erase("gone");
    positions->set("a/1", "uno");
    ASSERT_TRUE(positions->sync().ok());
    positions->set("a/3", "never synced");
  }
  const auto positions = open();
  EXPECT_THAT(positions->list("a/"), ElementsAre(Pair("a/1", "uno"), Pair("a/2", std::string("\0\n", 2))));
  EXPECT_EQ(positions->find("b"), "other");
  EXPECT_EQ(positions->find("gone"), std::nullopt);
}

TEST_F(PositionsTest, InMemoryOnesForget) {
  const auto positions = Positions::in_memory();
  positions->set("a", "1");
  EXPECT_TRUE(positions->sync().ok());
  EXPECT_EQ(positions->find("a"), "1");
}

TEST_F(PositionsTest, WritesNothingWhenNothingChanged) {
  const auto positions = open();
  positions->set("a", "1");
  ASSERT_TRUE(positions->sync().ok());
  positions->set("a", "1");
  arm_fault("io.write", Status(Code::kIo, "written"));
  EXPECT_TRUE(positions->sync().ok());
}

TEST_F(PositionsTest, ATailCutAtAnyByteIsTheEnd) {
  {
    const auto positions = open();
    positions->set("a", "1");
    ASSERT_TRUE(positions->sync().ok());
  }
  const size_t first = bytes().size();
  {
    const auto positions = open();
    positions->set("b", "2");
    ASSERT_TRUE(positions->sync().ok());
  }
  const std::string whole = bytes();
  for (size_t length = first; length < whole.size(); ++length) {
    test::write_file(file_, whole.substr(0, length));
    {
      const auto positions = open();
      EXPECT_EQ(positions->find("a"), "1");
      EXPECT_EQ(positions->find("b"), std::nullopt);
      positions->set("c", "3");
      ASSERT_TRUE(positions->sync().ok());
    }
    EXPECT_EQ(open()->find("c"), "3") << "after a tail cut to " << length << " bytes";
  }
}

TEST_F(PositionsTest, ADamagedByteCostsOneRecordAndTheFileIsSetAside) {
  {
    const auto positions = open();
    for (const char* key : {"a", "b", "c"}) {
      positions->set(key, "value");
      ASSERT_TRUE(positions->sync().ok());
    }
  }
  const std::string whole = bytes();
  const size_t record = (whole.size() - 4) / 3;
  std::string damaged = whole;
  damaged[4 + record + 13] ^= 1;
  test::write_file(file_, damaged);
  EXPECT_THAT(open()->list(""), ElementsAre(Pair("a", "value"), Pair("c", "value")));
  EXPECT_EQ(test::contents_of(file_ + ".damaged"), damaged);
  EXPECT_THAT(open()->list(""), ElementsAre(Pair("a", "value"), Pair("c", "value")));
}

TEST_F(PositionsTest, ADamagedStartSetsTheFileAsideToo) {
  test::write_file(dir_ / "positions", "what is this?");
  const auto positions = std::move(Positions::open(dir_ / "positions")).value();
  EXPECT_TRUE(positions->list("").empty());
  EXPECT_EQ(test::contents_of(dir_ / "positions.damaged"), "what is this?");
}

TEST_F(PositionsTest, AFailedWriteIsTriedAgainInANewFile) {
  const auto positions = open();
  positions->set("a", "1");
  ASSERT_TRUE(positions->sync().ok());
  for (const char* point : {"io.write", "io.sync"}) {
    positions->set(point, "2");
    arm_fault(point, Status(Code::kNoSpace, "no space left"));
    EXPECT_EQ(positions->sync().to_string(), "no_space: no space left");
    EXPECT_EQ(positions->find(point), "2");
    EXPECT_TRUE(positions->sync().ok());
    EXPECT_EQ(open()->find(point), "2");
  }
}

TEST_F(PositionsTest, TheFileStaysSmallHoweverOftenAValueChanges) {
  const auto positions = open();
  const std::string value(1000, 'v');
  for (int i = 0; i < 600; ++i) {
    positions->set("a", value + std::to_string(i));
    ASSERT_TRUE(positions->sync().ok());
  }
  EXPECT_LT(bytes().size(), 300'000U);
  EXPECT_EQ(open()->find("a"), value + "599");
}

}  // namespace
}  // namespace flume::node

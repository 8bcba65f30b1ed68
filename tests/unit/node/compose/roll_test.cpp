#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/node/compose/compose_rig.h"

namespace flume::node {
namespace {

using std::chrono::seconds;

class Roll : public testing::Test, protected ComposeRig {
 protected:
  Roll() : ComposeRig(1) { build("time", {}); }

  void build(std::string trigger, std::vector<lang::Value> trigger_args) {
    const auto made = plan(lang::Plan::Kind::kRoll, "roll");
    made->args.set("rollmillis", {Duration(seconds(10)).count()}, true);
    auto function = std::make_shared<lang::FunctionValue>();
    function->name = std::move(trigger);
    function->args = std::move(trigger_args);
    made->args.set("trigger", {std::shared_ptr<const lang::FunctionValue>(function)}, true);
    sink = Build(registry).sink(made);
  }
  std::string tag(size_t index) const { return std::string(*script[0]->taken[index].attribute(0, "rolltag")); }
  test::SinkScript& body() { return *script[0]; }
};

TEST_F(Roll, EndsAPeriodOnTimeAndBuildsTheBodyAnew) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(sink->due(), world.clock.now() + seconds(10));
  world.clock.advance(seconds(10));
  ASSERT_TRUE(sink->tick(world.clock.now()).ok());
  EXPECT_EQ(body().close_calls, 1);
  EXPECT_EQ(body().open_calls, 2);
  ASSERT_TRUE(append({"b"}).status.ok());
  EXPECT_EQ(body().rows, (Strings{"a", "b"}));
  EXPECT_LT(tag(0), tag(1));
  EXPECT_EQ(world.metric("flume_rolls_total"), 1);
}

TEST_F(Roll, AppendAfterThePeriodGoesToTheNextOneEvenWithoutATick) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  world.clock.advance(seconds(11));
  ASSERT_TRUE(append({"b"}).status.ok());
  EXPECT_EQ(body().close_calls, 1);
  EXPECT_NE(tag(0), tag(1));
}

TEST_F(Roll, APeriodWithoutEventsIsNotEnded) {
  ASSERT_TRUE(open().ok());
  world.clock.advance(seconds(100));
  EXPECT_EQ(sink->due(), TimePoint::max());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(body().open_calls, 1);
}

TEST_F(Roll, SizeEndsAPeriodAtTheSameRowsHoweverTheyAreCut) {
  for (const bool one_by_one : {true, false}) {
    build("size", {int64_t{10}});
    body() = test::SinkScript();
    ASSERT_TRUE(open().ok());
    if (one_by_one) {
      for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(append({"6chars"}).status.ok());
      }
    } else {
      ASSERT_TRUE(append(Strings(10, "6chars")).status.ok());
    }
    EXPECT_EQ(body().close_calls, 4) << one_by_one;  // two rows each; the fifth period is not over
    std::set<std::string> tags;
    for (size_t i = 0; i < body().taken.size(); ++i) {
      tags.insert(tag(i));
    }
    EXPECT_EQ(tags.size(), 5U);
    ASSERT_TRUE(sink->close(wait).ok());
  }
}

TEST_F(Roll, ReplacesATagThatAnEventAlreadyHas) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(sink->append(rows({"a"}).with_constant("rolltag", "old"), wait).status.ok());
  EXPECT_NE(tag(0), "old");
}

TEST_F(Roll, KeepsRowsOfAFailedClose) {
  body().settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  body().closes = {Status(Code::kNoSpace, "disk full")};
  world.clock.advance(seconds(10));
  ASSERT_TRUE(sink->tick(world.clock.now()).ok());
  EXPECT_EQ(body().rows, (Strings{"a", "a"}));
  EXPECT_NE(tag(0), tag(1));
  EXPECT_EQ(world.metric("flume_roll_failures_total"), 1);
  ASSERT_TRUE(sink->close(wait).ok());
  EXPECT_EQ(tracker->settled(), 1U);
}

TEST_F(Roll, RowsThatNoBodyTakesAreGivenBackWithoutTheTag) {
  body().settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  body().closes = {Status(Code::kNoSpace, "disk full")};
  body().opens = {Status(Code::kNoSpace, "still full")};
  world.clock.advance(seconds(10));
  EXPECT_EQ(sink->tick(world.clock.now()).message(), "still full");
  const auto back = sink->take_back();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].body(0), "a");
  EXPECT_FALSE(back[0].attribute(0, "rolltag").has_value());
}

TEST_F(Roll, ANextBodyThatDoesNotOpenIsTriedAgainAtTheNextAppend) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  body().opens = {Status(Code::kPermission, "not now")};
  world.clock.advance(seconds(10));
  EXPECT_EQ(append({"b"}).status.message(), "not now");
  EXPECT_EQ(append({"b"}).taken, 1U);
  EXPECT_EQ(body().rows, (Strings{"a", "b"}));
}

TEST_F(Roll, AFailedFirstOpenIsReported) {
  body().opens = {Status(Code::kPermission, "not yours")};
  EXPECT_EQ(open().message(), "not yours");
  EXPECT_TRUE(sink->close(wait).ok());
}

}  // namespace
}  // namespace flume::node

#include <gtest/gtest.h>

#include "tests/support/sink_rig.h"
#include "tests/unit/node/compose/compose_rig.h"

namespace flume::node {

void register_decorator_retrying(Registry& registry);

namespace {

const Status kBroken(Code::kUnavailable, "connection refused");

class Retrying : public testing::Test, protected ComposeRig {
 protected:
  Retrying() : ComposeRig(1) { register_decorator_retrying(registry); }

  // Pauses of a nanosecond: over at once, whatever the clock.
  void build(const std::string& name, std::optional<Duration> give_up = {}, Duration max = 1ns,
             Duration initial = 1ns) {
    const auto made = plan(lang::Plan::Kind::kDecorator, name);
    made->args.set("max", {int64_t{max.count()}}, true);
    made->args.set("initial", {int64_t{initial.count()}}, true);
    if (give_up) {
      made->args.set("cumulativeMax", {give_up->count()}, true);
    }
    sink = Build(registry).sink(made);
  }
  test::SinkScript& below() { return *script[0]; }
  // A clock that goes on, so that pauses end.
  Status open_in_real_time() {
    Context& c = world.context;
    real_ = std::make_unique<Context>(Context{c.logical_node, c.instance, clock_, c.metrics, c.settings, c.capabilities,
                                              c.identity, c.watch, c.positions, c.storage, c.net, c.limits, c.logs,
                                              c.state_folder});
    return sink->open(*real_, wait);
  }

 private:
  SystemClock clock_;
  std::unique_ptr<Context> real_;
};

TEST_F(Retrying, LazyOpenOpensAtTheFirstEventAndNeverWithoutOne) {
  build("lazyOpen");
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(sink->flush(wait).ok());
  ASSERT_TRUE(sink->close(wait).ok());
  EXPECT_EQ(below().open_calls, 0);
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  ASSERT_TRUE(append({"b"}).status.ok());
  EXPECT_EQ(below().open_calls, 1);
  ASSERT_TRUE(sink->close(wait).ok());
  EXPECT_EQ(below().close_calls, 1);
}

TEST_F(Retrying, StubbornAppendReopensAndGivesTheRestOnce) {
  build("stubbornAppend");
  ASSERT_TRUE(open().ok());
  below().appends = {{kBroken, 1}};
  EXPECT_EQ(append({"a", "b"}).taken, 2U);
  EXPECT_EQ(below().rows, (Strings{"a", "b"}));
  EXPECT_EQ(below().open_calls, 2);
  below().appends = {{kBroken, 0}, {kBroken, 0}};
  EXPECT_EQ(append({"c"}).status.message(), "connection refused");
}

TEST_F(Retrying, StubbornAppendLeavesAFullSinkAlone) {
  build("stubbornAppend");
  ASSERT_TRUE(open().ok());
  below().appends = {{Status(Code::kTimeout, "full"), 1}};
  EXPECT_EQ(append({"a", "b"}).taken, 1U);
  EXPECT_EQ(below().open_calls, 1);
}

TEST_F(Retrying, StubbornAppendLosesNoUnsettledRow) {
  build("stubbornAppend");
  below().settles = false;
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  below().appends = {{kBroken, 0}};
  below().closes = {kBroken};
  ASSERT_TRUE(append({"b"}).status.ok());
  EXPECT_EQ(tracker->settled(), 0U);
  EXPECT_TRUE(tracker->first_failed().has_value());  // "a" is read again
}

TEST_F(Retrying, InsistentOpenTriesUntilItWorks) {
  build("insistentOpen");
  below().opens = {kBroken, kBroken, kBroken};
  EXPECT_TRUE(open_in_real_time().ok());
  EXPECT_EQ(below().open_calls, 4);
}

TEST_F(Retrying, InsistentOpenEndsAtStop) {
  build("insistentOpen");
  StopSource stop;
  stop.request_stop();
  below().opens = {kBroken};
  wait.stop = stop.token();
  EXPECT_EQ(open().message(), "connection refused");
  EXPECT_EQ(below().open_calls, 1);
}

TEST_F(Retrying, InsistentOpenGivesUpAfterItsPatience) {
  build("insistentOpen", Duration(0));
  below().opens = {kBroken};
  EXPECT_EQ(open().message(), "gave up: connection refused");
}

// By a clock that the test moves: a call without time makes one try at most, and none before its pause is over.
TEST_F(Retrying, InsistentOpenDoublesItsPausesUpToTheLongest) {
  build("insistentOpen", {}, 400ms, 100ms);
  wait = Wait{TimePoint(), {}};
  below().opens.assign(100, kBroken);
  int tries = 0;
  for (const auto pause : {0ms, 100ms, 200ms, 400ms, 400ms}) {
    world.clock.advance(pause * 79 / 100);  // pauses are shortened by a fifth at most
    EXPECT_FALSE(open().ok());
    EXPECT_EQ(below().open_calls, pause == 0ms ? ++tries : tries) << pause.count();
    world.clock.advance(pause - pause * 79 / 100);
    EXPECT_FALSE(open().ok());
    EXPECT_EQ(below().open_calls, pause == 0ms ? tries : ++tries) << pause.count();
  }
}

TEST_F(Retrying, InsistentOpenGivesUpAfterElevenTriesInASecond) {
  build("insistentOpen", 1s, 100ms, 100ms);
  wait = Wait{TimePoint(), {}};
  below().opens.assign(100, kBroken);
  Status status = open();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(status.message().find("gave up"), std::string::npos) << i;
    world.clock.advance(100ms);
    status = open();
  }
  EXPECT_EQ(status.message(), "gave up: connection refused");
  EXPECT_EQ(below().open_calls, 11);
  world.clock.advance(100ms);
  EXPECT_EQ(open().message(), "connection refused") << "patience begins anew";
}

TEST_F(Retrying, InsistentAppendGivesUpByTheClockAndASuccessGivesNewPatience) {
  build("insistentAppend", 1s, 1s, 1s);
  ASSERT_TRUE(open().ok());
  wait = Wait{TimePoint(), {}};
  below().appends = {{kBroken, 0}, {kBroken, 1}, {kBroken, 0}};
  EXPECT_EQ(append({"a", "b"}).taken, 0U);
  world.clock.advance(1s);
  const AppendResult half = append({"a", "b"});
  EXPECT_EQ(half.taken, 1U);
  EXPECT_EQ(half.status.message(), "connection refused") << "not given up: a row was taken";
  world.clock.advance(500ms);
  EXPECT_EQ(append({"b"}).status.message(), "insistentAppend: waiting to try again");
  world.clock.advance(500ms);
  EXPECT_EQ(append({"b"}).status.message(), "gave up: connection refused");
  EXPECT_EQ(append({"b"}).taken, 1U);
  EXPECT_EQ(below().rows, (Strings{"a", "b"}));
}

TEST_F(Retrying, StubbornAppendSurvivesEveryThirdFailureOfAHundredEvents) {
  build("stubbornAppend");
  ASSERT_TRUE(open().ok());
  for (int i = 0; i < 100; ++i) {
    if (i % 3 == 2) {
      below().appends = {{kBroken, 0}};
    }
    ASSERT_EQ(append({std::to_string(i)}).taken, 1U) << i;
  }
  EXPECT_EQ(below().rows.size(), 100U);
  EXPECT_EQ(below().open_calls, 1 + 33);
}

TEST_F(Retrying, InsistentAppendGivesTheRestAgainUntilItIsTaken) {
  build("insistentAppend");
  ASSERT_TRUE(open_in_real_time().ok());
  below().appends = {{kBroken, 0}, {kBroken, 1}, {kBroken, 0}};
  EXPECT_EQ(append({"a", "b"}).taken, 2U);
  EXPECT_EQ(below().rows, (Strings{"a", "b"}));
}

TEST(RetryingArguments, PausesThatAreNotWrittenAreThoseOfTheSettings) {
  test::SinkRig rig;
  ASSERT_TRUE(rig.world.settings.set("flume.agent.failover.backoff.max", "7000", "test").ok());
  ASSERT_TRUE(rig.world.settings.set("flume.inisistentOpen.init.backoff", "30", "test").ok());
  for (const char* name : {"insistentOpen", "insistentAppend"}) {
    const lang::PlanPtr unwritten = rig.plan(str_cat(name, " keep"));
    EXPECT_EQ(unwritten->args.duration("max"), 7s) << name;
    EXPECT_EQ(unwritten->args.duration("initial"), 30ms) << name;
    EXPECT_FALSE(unwritten->args.has("cumulativeMax")) << name << " gives up only when told to";
    EXPECT_EQ(rig.plan(str_cat(name, "(500) keep"))->args.duration("max"), 500ms) << name;
  }
}

}  // namespace
}  // namespace flume::node

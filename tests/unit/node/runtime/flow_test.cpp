#include "node/runtime/flow.h"

#include <gtest/gtest.h>

#include "tests/unit/node/runtime/runtime_rig.h"

namespace flume::node {
namespace {

using test::Strings;

class FlowTest : public testing::Test {
 protected:
  void build(bool can_rewind, Flow::Limits limits = {}) {
    flow_.emplace(world_.context, book_, limits,
                  FlowParts{std::make_unique<test::StagedSource>(stage_, "s", source_, can_rewind),
                            std::make_unique<test::StagedSink>(stage_, "k", sink_), can_rewind});
    ASSERT_TRUE(flow_->open_sink(now_).ok());
    ASSERT_TRUE(flow_->open_source(now_).ok());
  }
  Flow::Step step() { return flow_->step(now_).step; }

  const Wait now_{TimePoint(), {}};  // over already: nothing waits
  test::NodeWorld world_;
  test::Stage stage_;
  LedgerBook book_{world_.context.metrics};
  std::shared_ptr<test::SourceScript> source_ = std::make_shared<test::SourceScript>();
  std::shared_ptr<test::SinkScript> sink_ = std::make_shared<test::SinkScript>();
  std::optional<Flow> flow_;
};

TEST_F(FlowTest, EachStepHandsOnOneBatch) {
  source_->given = {{"a", "b"}, {"c"}};
  build(true);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(sink_->rows, (Strings{"a", "b"}));
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kIdle);
  EXPECT_EQ(sink_->rows, (Strings{"a", "b", "c"}));
}

TEST_F(FlowTest, TheRestOfABatchComesBeforeNewRows) {
  source_->given = {{"a", "b"}, {"c"}};
  sink_->appends = {{Status(Code::kTimeout, "full"), 1}, {Status(Code::kTimeout, "full"), 0}};
  build(true);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kBlocked);
  EXPECT_TRUE(flow_->has_pending());
  EXPECT_EQ(source_->cursor, 1U);  // nothing is read ahead of it
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(sink_->rows, (Strings{"a", "b", "c"}));
}

TEST_F(FlowTest, NoMoreIsReadWhenTheCopiesUseUpTheirBudget) {
  sink_->settles = false;
  sink_->flushes = {Status(Code::kTimeout, "flush: no answer")};
  source_->given = {{"0123456789"}, {"more"}};
  build(false, {.kept_bytes = 10});
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kBlocked);
  EXPECT_EQ(source_->cursor, 1U);
  EXPECT_EQ(step(), Flow::Step::kMoved);  // the flush settles them
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(sink_->rows, (Strings{"0123456789", "more"}));
}

TEST_F(FlowTest, OnlyWhatWasNotDeliveredOfTheCopiesIsOfferedAgain) {
  sink_->settles = false;
  source_->given = {{"a"}, {"b"}, {"c"}};
  build(false);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(step(), Flow::Step::kMoved);
  }
  sink_->unsettled[0].settle(Outcome::kDelivered);
  sink_->unsettled.clear();
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kIdle);
  EXPECT_EQ(sink_->rows, (Strings{"a", "b", "c", "b", "c"}));
}

TEST_F(FlowTest, AtTheEndRowsThatCameBackAreDeliveredBeforeItIsOver) {
  sink_->settles = false;
  sink_->closes = {{}};
  source_->given = {{"a"}};
  source_->ends = true;
  build(true);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  sink_->unsettled.clear();               // lost on the way
  EXPECT_EQ(step(), Flow::Step::kMoved);  // the end is read
  EXPECT_EQ(step(), Flow::Step::kMoved);  // the loss shows at the close
  EXPECT_FALSE(flow_->sink_is_open());
  ASSERT_TRUE(flow_->open_sink(now_).ok());
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(sink_->rows, (Strings{"a", "a"}));
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kEnded);
  EXPECT_EQ(book_.sum().delivered.events, 1U);
}

TEST_F(FlowTest, CloseSaysWhenRowsAreLostForGood) {
  sink_->settles = false;
  source_->given = {{"a", "b"}};
  build(false);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  sink_->flushes = {Status(Code::kTimeout, "flush: no answer")};
  sink_->closes = {Status(Code::kTimeout, "close: no answer")};
  EXPECT_EQ(flow_->close(now_).message(), "flush: no answer");
  EXPECT_FALSE(source_->is_open);
  EXPECT_EQ(book_.sum().delivered.events, 0U);
}

TEST_F(FlowTest, AFailedSinkGivesBackItsRowsOnceAndInOrder) {
  sink_->settles = false;
  source_->given = {{"a"}, {"b"}};
  build(true);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  flow_->fail_sink(now_);
  EXPECT_FALSE(flow_->sink_is_open());
  ASSERT_TRUE(flow_->open_sink(now_).ok());
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kMoved);
  EXPECT_EQ(step(), Flow::Step::kIdle);
  EXPECT_EQ(sink_->rows, (Strings{"a", "b", "a", "b"}));
  EXPECT_EQ(book_.sum().again.events, 0U);
}

}  // namespace
}  // namespace flume::node

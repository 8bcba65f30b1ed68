// R7 with real links: a log, two collectors, and the rows that the first one had when its port went away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>

#include <array>

#include "tests/support/free_port.h"
#include "tests/support/link_rig.h"
#include "tests/support/sink_rig.h"
#include "tests/support/source_rows.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

using testing::ElementsAre;

std::vector<std::string> bodies(const std::vector<Event>& events) {
  std::vector<std::string> out;
  out.reserve(events.size());
  for (const Event& event : events) {
    out.push_back(event.body);
  }
  return out;
}

class TwoCollectors : public testing::Test {
 protected:
  TwoCollectors() : a_(false, ports_[0].number()), b_(false, ports_[1].number()) {
    rig_.world.context.state_folder = dir_.path();
    sink_ = rig_.build(str_cat("ackedWriteAhead < rpcSink(\"127.0.0.1\", ", a_.port(), ") ? rpcSink(\"127.0.0.1\", ",
                               b_.port(), ") >"));
    EXPECT_TRUE(rig_.open(*sink_).ok());
  }
  void TearDown() override { (void)sink_->close(Wait{TimePoint(), {}}); }

  void append(const std::string& row) {
    ASSERT_NO_FATAL_FAILURE(rows_.append(*sink_, row, next_++));
    ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  }
  LogStatus status() { return rig_.world.logs.list().at(0); }
  template <class Condition>
  void await(const Condition& condition) {
    const Wait wait = test::soon();
    while (!condition() && !wait.over()) {
      rig_.world.clock.advance(std::chrono::milliseconds(10));
      ::poll(nullptr, 0, 1);
    }
    EXPECT_TRUE(condition());
  }

  test::TempDir dir_;
  test::SinkRig rig_;
  test::SourceRows rows_{rig_};
  const std::array<test::FreePort, 2> ports_;  // kept over a collector's absence
  test::Collector a_;
  test::Collector b_;
  uint64_t next_ = 0;
  std::unique_ptr<Sink> sink_;
};

TEST_F(TwoCollectors, WhatTheFirstOneStoredDoesNotGoToTheSecond) {
  std::vector<EventBatch> at_a;
  for (const char* row : {"1", "2", "3"}) {
    append(row);
    EXPECT_THAT(bodies(a_.take(1, &at_a)), ElementsAre(row));
  }
  at_a[0].settle(Outcome::kDelivered);
  await([&] { return status().rows == 2; });
  a_.close();
  await([&] { return status().parked == 2; });
  append("4");
  EXPECT_THAT(bodies(b_.take(1)), ElementsAre("4")) << "2 and 3 are stored at the first one";
  at_a[1].settle(Outcome::kDelivered);
  at_a[2].settle(Outcome::kDelivered);
  a_.open();
  EventBatch nothing;
  await([&] { return a_.source.next(nothing, Wait{TimePoint(), {}}).ok() && status().rows == 0; });
  EXPECT_TRUE(nothing.empty());
  EXPECT_EQ(a_.world.metric("flume_link_repeated_rows_total"), 2) << "sent again, and known";
  EXPECT_EQ(status().doubled, 0U);
  EXPECT_EQ(status().parked, 0U);
}

TEST_F(TwoCollectors, WhatTheFirstOneDidNotStoreComesToItAgain) {
  std::vector<EventBatch> at_a;
  append("1");
  EXPECT_THAT(bodies(a_.take(1, &at_a)), ElementsAre("1"));
  a_.close();
  at_a.clear();
  await([&] { return status().parked == 1; });
  append("2");
  EXPECT_THAT(bodies(b_.take(1)), ElementsAre("2"));
  a_.open();
  EventBatch again;
  await([&] { return a_.source.next(again, Wait{TimePoint(), {}}).ok() && !again.empty(); });
  EXPECT_EQ(again.body(0), "1");
  again.settle(Outcome::kDelivered);
  await([&] { return status().rows == 0; });
}

}  // namespace
}  // namespace flume::node

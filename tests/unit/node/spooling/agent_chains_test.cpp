// agentE2EChain, agentDFOChain: a log in front of several collectors; and what goes into the logs of agent sinks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>

#include "tests/support/free_port.h"
#include "tests/support/link_rig.h"
#include "tests/support/sink_rig.h"
#include "tests/support/source_rows.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

using test::Collector;
using test::FreePort;
using test::soon;
using Strings = std::vector<std::string>;
constexpr char kDoubled[] = "flume_possibly_doubled_rows_total";

class AgentChains : public testing::TestWithParam<const char*> {
 protected:
  AgentChains() { rig_.world.context.state_folder = dir_.path(); }
  void TearDown() override {
    if (sink_ != nullptr) {
      EXPECT_TRUE(sink_->close(soon()).ok());
    }
  }

  void open_chain(uint16_t first, uint16_t second) {
    sink_ = rig_.build(str_cat(GetParam(), "(\"127.0.0.1:", first, "\", \"127.0.0.1:", second, "\")"));
    const Status opened = rig_.open(*sink_);
    ASSERT_TRUE(opened.ok()) << opened.to_string();
  }
  void append(const Strings& bodies) {
    for (const std::string& body : bodies) {
      ASSERT_NO_FATAL_FAILURE(rows_.append(*sink_, body, next_++));
    }
  }
  // Time goes on until the collector has so many rows; they are settled.
  Strings take(Collector& collector, size_t rows) {
    Strings bodies;
    const Wait limit = soon();
    while (bodies.size() < rows && !limit.over()) {
      rig_.world.clock.advance(std::chrono::milliseconds(50));
      (void)sink_->tick(rig_.world.clock.now());
      EventBatch batch;
      EXPECT_TRUE(collector.source.next(batch, Wait::for_duration(std::chrono::milliseconds(10))).ok());
      if (batch.empty()) {
        continue;
      }
      for (const Event& event : support::events_of(batch)) {
        bodies.push_back(event.body);
      }
      batch.settle(Outcome::kDelivered);
    }
    return bodies;
  }

  test::TempDir dir_;
  test::SinkRig rig_;
  test::SourceRows rows_{rig_};
  uint64_t next_ = 0;
  std::unique_ptr<Sink> sink_;
};

TEST_P(AgentChains, RowsGoToTheFirstThatCanBeReached) {
  const FreePort nobody;
  Collector second;
  ASSERT_NO_FATAL_FAILURE(open_chain(nobody.number(), second.port()));
  ASSERT_NO_FATAL_FAILURE(append({"a", "b"}));
  EXPECT_EQ(take(second, 2), (Strings{"a", "b"}));
}

TEST_P(AgentChains, RowsWaitHereWhileNoneCanBeReached) {
  const FreePort nobody;
  const FreePort later;
  ASSERT_NO_FATAL_FAILURE(open_chain(nobody.number(), later.number()));
  ASSERT_NO_FATAL_FAILURE(append({"a", "b", "c"}));
  ASSERT_TRUE(sink_->flush(soon()).ok()) << "the log on this machine answers for them";
  EXPECT_EQ(rig_.tracker->counts().delivered_rows, 3U);
  Collector second(false, later.number());
  EXPECT_EQ(take(second, 3), (Strings{"a", "b", "c"}));
  EXPECT_EQ(rig_.world.metric(kDoubled), 0);
}

// End to end that is so when it has waited for the first long enough (R7), which here is not at all.
TEST_P(AgentChains, WhatTheFirstDidNotTakeGoesToTheSecond) {
  ASSERT_TRUE(rig_.world.settings.set("flume.wal.resend.elsewhere.millis", "0", "test").ok());
  auto first = std::make_unique<Collector>();
  Collector second;
  ASSERT_NO_FATAL_FAILURE(open_chain(first->port(), second.port()));
  ASSERT_NO_FATAL_FAILURE(append({"a", "b"}));
  EXPECT_EQ(take(*first, 2), (Strings{"a", "b"}));
  ASSERT_NO_FATAL_FAILURE(append({"c", "d"}));  // on their way, and never taken out there
  first.reset();
  ASSERT_NO_FATAL_FAILURE(append({"e"}));
  const Strings got = take(second, 3);
  if (GetParam() == std::string("agentE2EChain")) {
    EXPECT_THAT(got, testing::UnorderedElementsAre("c", "d", "e"));
  } else {
    EXPECT_EQ(got, (Strings{"c", "d", "e"}));
    EXPECT_EQ(rig_.world.metric(kDoubled), 2) << "the first may have two of them";
  }
}

// Store on failure they go from the failover to the log, which sends them; end to end they wait for the first.
TEST_P(AgentChains, WhatWasOnItsWayWhenAllWentAwayIsCountedOnce) {
  auto first = std::make_unique<Collector>();
  const FreePort nobody;
  ASSERT_NO_FATAL_FAILURE(open_chain(first->port(), nobody.number()));
  ASSERT_NO_FATAL_FAILURE(append({"a"}));
  EXPECT_EQ(take(*first, 1), (Strings{"a"}));
  ASSERT_TRUE(sink_->flush(soon()).ok());
  ASSERT_NO_FATAL_FAILURE(append({"b", "c"}));
  first.reset();
  ASSERT_NO_FATAL_FAILURE(append({"d"}));
  ASSERT_TRUE(sink_->flush(soon()).ok()) << "the log on this machine answers for them";
  EXPECT_EQ(rig_.world.metric(kDoubled), GetParam() == std::string("agentDFOChain") ? 2 : 0);
}

INSTANTIATE_TEST_SUITE_P(Chains, AgentChains, testing::Values("agentE2EChain", "agentDFOChain"));

class AgentCompression : public testing::TestWithParam<const char*> {};

TEST_P(AgentCompression, RowsAreCompressedOnceForTheLogAndForTheWire) {
  const test::TempDir dir;
  Collector collector;
  test::SinkRig rig;
  rig.world.context.state_folder = dir.path();
  const auto sink = rig.build(str_cat(GetParam(), "(\"127.0.0.1:", collector.port(), "\", compression=\"zstd\")"));
  ASSERT_TRUE(rig.open(*sink).ok());
  const std::vector<Event> events = test::numbered_events(200);
  ASSERT_TRUE(sink->append(rig.issued(events), soon()).status.ok());
  std::vector<EventBatch> got;
  EXPECT_EQ(collector.take(200, &got), events);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].codec(), BlobCodec::kZstd);
  got[0].settle(Outcome::kDelivered);
  EXPECT_TRUE(sink->close(soon()).ok());
  EXPECT_EQ(rig.tracker->counts().delivered_rows, 200U);
}

INSTANTIATE_TEST_SUITE_P(Sinks, AgentCompression, testing::Values("agentE2EChain", "agentDFOChain"));

}  // namespace
}  // namespace flume::node

#include <gtest/gtest.h>

#include "tests/support/free_port.h"
#include "tests/support/link_rig.h"
#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

using test::Collector;
using test::FreePort;
using test::Impostor;
using test::soon;
using Strings = std::vector<std::string>;

std::string local(uint16_t port) { return str_cat("\"127.0.0.1:", port, "\""); }

class BestEffortChain : public testing::Test {
 protected:
  void build(const std::vector<uint16_t>& ports, const std::string& more = "wait=30000") {
    std::string hosts;
    for (const uint16_t port : ports) {
      str_append(hosts, hosts.empty() ? "" : ", ", local(port));
    }
    sink_ = rig_.build(str_cat("agentBEChain(", hosts, ", ", more, ")"));
  }
  void TearDown() override { EXPECT_TRUE(sink_->close(soon()).ok()); }

  AppendResult append(const Strings& bodies) {
    return sink_->append(test::rows_of(bodies, *rig_.tracker, rig_.position), soon());
  }
  static Strings bodies(const std::vector<Event>& events) {
    Strings out;
    for (const Event& event : events) {
      out.push_back(event.body);
    }
    return out;
  }

  test::SinkRig rig_;
  std::unique_ptr<Sink> sink_;
};

TEST_F(BestEffortChain, UsesTheFirstCollectorAndConnectsToNoOther) {
  Collector first;
  Collector second;
  build({first.port(), second.port()});
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(append({"a", "b"}).status.ok());
  EXPECT_EQ(bodies(first.take(2)), (Strings{"a", "b"}));
  EXPECT_TRUE(sink_->flush(soon()).ok());
  EXPECT_EQ(second.world.metric("flume_link_connections"), 0);
}

TEST_F(BestEffortChain, GoesToTheNextInOrderAndComesBackToTheFirst) {
  auto first = std::make_unique<Collector>();
  const uint16_t port = first->port();
  Collector second;
  Collector third;
  build({port, second.port(), third.port()});
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(bodies(first->take(1)), (Strings{"a"}));
  ASSERT_TRUE(sink_->flush(soon()).ok());

  first.reset();
  ASSERT_TRUE(sink_->tick(rig_.world.clock.now()).ok()) << "a dead preferred collector is no failure of the chain";
  ASSERT_TRUE(append({"b"}).status.ok());
  ASSERT_TRUE(append({"c"}).status.ok());
  EXPECT_EQ(bodies(second.take(2)), (Strings{"b", "c"}));

  first = std::make_unique<Collector>(false, port);
  ASSERT_TRUE(append({"d"}).status.ok()) << "its pause is not over";
  EXPECT_EQ(bodies(second.take(1)), (Strings{"d"}));
  rig_.world.clock.advance(std::chrono::seconds(2));
  ASSERT_TRUE(append({"e"}).status.ok());
  EXPECT_EQ(bodies(first->take(1)), (Strings{"e"}));
  EXPECT_TRUE(sink_->flush(soon()).ok());
  EXPECT_EQ(rig_.tracker->counts().delivered_rows, 5U);
  EXPECT_EQ(third.world.metric("flume_link_connections"), 0);
}

// Neither accepts a word nor refuses one.
TEST_F(BestEffortChain, AHostThatNeverAnswersTakesItsShareOfTheTimeOnly) {
  const Impostor silent("");
  const Impostor silent_too("");
  Collector third;
  build({silent.port(), silent_too.port(), third.port()});
  ASSERT_TRUE(sink_->open(rig_.world.context, Wait::for_duration(std::chrono::milliseconds(1500))).ok());
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(bodies(third.take(1)), (Strings{"a"}));
}

TEST_F(BestEffortChain, SaysWhyNoneWorks) {
  const FreePort nobody;
  build({nobody.number(), nobody.number()});
  const Status status = rig_.open(*sink_);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  const std::string refused = str_cat("connect to 127.0.0.1:", nobody.number(), ": Connection refused (ECONNREFUSED)");
  EXPECT_EQ(status.message(), str_cat("no branch works: branch 0: ", refused, "; branch 1: ", refused));
}

TEST_F(BestEffortChain, DropsWhileNoneWorksAndOnlyThen) {
  auto first = std::make_unique<Collector>();
  auto second = std::make_unique<Collector>();
  const uint16_t port = second->port();
  build({first->port(), port}, "wait=0");
  ASSERT_TRUE(rig_.open(*sink_).ok());
  first.reset();
  ASSERT_TRUE(append({"late"}).status.ok()) << "no time is left to connect to the second";
  ASSERT_LE(sink_->due(), rig_.world.clock.now());
  ASSERT_TRUE(sink_->tick(rig_.world.clock.now()).ok());
  rig_.world.clock.advance(std::chrono::milliseconds(10));
  ASSERT_TRUE(append({"a"}).status.ok());
  EXPECT_EQ(bodies(second->take(1)), (Strings{"a"}));
  ASSERT_TRUE(sink_->flush(soon()).ok());
  second.reset();
  ASSERT_TRUE(append({"b"}).status.ok());
  ASSERT_TRUE(append({"c"}).status.ok());
  second = std::make_unique<Collector>(false, port);
  rig_.world.clock.advance(std::chrono::seconds(5));
  ASSERT_TRUE(append({"d"}).status.ok());
  EXPECT_EQ(bodies(second->take(1)), (Strings{"d"}));
  ASSERT_TRUE(sink_->flush(soon()).ok());
  const AckCounts counts = rig_.tracker->counts();
  EXPECT_EQ(counts.delivered_rows, 2U);
  uint64_t dropped = 0;
  for (const auto& [reason, amount] : counts.dropped) {
    EXPECT_TRUE(reason == "unreachable" || reason == "slow") << reason;
    dropped += amount.first;
  }
  EXPECT_EQ(dropped, 3U);
}

TEST(BestEffortBranch, DropsNothingForBeingLateWhileAnotherBranchIsBehindIt) {
  const FreePort nobody;
  test::SinkRig rig;
  const std::unique_ptr<Sink> sink =
      rig.build(str_cat("< lazyOpen agentBESink(\"127.0.0.1\", ", nobody.number(), ", wait=0) ? keep >"));
  ASSERT_TRUE(rig.open(*sink).ok());
  ASSERT_TRUE(sink->append(rig.issued(test::numbered_events(3)), soon()).status.ok());
  EXPECT_EQ(rig.below->rows.size(), 3U);
  EXPECT_TRUE(sink->close(soon()).ok());
}

TEST(FailChain, IsAFailoverOverItsArguments) {
  test::SinkRig rig;
  const std::unique_ptr<Sink> sink = rig.build(R"(failChain("{ lazyOpen => %s }", "fail", "keep"))");
  ASSERT_TRUE(rig.open(*sink).ok());
  ASSERT_TRUE(sink->append(rig.issued(test::numbered_events(3)), soon()).status.ok());
  EXPECT_EQ(rig.below->rows.size(), 3U);
  EXPECT_EQ(rig.below->open_calls, 1);
  EXPECT_TRUE(sink->close(soon()).ok());
}

}  // namespace
}  // namespace flume::node

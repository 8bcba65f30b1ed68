// What a flow promises, read off its text with all components there are.
#include "node/runtime/promise.h"

#include <gtest/gtest.h>

#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

class PromiseTest : public testing::Test {
 protected:
  FlowPromise of(const std::string& source, const std::string& sink) {
    const lang::CheckedNode checked =
        lang::check_node("n1", source, sink, rig_.registry.catalog(), check_options(rig_.world.settings));
    EXPECT_TRUE(checked.ok()) << lang::to_text(checked.diagnostics);
    return checked.ok() ? promise_of(checked.plan, rig_.registry.catalog()) : FlowPromise();
  }
  std::string_view word(const std::string& source, const std::string& sink) {
    return promise_name(of(source, sink).promise);
  }

  test::SinkRig rig_;
};

TEST_F(PromiseTest, IsThatOfTheTableInTheDocument) {
  const std::string tail = R"(tail("/a"))";
  const std::string receiver = "collectorSource(35853)";
  EXPECT_EQ(word(tail, R"(agentSink("c1"))"), "exactly_once_in_files");
  EXPECT_EQ(word(tail, R"(agentE2ESink("c1"))"), "exactly_once_in_files");
  EXPECT_EQ(word(tail, R"(agentDFOSink("c1"))"), "at_least_once");
  EXPECT_EQ(word(tail, R"(agentBESink("c1"))"), "best_effort");
  EXPECT_EQ(word(tail, R"(agentBEChain("c1", "c2"))"), "best_effort");
  EXPECT_EQ(word(tail, R"(agentE2EChain("c1", "c2"))"), "at_least_once");
  EXPECT_EQ(word(tail, R"(agentDFOChain("c1", "c2"))"), "at_least_once");
  EXPECT_EQ(word(tail, R"(rpcSink("c1", 35853))"), "at_least_once");
  EXPECT_EQ(word(tail, R"(ackedWriteAhead rpcSink("c1", 35853))"), "exactly_once_in_files");
  EXPECT_EQ(word(tail, R"(ackedWriteAhead thriftSink("c1", 35853))"), "at_least_once");
  EXPECT_EQ(word(tail, R"(ackedWriteAhead text("/b"))"), "exactly_once");
  EXPECT_EQ(word(tail, R"(diskFailover text("/b"))"), "at_least_once");
  EXPECT_EQ(word(tail, R"(text("/b"))"), "at_least_once");
  EXPECT_EQ(word(receiver, R"(collectorSink("/b", "p-"))"), "exactly_once");
  EXPECT_EQ(word(receiver, R"(formatDfs("/b"))"), "exactly_once");
  EXPECT_EQ(word(receiver, "console"), "at_least_once");
  EXPECT_EQ(word(receiver, R"(< dfs("/b") ? dfs("/c") >)"), "at_least_once");
}

TEST_F(PromiseTest, IsThatOfTheWeakestSinkAndNamesAll) {
  const FlowPromise flow = of("collectorSource(35853)", R"([ dfs("/b"), console, agentBESink("c2") ])");
  EXPECT_EQ(flow.promise, Promise::kBestEffort);
  ASSERT_EQ(flow.sinks.size(), 3U);
  EXPECT_EQ(flow.sinks[0].sink, "dfs");
  EXPECT_EQ(flow.sinks[0].promise, Promise::kOnce);
  EXPECT_EQ(flow.sinks[1].path, "sink.1");
  EXPECT_EQ(flow.sinks[1].promise, Promise::kAtLeastOnce);
  for (const SinkPromise& sink : flow.sinks) {
    EXPECT_NE(sink.why, "");
  }
}

// What an agent cannot know: the collector's flow may end in console.
TEST_F(PromiseTest, ThatOfAnAgentReachesAsFarAsTheCollectorsFiles) {
  const FlowPromise agent = of(R"(tail("/a"))", R"(agentSink("c1"))");
  EXPECT_EQ(agent.promise, Promise::kOnceInFiles);
  EXPECT_NE(agent.sinks.at(0).why.find("console"), std::string::npos) << agent.sinks[0].why;
  EXPECT_EQ(of("collectorSource(35853)", R"(agentSink("c2"))").promise, Promise::kOnceInFiles) << "a relay's too";
  EXPECT_EQ(of("collectorSource(35853)", R"([ dfs("/b"), agentSink("c2") ])").promise, Promise::kOnceInFiles);
  EXPECT_EQ(of("collectorSource(35853)", R"([ console, agentSink("c2") ])").promise, Promise::kAtLeastOnce);
}

TEST_F(PromiseTest, RowsThatAreMadeAnewAreNotKnown) {
  for (const char* sink : {R"(batch(2) dfs("/b"))", R"(batch(2) agentSink("c1"))", R"(unbatch dfs("/b"))"}) {
    const FlowPromise flow = of("collectorSource(35853)", sink);
    EXPECT_EQ(flow.promise, Promise::kAtLeastOnce) << sink;
    EXPECT_NE(flow.sinks.at(0).why.find("makes new rows"), std::string::npos) << sink;
  }
}

TEST_F(PromiseTest, SaysWhatASourceThatCannotGoBackLoses) {
  EXPECT_EQ(of(R"(tail("/a"))", "console").source, "");
  EXPECT_NE(of("syslogUdp(5140)", "console").source, "");
}

TEST_F(PromiseTest, RowsMayBeJoinedInFrontOfALogOnlyWhereAllGoToLogs) {
  EXPECT_TRUE(of("null", R"(batch(10) agentSink("c1"))").may_join);
  EXPECT_TRUE(of("null", R"(batch(10) agentE2EChain("c1", "c2"))").may_join);
  EXPECT_FALSE(of("null", R"(agentSink("c1"))").may_join);
  EXPECT_FALSE(of("null", R"(ackedWriteAhead batch(10) rpcSink("c1", 1))").may_join);
  EXPECT_FALSE(of("null", R"(batch(10) [ agentSink("c1"), console ])").may_join);
}

}  // namespace
}  // namespace flume::node

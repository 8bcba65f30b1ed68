#include "node/runtime/chain_plan.h"

#include <gtest/gtest.h>

#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

TEST(ChainPlan, HostsWithoutAPortHaveThatOfTheArgumentOrTheSetting) {
  test::SinkRig rig;
  using Hosts = std::vector<HostPort>;
  EXPECT_EQ(chain_hosts(rig.plan(R"(agentBEChain("a", "b:1"))")->args), (Hosts{{"a", 35853}, {"b", 1}}));
  EXPECT_EQ(chain_hosts(rig.plan(R"(agentBEChain("a", "b:1", port=9))")->args), (Hosts{{"a", 9}, {"b", 1}}));
  EXPECT_EQ(chain_hosts(rig.plan(R"(agentBEChain("[::1]:2", 7))")->args), (Hosts{{"::1", 2}, {"7", 35853}}));
  ASSERT_TRUE(rig.world.settings.set("flume.collector.event.port", "12", "test").ok());
  EXPECT_EQ(chain_hosts(rig.plan(R"(agentBEChain("a"))")->args), (Hosts{{"a", 12}}));
}

TEST(ChainPlan, IsAFailoverWithOneBranchForEachHost) {
  const auto plan = chain_plan("sink.0", {{"a", 1}, {"b", 2}}, [](const HostPort& host, std::string path) {
    return host_plan("send", host, std::move(path));
  });
  EXPECT_EQ(plan->kind, lang::Plan::Kind::kFailover);
  EXPECT_EQ(plan->path, "sink.0");
  ASSERT_EQ(plan->children.size(), 2U);
  EXPECT_EQ(plan->children[1]->path, "sink.0.failover.1");
  EXPECT_EQ(plan->children[1]->name, "send");
  EXPECT_EQ(plan->children[1]->args.text("host"), "b");
  EXPECT_EQ(plan->children[1]->args.integer("port"), 2);
}

TEST(ChainPlan, WhatIsNoHostIsRefusedWhereItStands) {
  const test::SinkRig rig;
  std::string error;
  EXPECT_EQ(rig.plan(R"(agentBEChain("a", "b:99999"))", &error), nullptr);
  EXPECT_NE(error.find("sink:1:19: error L027: argument 'host' of agentBEChain: '99999' is no port"), std::string::npos)
      << error;
  EXPECT_EQ(rig.plan("agentBEChain", &error), nullptr);
  EXPECT_NE(error.find("agentBEChain needs the argument 'host'"), std::string::npos) << error;
}

}  // namespace
}  // namespace flume::node

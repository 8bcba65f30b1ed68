#include "master/translate/translate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/master_world.h"

namespace flume::master {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Translate, WhatHasNothingLogicalIsCanonicalText) {
  MasterWorld world;
  world.run("config", {"a", "text(\"f\")", "[console,null]"});
  const TranslatedNode text = world.wanted.get()->find("a")->text;
  EXPECT_EQ(text.source, "text( \"f\" )");
  EXPECT_EQ(text.sink, "[ console, null ]");
  EXPECT_TRUE(text.is_resolved);
  EXPECT_THAT(text.findings, IsEmpty());
}

TEST(Translate, LogicalNamesBecomeHostAndPort) {
  MasterWorld world;
  world.report("p1", "host1", {});
  world.report("p2", "host2", {});
  world.run("map", {"p1", "collector"});
  world.run("config", {"collector", "logicalSource", "console"});
  world.run("config", {"p2", "console", "< logicalSink(\"collector\") ? null >"});
  world.keep_house();
  const auto wanted = world.wanted.get();
  EXPECT_EQ(wanted->find("collector")->text.source, "rpcSource( 35853 )");
  EXPECT_EQ(wanted->find("p2")->text.sink, "< rpcSink( \"host1\", 35853 ) ? null >");
  EXPECT_TRUE(wanted->find("p2")->text.is_resolved);
  EXPECT_EQ(world.view()->configs.at("p2").value.sink, "< logicalSink(\"collector\") ? null >") << "as typed";
}

TEST(Translate, SourcesOnOneHostGetPortsOfTheirOwn) {
  MasterWorld world;
  world.report("p1", "h", {});
  world.report("p2", "h", {});
  world.run("config", {"p1", "logicalSource", "null"});
  world.run("config", {"p2", "logicalSource", "null"});
  world.keep_house();
  EXPECT_EQ(world.wanted.get()->find("p1")->text.source, "rpcSource( 35853 )");
  EXPECT_EQ(world.wanted.get()->find("p2")->text.source, "rpcSource( 35854 )");
  EXPECT_THAT(missing_ports(*world.view()), IsEmpty());
}

TEST(Translate, WhatIsNotKnownYetFailsAndSaysWhy) {
  MasterWorld world;
  world.run("config", {"a", "null", "logicalSink(\"b\")"});
  TranslatedNode text = world.wanted.get()->find("a")->text;
  EXPECT_EQ(text.sink, "fail( \"logicalSink( \\\"b\\\" )\" )");
  EXPECT_FALSE(text.is_resolved);
  ASSERT_THAT(text.findings, SizeIs(1));
  EXPECT_EQ(text.findings[0].message, "logicalSink( \"b\" ): logical node 'b' is mapped to no physical node yet");
  world.run("map", {"p", "b"});
  EXPECT_EQ(world.wanted.get()->find("a")->text.findings[0].message,
            "logicalSink( \"b\" ): physical node 'p', which carries 'b', has not reported its host yet");
  world.report("p", "h", {});
  world.keep_house();
  EXPECT_EQ(world.wanted.get()->find("a")->text.findings[0].message,
            "logicalSink( \"b\" ): logical node 'b' has no logicalSource");
  world.run("config", {"b", "logicalSource", "null"});
  world.keep_house();
  EXPECT_EQ(world.wanted.get()->find("a")->text.sink, "rpcSink( \"h\", 35853 )");
}

TEST(Translate, IsAPureFunctionOfTheStore) {
  auto store = std::make_shared<MemoryStore>(random_id());
  MasterWorld one(store);
  one.report("p", "h", {});
  one.run("config", {"p", "logicalSource", "null"});
  one.run("config", {"a", "null", "logicalSink(\"p\")"});
  one.keep_house();
  MasterWorld other(store);
  for (const char* const name : {"p", "a"}) {
    EXPECT_EQ(other.wanted.get()->find(name)->text.hash, one.wanted.get()->find(name)->text.hash);
  }
}

TEST(Wanted, TextsThatCannotHaveChangedAreShared) {
  MasterWorld world;
  world.run("config", {"a", "null", "null"});
  const WantedNode* const before = world.wanted.get()->find("a");
  const auto keep = world.wanted.get();
  world.run("config", {"b", "null", "null"});
  EXPECT_EQ(world.wanted.get()->find("a"), before);
  world.run("config", {"a", "null", "console"});
  EXPECT_NE(world.wanted.get()->find("a"), before);
}

TEST(Wanted, KnowsWhoCarriesWhat) {
  MasterWorld world;
  world.run("config", {"b", "null", "null"});
  world.run("config", {"a", "null", "null"});
  world.run("config", {"p", "null", "null"});
  world.run("map", {"p", "a"});
  world.run("map", {"p", "b"});
  EXPECT_THAT(world.wanted.get()->carried_by("p"), ElementsAre("a", "b", "p"));
  EXPECT_THAT(world.wanted.get()->carried_by("a"), IsEmpty());
}

}  // namespace
}  // namespace flume::master

#include "master/commands/command_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/store/dir_store.h"
#include "tests/support/master_world.h"
#include "tests/support/temp_dir.h"

namespace flume::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using test::contents_of;

const NodeConfig& config(const MasterWorld& world, const std::string& node) {
  static NodeConfig kept;
  kept = world.view()->configs.at(node).value;
  return kept;
}

TEST(Commands, ConfigStoresTheTextAsTyped) {
  MasterWorld world;
  const CommandRecord done = world.run("config", {"a", "text( \"f\" ) // mine", "console"});
  EXPECT_EQ(done.state, CommandState::kSucceeded) << done.message;
  EXPECT_EQ(config(world, "a").source, "text( \"f\" ) // mine");
  EXPECT_EQ(config(world, "a").sink, "console");
  EXPECT_EQ(config(world, "a").flow, "default-flow");
  EXPECT_EQ(config(world, "a").who, "test");
  EXPECT_EQ(config(world, "a").why, "config");
  EXPECT_EQ(config(world, "a").when_millis, 1'700'000'000'000);
  EXPECT_EQ(done.revision, world.view()->configs.at("a").modified);
}

TEST(Commands, ConfigWithFourArgumentsNamesTheFlow) {
  MasterWorld world;
  EXPECT_EQ(world.error("config", {"a", "web", "null", "console"}), "");
  EXPECT_EQ(config(world, "a").flow, "web");
  EXPECT_EQ(world.error("config", {"a", "null", "console"}), "");
  EXPECT_EQ(config(world, "a").flow, "default-flow");
}

TEST(Commands, ABadSpecificationIsRefusedWithItsPlaceAndNothingIsStored) {
  MasterWorld world;
  const CommandRecord done = world.run("config", {"a", "txet(\"f\")", "consle"});
  EXPECT_EQ(done.state, CommandState::kFailed);
  EXPECT_TRUE(done.is_spec_error);
  EXPECT_EQ(done.message,
            "configuration of 'a' refused: source:1:1: error L021: no source 'txet'; did you mean 'text'?\n"
            "sink:1:1: error L021: no sink 'consle'; did you mean 'console'?");
  ASSERT_THAT(done.findings, SizeIs(2));
  EXPECT_EQ(done.findings[1].field, "sink");
  EXPECT_THAT(world.view()->configs, IsEmpty());
}

TEST(Commands, ANameThatNoNodeMayHaveIsRefused) {
  MasterWorld world;
  EXPECT_EQ(world.error("config", {"a/b", "null", "null"}),
            "node name \"a/b\": a name has 1 to 255 letters, digits, dots, dashes and underscores");
}

TEST(Commands, UnknownCommandsAndWrongCountsFailWithTheUsage) {
  MasterWorld world;
  EXPECT_EQ(world.error("confg", {}), "unknown command 'confg'; did you mean 'config'?");
  EXPECT_EQ(world.error("config", {"a"}),
            "command 'config' does not take 1 argument; usage: config NODE SOURCE SINK | config NODE FLOW SOURCE SINK");
  EXPECT_EQ(world.error("nosuchthing", {}), "unknown command 'nosuchthing'");
}

TEST(Commands, IfRevisionRefusesAChangeOfSomethingElse) {
  MasterWorld world;
  const Revision first = world.run("config", {"a", "null", "null"}, Revision{0}).revision.value();
  const CommandRecord second = world.run("config", {"a", "null", "console"}, Revision{0});
  EXPECT_EQ(second.code, Code::kConflict);
  EXPECT_EQ(second.message, str_cat("configuration of 'a': expected revision 0, it has ", first));
  EXPECT_EQ(world.run("config", {"a", "null", "console"}, first).state, CommandState::kSucceeded);
}

TEST(Commands, MulticonfigIsAllOrNothing) {
  MasterWorld world;
  const CommandRecord bad = world.run("multiconfig", {"a : null | console ;\nb : null | nosuch ;"});
  EXPECT_EQ(bad.state, CommandState::kFailed);
  EXPECT_TRUE(bad.is_spec_error);
  EXPECT_EQ(bad.message, "specification refused, nothing stored: text:2:12: error L021: no sink 'nosuch'");
  EXPECT_THAT(world.view()->configs, IsEmpty());

  const CommandRecord good = world.run("multiconfig", {"a : null|console ; b : text(\"f\") | null ;"});
  EXPECT_EQ(good.message, "");
  EXPECT_EQ(config(world, "b").source, "text( \"f\" )");
  EXPECT_EQ(world.view()->configs.at("a").modified, world.view()->configs.at("b").modified);
}

TEST(Commands, MulticonfigRefusesANodeGivenTwice) {
  MasterWorld world;
  EXPECT_EQ(world.error("multiconfig", {"a : null | null ; a : null | console ;"}),
            "specification refused, nothing stored: 'a' is given twice");
}

TEST(Commands, UnconfigSetsNullAndKeepsTheNode) {
  MasterWorld world;
  EXPECT_EQ(world.error("unconfig", {"a"}), "node 'a' has no configuration");
  EXPECT_EQ(world.error("config", {"a", "web", "console", "console"}), "");
  EXPECT_EQ(world.error("unconfig", {"a"}), "");
  EXPECT_EQ(config(world, "a").source, "null");
  EXPECT_EQ(config(world, "a").sink, "null");
  EXPECT_EQ(config(world, "a").flow, "default-flow");
}

TEST(Commands, RefreshChangesTheHashOnly) {
  MasterWorld world;
  EXPECT_EQ(world.error("refresh", {"a"}), "node 'a' has no configuration");
  EXPECT_EQ(world.error("config", {"a", "null", "null"}), "");
  EXPECT_EQ(world.error("config", {"b", "null", "null"}), "");
  const std::string a = world.wanted.get()->find("a")->text.hash;
  const std::string b = world.wanted.get()->find("b")->text.hash;
  EXPECT_EQ(world.error("refresh", {"a"}), "");
  EXPECT_NE(world.wanted.get()->find("a")->text.hash, a);
  EXPECT_EQ(world.wanted.get()->find("b")->text.hash, b);
  EXPECT_EQ(config(world, "a").source, "null");
  EXPECT_EQ(world.error("refreshAll", {}), "");
  EXPECT_NE(world.wanted.get()->find("b")->text.hash, b);
}

TEST(Commands, ARefreshedNodeIsNotOpenedAnewByAnEqualConfiguration) {
  MasterWorld world;
  EXPECT_EQ(world.error("config", {"a", "null", "null"}), "");
  EXPECT_EQ(world.error("refresh", {"a"}), "");
  const std::string hash = world.wanted.get()->find("a")->text.hash;
  EXPECT_EQ(world.error("config", {"a", "null", "null"}), "");
  EXPECT_EQ(world.wanted.get()->find("a")->text.hash, hash);
}

TEST(Commands, MapRefusesALogicalNodeThatIsMapped) {
  MasterWorld world;
  EXPECT_EQ(world.error("map", {"p1", "a"}), "");
  EXPECT_EQ(world.error("map", {"p2", "a"}),
            "Unable to map logical node 'a' to physical node 'p2': it is mapped to 'p1'");
  EXPECT_EQ(world.error("spawn", {"p1", "a"}),
            "Unable to map logical node 'a' to physical node 'p1': it is mapped to 'p1'");
  EXPECT_EQ(world.view()->physical_of("a"), "p1");
}

TEST(Commands, UnmapAsksTheNodeToStopAndKeepsTheConfiguration) {
  MasterWorld world;
  EXPECT_EQ(world.error("config", {"a", "null", "null"}), "");
  EXPECT_EQ(world.error("unmap", {"p1", "a"}),
            "Unable to unmap logical node 'a' from physical node 'p1': it is mapped nowhere");
  EXPECT_EQ(world.error("map", {"p1", "a"}), "");
  EXPECT_EQ(world.error("unmap", {"p2", "a"}),
            "Unable to unmap logical node 'a' from physical node 'p2': it is mapped to 'p1'");
  EXPECT_EQ(world.error("unmap", {"p1", "a"}), "");
  EXPECT_EQ(world.view()->physical_of("a"), "");
  EXPECT_TRUE(world.view()->configs.contains("a"));
  EXPECT_TRUE(world.view()->removed.contains({"p1", "a"}));
  EXPECT_EQ(world.error("map", {"p1", "a"}), "");
  EXPECT_THAT(world.view()->removed, IsEmpty());
}

TEST(Commands, APhysicalNodeKeepsTheLogicalNodeOfItsName) {
  MasterWorld world;
  world.report("p1", "h1", {});
  world.keep_house();
  EXPECT_EQ(world.error("unmap", {"p1", "p1"}),
            "Unable to unmap logical node 'p1' from physical node 'p1': a physical node keeps the logical node of its "
            "own name");
  EXPECT_EQ(world.error("map", {"p1", "a"}), "");
  EXPECT_EQ(world.error("unmapAll", {}), "");
  EXPECT_EQ(world.view()->physical_of("a"), "");
  EXPECT_EQ(world.view()->physical_of("p1"), "p1");
}

TEST(Commands, DecommissionRemovesConfigurationAndMapping) {
  MasterWorld world;
  EXPECT_EQ(world.error("decommission", {"a"}), "node 'a' has neither a configuration nor a mapping");
  EXPECT_EQ(world.error("config", {"a", "null", "null"}), "");
  EXPECT_EQ(world.error("map", {"p1", "a"}), "");
  EXPECT_EQ(world.error("decommission", {"a"}), "");
  EXPECT_THAT(world.view()->configs, IsEmpty());
  EXPECT_THAT(world.view()->places, IsEmpty());
  EXPECT_TRUE(world.view()->removed.contains({"p1", "a"}));
}

TEST(Commands, AConfigurationAfterADecommissionTakesTheRemovalBack) {
  MasterWorld world;
  world.report("p1", "h1", {});
  world.keep_house();
  EXPECT_EQ(world.error("config", {"p1", "null", "null"}), "");
  EXPECT_EQ(world.error("decommission", {"p1"}), "");
  EXPECT_TRUE(world.view()->removed.contains({"p1", "p1"}));
  EXPECT_EQ(world.error("config", {"p1", "null", "console"}), "");
  EXPECT_THAT(world.view()->removed, IsEmpty());
}

TEST(Commands, PurgeForgetsALostNode) {
  MasterWorld world;
  world.report("p1", "h1", {logical("p1", StateCode::kActive)});
  world.keep_house();
  EXPECT_EQ(world.error("map", {"p1", "a"}), "");
  EXPECT_EQ(world.error("unmap", {"p1", "a"}), "");
  world.clock.advance(std::chrono::seconds(50));
  world.keep_house();
  EXPECT_FALSE(world.view()->hosts.at("p1").value.is_live);
  EXPECT_EQ(world.error("purge", {"p1"}), "");
  EXPECT_THAT(world.view()->hosts, IsEmpty());
  EXPECT_THAT(world.view()->removed, IsEmpty());
  EXPECT_THAT(world.nodes.list(), IsEmpty());
}

TEST(Commands, PurgeAllForgetsWhatIsLostInTheStoreAndAllReports) {
  MasterWorld world;
  world.report("p1", "h1", {});
  world.keep_house();
  world.clock.advance(std::chrono::seconds(50));
  world.report("p2", "h2", {});
  world.keep_house();
  EXPECT_EQ(world.error("purgeAll", {}), "");
  EXPECT_FALSE(world.view()->hosts.contains("p1"));
  EXPECT_TRUE(world.view()->hosts.contains("p2"));
  EXPECT_THAT(world.nodes.list(), IsEmpty());
}

TEST(Commands, NoopTakesMillisecondsOnly) {
  MasterWorld world;
  EXPECT_EQ(world.error("noop", {}), "");
  EXPECT_EQ(world.error("noop", {"1"}), "");
  EXPECT_EQ(world.error("noop", {"soon"}), "noop: \"soon\" is not a number of milliseconds up to 3600000");
  EXPECT_EQ(world.error("updateAll", {}), "");
}

TEST(Commands, SavedConfigurationsLoadWithTheirFlows) {
  const test::TempDir folder;
  const std::string file = folder.path() + "/all.flume";
  MasterWorld world;
  EXPECT_EQ(world.error("config", {"b", "web", "text(\"f\") # comment", "console"}).empty(), false);
  EXPECT_EQ(world.error("config", {"b", "web", "text(\"f\") // comment", "console"}), "");
  EXPECT_EQ(world.error("config", {"a", "null", "null"}), "");
  EXPECT_EQ(world.error("save", {file}), "");
  EXPECT_EQ(contents_of(file), "a : null | null;\n// flow: web\nb : text( \"f\" ) | console;\n");
  EXPECT_EQ(world.error("save", {file}), "");
  EXPECT_EQ(contents_of(file + "~"), contents_of(file));

  MasterWorld other;
  EXPECT_EQ(other.error("load", {file}), "");
  EXPECT_EQ(config(other, "a").flow, "default-flow");
  EXPECT_EQ(config(other, "b").flow, "web");
  EXPECT_EQ(config(other, "b").why, "load");
}

TEST(Commands, LoadIsAllOrNothingAndSaysWhatIsWrong) {
  const test::TempDir folder;
  const std::string file = folder.path() + "/bad.flume";
  test::write_file(file, "a : null | null;\nb : null | nosuch;\n");
  MasterWorld world;
  EXPECT_EQ(world.error("load", {file}),
            str_cat("load \"", file, "\": nothing stored: text:2:12: error L021: no sink 'nosuch'"));
  EXPECT_THAT(world.view()->configs, IsEmpty());
  EXPECT_THAT(world.error("load", {folder.path() + "/none"}), HasSubstr("load: "));
  EXPECT_THAT(world.error("save", {folder.path() + "/no/folder"}), HasSubstr("save: "));
}

TEST(CommandQueue, ListsTheNewestFirstAndPages) {
  MasterWorld world;
  for (int i = 0; i < 3; ++i) {
    world.run("noop", {});
  }
  const auto ids = [](const std::vector<CommandRecord>& records) {
    std::vector<uint64_t> out;
    for (const CommandRecord& record : records) {
      out.push_back(record.id);
    }
    return out;
  };
  EXPECT_THAT(ids(world.commands.list(10)), ElementsAre(2, 1, 0));
  EXPECT_THAT(ids(world.commands.list(2)), ElementsAre(2, 1));
  EXPECT_THAT(ids(world.commands.list(2, 1)), ElementsAre(0));
  EXPECT_FALSE(world.commands.find(3).has_value());
  EXPECT_FALSE(world.commands.wait_for(3, Wait{}).has_value());
}

TEST(CommandQueue, HistorySurvivesARestartAndIdsGoOn) {
  const test::TempDir folder;
  std::vector<std::string> reports;
  std::string before;
  {
    std::shared_ptr<ConfigStore> store = DirStore::open(folder.path() + "/s", reports).value();
    MasterWorld world(store);
    world.run("config", {"a", "null", "console"});
    world.run("nosuch", {"x"});
    before = world.commands.find(0)->to_json() + world.commands.find(1)->to_json();
  }
  std::shared_ptr<ConfigStore> store = DirStore::open(folder.path() + "/s", reports).value();
  MasterWorld world(store);
  EXPECT_EQ(world.commands.find(0)->to_json() + world.commands.find(1)->to_json(), before);
  EXPECT_EQ(world.run("noop", {}).id, 2U);
  EXPECT_EQ(world.commands.find(1)->line(), "nosuch [x]");
  EXPECT_EQ(config(world, "a").sink, "console");
}

TEST(CommandQueue, KeepsTheLastThousandInTheStore) {
  MasterWorld world;
  for (size_t i = 0; i < kHistoryLength + 3; ++i) {
    world.run("noop", {});
  }
  EXPECT_EQ(world.view()->history.size(), kHistoryLength);
  EXPECT_EQ(world.view()->history.begin()->first, 3U);
  EXPECT_FALSE(world.commands.find(2).has_value());
}

TEST(CommandQueue, WhatRunsOrWaitsFailsWhenTheMasterStops) {
  MasterWorld world;
  const uint64_t running = world.commands.submit({"noop", {"3600000"}, "test", {}}).value();
  const uint64_t waiting = world.commands.submit({"noop", {}, "test", {}}).value();
  EXPECT_EQ(world.commands.wait_for(waiting, Wait::for_duration(Duration(0)))->state, CommandState::kQueued);
  world.commands.stop();
  EXPECT_EQ(world.commands.find(running)->message, "stopped");
  EXPECT_EQ(world.commands.find(waiting)->message, "stopped");
  EXPECT_EQ(world.commands.submit({"noop", {}, "test", {}}).status().code(), Code::kStopped);
}

TEST(CommandQueue, RunsAgainOnANewerViewAfterAConflict) {
  auto store = std::make_shared<MemoryStore>(random_id());
  MasterWorld one(store);
  MasterWorld other(store);
  EXPECT_EQ(one.error("config", {"a", "null", "null"}), "");
  // The other's view may still be the one without 'a'.
  EXPECT_EQ(other.error("config", {"a", "null", "console"}), "");
  EXPECT_EQ(config(other, "a").sink, "console");
}

TEST(CommandTable, EveryCommandDescribesItselfWhole) {
  std::string before;
  for (const CommandSpec& spec : command_table()) {
    EXPECT_LT(before, spec.name);
    before = spec.name;
    EXPECT_FALSE(spec.summary.empty()) << spec.name;
    ASSERT_FALSE(spec.forms.empty()) << spec.name;
    for (const CommandExample& example : spec.examples) {
      EXPECT_TRUE(check_command(spec.name, example.args.size()).ok()) << spec.name;
    }
  }
  EXPECT_TRUE(JsonValue::parse(command_schema_json()).ok());
}

}  // namespace
}  // namespace flume::master

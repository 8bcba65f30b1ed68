#include "master/cli/shell_completion.h"

#include <gtest/gtest.h>

#include "tests/support/master_world.h"

namespace flume::master {
namespace {

using Words = std::vector<std::string>;

Words at(const std::string& line, const std::string& word) {
  ShellVocabulary vocabulary;
  vocabulary.shell_commands = {"exec", "getconfigs", "getmappings"};
  vocabulary.master_commands = {"config", "multiconfig", "unconfig"};
  vocabulary.nodes = [] { return Words{"agent", "collector"}; };
  vocabulary.catalog = &test_catalog();
  return complete_shell_line(line, word, vocabulary);
}

TEST(ShellCompletion, CommandsThenCommandsOfTheMasterThenNodes) {
  EXPECT_EQ(at("get", "get"), (Words{"getconfigs", "getmappings"}));
  EXPECT_EQ(at("exec un", "un"), Words{"unconfig"});
  EXPECT_EQ(at("exec config ", ""), (Words{"agent", "collector"}));
  EXPECT_EQ(at("getmappings c", "c"), Words{"collector"});
}

TEST(ShellCompletion, ASpecificationIsCompletedInQuotesAndWithout) {
  EXPECT_EQ(at("exec config agent te", "te"), Words{"text"});
  EXPECT_EQ(at("exec config agent 'te", "te"), Words{"text"});
  EXPECT_EQ(at("exec config agent \"te", "te"), Words{"text"});
  EXPECT_EQ(at("exec config agent text(\"f\") co", "co"), Words{"console"});
  EXPECT_EQ(at("exec config agent 'text(\"f\")' '[ null, co", "co"), Words{"console"});
}

TEST(ShellCompletion, WhatIsNoSourceIsAFlowAndASourceFollows) {
  EXPECT_EQ(at("exec config agent myflow rpcS", "rpcS"), Words{"rpcSource"});
  EXPECT_EQ(at("exec config agent myflow null rpcS", "rpcS"), Words{"rpcSink"});
  EXPECT_EQ(at("exec config agent null rpcS", "rpcS"), Words{"rpcSink"});
}

TEST(ShellCompletion, AWholeTextOfManyNodes) {
  EXPECT_EQ(at("exec multiconfig 'agent : rpcS", "rpcS"), Words{"rpcSource"});
  EXPECT_EQ(at("exec multiconfig 'agent : null | rpcS", "rpcS"), Words{"rpcSink"});
}

TEST(ShellCompletion, NothingIsGuessedBehindEscapesAndInOddPlaces) {
  EXPECT_EQ(at("exec config agent \"text(\\\"te", "te"), Words{});
  EXPECT_EQ(at("'ex", "ex"), Words{});
  EXPECT_EQ(at("exec 'un", "un"), Words{});
}

TEST(ShellCompletion, AnOpenQuoteIsKnown) {
  EXPECT_EQ(open_quote("exec config a 'b"), '\'');
  EXPECT_EQ(open_quote("exec config a \"b\\\""), '"');
  EXPECT_EQ(open_quote("exec config a 'b' \"c\""), '\0');
}

}  // namespace
}  // namespace flume::master

#include "master/cli/shell_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flume::master {
namespace {

using Words = std::vector<std::string>;

Words words(const std::string& line) {
  const auto cut = shell_words(line);
  EXPECT_TRUE(cut.ok()) << cut.status().message();
  return cut.ok() ? *cut : Words();
}

TEST(ShellWords, AreCutAsTheClassicShellCutsThem) {
  EXPECT_EQ(words("exec noop 1000"), (Words{"exec", "noop", "1000"}));
  EXPECT_EQ(words("1 -2 :3 .4"), (Words{"1", "-2", ":3", ".4"}));
  EXPECT_EQ(words("exec config foo 'null' 'console(\"avrojson\")'"),
            (Words{"exec", "config", "foo", "null", "console(\"avrojson\")"}));
  EXPECT_EQ(words("exec config foo \"a\\\"b\" c"), (Words{"exec", "config", "foo", "a\"b", "c"}));
  EXPECT_EQ(words("exec config n 'tail(\"/a b\")' \"agentSink(\\\"h\\\")\""),
            (Words{"exec", "config", "n", "tail(\"/a b\")", "agentSink(\"h\")"}));
}

TEST(ShellWords, SingleQuotesKeepBackslashes) { EXPECT_EQ(words("a '\\n\\'"), (Words{"a", "\\n\\"})); }

TEST(ShellWords, EscapesInDoubleQuotes) { EXPECT_EQ(words("\"a\\tb\\n\""), Words{"a\tb\n"}); }

TEST(ShellWords, EmptyTextsAndJoinedParts) { EXPECT_EQ(words("a '' b\"c\"'d'"), (Words{"a", "", "bcd"})); }

TEST(ShellWords, CommentsAndEmptyLinesAreNothing) {
  EXPECT_EQ(words("# exec noop"), Words());
  EXPECT_EQ(words("   "), Words());
  EXPECT_EQ(words(""), Words());
}

TEST(ShellWords, PathsNeedNoQuotes) {
  EXPECT_EQ(words("exec save /tmp/x.flume"), (Words{"exec", "save", "/tmp/x.flume"}));
}

TEST(ShellWords, AnUnclosedQuoteIsAnErrorWithItsColumn) {
  EXPECT_EQ(shell_words("a 'it").status().message(), "the ' at column 3 is not closed");
  EXPECT_EQ(shell_words("a \"it\\\"").status().message(), "the \" at column 3 is not closed");
}

TEST(ShellTarget, HostAndPorts) {
  EXPECT_EQ(parse_shell_target("m1", 35873)->port, 35873);
  EXPECT_EQ(parse_shell_target("m1:4000", 35873)->port, 4000);
  EXPECT_EQ(parse_shell_target("m1:4000:45678", 35873)->port, 4000);
  EXPECT_EQ(parse_shell_target("m1:4000:45678", 35873)->host, "m1");
}

TEST(ShellTarget, WhatIsNoneIsAnError) {
  EXPECT_EQ(parse_shell_target("", 1).status().message(), "\"\": expected host[:adminport[:reportport]]");
  EXPECT_EQ(parse_shell_target("m:x", 1).status().message(), "\"m:x\": \"x\" is no port");
  EXPECT_EQ(parse_shell_target("m:70000", 1).status().message(), "\"m:70000\": \"70000\" is no port");
  EXPECT_FALSE(parse_shell_target("m:1:2:3", 1).ok());
}

}  // namespace
}  // namespace flume::master

#include "common/text/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "common/base/text.h"

namespace flume {
namespace {

using ::testing::ElementsAre;

std::string error_of(std::string_view pattern) { return Regex::compile(pattern).status().to_string(); }

std::vector<std::string> groups_of(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status().to_string();
  std::array<std::string_view, 4> groups;
  std::vector<std::string> found;
  if (regex.ok() && regex->find(text, 0, groups)) {
    for (size_t i = 0; i <= regex->group_count(); ++i) {
      found.emplace_back(groups[i].data() == nullptr ? "(none)" : std::string(groups[i]));
    }
  }
  return found;
}

std::vector<std::string> pieces_of(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status().to_string();
  std::vector<std::string_view> pieces;
  regex->split(text, pieces);
  return {pieces.begin(), pieces.end()};
}

TEST(Regex, FindsTheLeftmostMatchWithItsGroups) {
  EXPECT_THAT(groups_of("(.+)oo(.+)", "1:2:3.4foobar5"), ElementsAre("1:2:3.4foobar5", "1:2:3.4f", "bar5"));
  EXPECT_THAT(groups_of("(a)|(b)", "xb"), ElementsAre("b", "(none)", "b"));
  EXPECT_THAT(groups_of("a", "b"), ElementsAre());
}

TEST(Regex, FindsFromAPlaceOnWithTheTextBeforeItStillThere) {
  const auto regex = Regex::compile("^a|\\ba");
  std::array<std::string_view, 1> match;
  EXPECT_FALSE(regex->find("xa", 1, match));
  EXPECT_TRUE(regex->find("x a", 1, match));
  EXPECT_FALSE(regex->find("x", 2, match));
}

TEST(Regex, JavaSpellingsAreUnderstood) {
  EXPECT_THAT(groups_of("(?<name>\\u0041+)", "xAAy"), ElementsAre("AA", "AA"));
  EXPECT_THAT(groups_of("\\Qa*b(?=\\E", "a*b(?="), ElementsAre("a*b(?="));
  EXPECT_THAT(groups_of("a{2,3}", "aaaa"), ElementsAre("aaa"));
  EXPECT_THAT(groups_of("x\\h+y", "x \ty"), ElementsAre("x \ty"));
  EXPECT_THAT(groups_of("[^]a]+", "]b]"), ElementsAre("b"));
  EXPECT_THAT(groups_of("[[:digit:]*+]+", "a1*+"), ElementsAre("1*+"));
  EXPECT_THAT(groups_of("(?i)AB", "ab"), ElementsAre("ab"));
}

TEST(Regex, WhatRe2LacksIsNamed) {
  const auto error = [](std::string_view pattern, std::string_view what) {
    EXPECT_EQ(error_of(pattern), str_cat("invalid: regular expression ", quoted(pattern), ": ", what));
  };
  error("a(?=b)", "at 1: look-ahead (?=...) is not supported");
  error("a(?!b)", "at 1: look-ahead (?!...) is not supported");
  error("(?<=b)a", "at 0: look-behind (?<=...) is not supported");
  error("(?<!b)a", "at 0: look-behind (?<!...) is not supported");
  error("(a)\\1", "at 3: a back reference such as \\1 is not supported");
  error("(?<x>a)\\k<x>", "at 7: a back reference \\k<name> is not supported");
  error("a*+b", "at 1: a possessive repetition such as *+ is not supported");
  error("a?+b", "at 1: a possessive repetition such as *+ is not supported");
  error("a{1,2}+b", "at 5: a possessive repetition such as *+ is not supported");
  error("(?>a)", "at 0: an atomic group (?>...) is not supported");
  error("[a-z&&[^b]]", "at 4: an intersection && in a character class is not supported");
  error("[a[bc]]", "at 2: a character class inside a character class is not supported");
  error("a\\Z", "at 1: \\Z is not supported");
  error("\\u12", "at 0: \\u needs four hexadecimal digits");
  error("a(b", "missing ): a(b");
  error("*a", "no argument for repetition operator: *");
  error("a\\", "trailing \\");
}

TEST(Regex, LimitsHold) {
  EXPECT_EQ(error_of(std::string((64 << 10) + 1, 'a')),
            "invalid: regular expression of 65537 bytes: longer than 65536");
  std::string many;
  for (int i = 0; i < 65; ++i) {
    many += "(a)";
  }
  EXPECT_THAT(error_of(many), ::testing::EndsWith(": 65 groups, more than 64"));
}

TEST(Regex, SplitsLikeJava) {
  EXPECT_THAT(pieces_of(",", "a,b,,c,,"), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(pieces_of(",", ",a"), ElementsAre("", "a"));
  EXPECT_THAT(pieces_of(",", ","), ElementsAre());
  EXPECT_THAT(pieces_of(",", ""), ElementsAre(""));
  EXPECT_THAT(pieces_of(",", "abc"), ElementsAre("abc"));
  EXPECT_THAT(pieces_of("", "abc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(pieces_of("", "\xC3\xA9z"), ElementsAre("\xC3\xA9", "z"));
  EXPECT_THAT(pieces_of("", ""), ElementsAre(""));
  EXPECT_THAT(pieces_of("x*", "axxb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(pieces_of("\\.|:|foobar", "1:2:3.4foobar5"), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(pieces_of("#", "1:2"), ElementsAre("1:2"));
}

TEST(Regex, TextThatIsNotUtf8IsMatchedAsBytes) {
  EXPECT_THAT(groups_of("^.(.+)$", "a\xFF\xFEz"), ElementsAre("a\xFF\xFEz", "\xFF\xFEz"));
  EXPECT_THAT(groups_of("^(.)z$", "\xC3\xA9z"),
              ElementsAre("\xC3\xA9z", "\xC3\xA9"));  // one character when it is UTF-8
  const auto bytes = Regex::compile("^(.)", {.bytes = true});
  std::array<std::string_view, 2> groups;
  ASSERT_TRUE(bytes->find("\xC3\xA9", 0, groups));
  EXPECT_EQ(groups[1], "\xC3");
}

}  // namespace
}  // namespace flume

#include "common/text/escape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flume {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string time_text(std::string_view letters, int64_t millis) {
  std::string out;
  for (const char letter : letters) {
    append_time_escape(out, letter, TimeZone::utc().at(millis), millis);
    out += '|';
  }
  out.pop_back();
  return out;
}

TEST(EscapeTemplate, CutsTheTextIntoPieces) {
  const auto t = EscapeTemplate::parse("/a%%/%{host}%{a-b.c}%Y%{");
  ASSERT_TRUE(t.ok());
  std::vector<std::string> shown;
  for (const auto& piece : t->pieces()) {
    shown.push_back(std::to_string(static_cast<int>(piece.kind)) + (piece.letter ? std::string(1, piece.letter) : "") +
                    piece.text);
  }
  EXPECT_THAT(shown, ElementsAre("0/a%/", "2", "6a-b.c", "1Y", "0%{"));
  EXPECT_TRUE(t->has_escapes());
  EXPECT_THAT(t->warnings(), IsEmpty());
}

TEST(EscapeTemplate, WhatOnlyLooksLikeAnEscapeStays) {
  for (const char* text : {"", "%", "100%", "%{", "%{}", "%{a b}", "%{customer", "%-", "{foo}"}) {
    const auto t = EscapeTemplate::parse(text);
    EXPECT_FALSE(t->has_escapes()) << text;
    EXPECT_EQ(t->pieces().empty() ? "" : t->pieces()[0].text, text);
  }
}

TEST(EscapeTemplate, AnUnknownLetterGivesNothingAndAWarning) {
  const auto t = EscapeTemplate::parse("/henry/%f");
  EXPECT_EQ(t->pieces().size(), 1U);
  EXPECT_TRUE(t->has_escapes());
  EXPECT_THAT(t->warnings(), ElementsAre("%f is not known and gives nothing"));
}

TEST(EscapeTemplate, KnowsHowLongATimeStaysTheSame) {
  EXPECT_EQ(EscapeTemplate::parse("%{host}")->time_step_millis(), 0);
  EXPECT_EQ(EscapeTemplate::parse("%Y/%H")->time_step_millis(), 60'000);
  EXPECT_EQ(EscapeTemplate::parse("%Y%c")->time_step_millis(), 1000);
  EXPECT_EQ(EscapeTemplate::parse("%t%Y")->time_step_millis(), 1);
}

TEST(EscapeTemplate, RefusesZeroBytesAndEndlessText) {
  EXPECT_EQ(EscapeTemplate::parse(std::string_view("a\0b", 3)).status().to_string(),
            "invalid: template \"a\\x00b\": a zero byte");
  EXPECT_EQ(EscapeTemplate::parse(std::string(65537, 'a')).status().to_string(),
            "invalid: template of 65537 bytes: longer than 65536");
}

TEST(TimeEscape, ShowsEveryPartOfATime) {
  EXPECT_EQ(time_text("aAbBcdD", 1267578391000), "Wed|Wednesday|Mar|March|Wed Mar 3 01:06:31 2010|03|03/03/10");
  EXPECT_EQ(time_text("HIjklmMpsStyYz", 1267578391000),
            "01|01|062|1|1|03|06|AM|1267578391|31|1267578391000|10|2010|+0000");
  EXPECT_EQ(time_text("HIklp", 0), "00|12|0|12|AM");
  EXPECT_EQ(time_text("HIklp", 12 * 3'600'000), "12|12|12|12|PM");
}

TEST(TimeEscape, TimesBefore1970CountDown) {
  EXPECT_EQ(time_text("YmdHMS", -1), "1969|12|31|23|59|59");
  EXPECT_EQ(TimeZone::utc().at(-1).millis, 999);
  EXPECT_EQ(TimeZone::utc().at(INT64_MIN).year, -292275055);
}

}  // namespace
}  // namespace flume

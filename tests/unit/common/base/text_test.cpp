#include "common/base/text.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

TEST(StrCat, JoinsAllKindsOfPieces) { EXPECT_EQ(str_cat("port ", 35853, ' ', true, " ", 1.5), "port 35853 true 1.5"); }

TEST(Quoted, EscapesControlBytesAndKeepsUtf8) { EXPECT_EQ(quoted("a\n\x01\"\\é"), R"("a\n\x01\"\\é")"); }

TEST(Split, KeepsEmptyParts) {
  const std::vector<std::string_view> expected{"a", "", "b", ""};
  EXPECT_EQ(split("a,,b,", ','), expected);
}

TEST(ReplaceAll, ReplacesEveryPlaceAndNothingThatItPutThere) {
  EXPECT_EQ(replace_all("%s-%s", "%s", "a%s"), "a%s-a%s");
  EXPECT_EQ(replace_all("none", "%s", "x"), "none");
  EXPECT_EQ(replace_all("%s", "%s", ""), "");
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("12"), 12);
  EXPECT_FALSE(parse_number<int>("12x"));
  EXPECT_FALSE(parse_number<int>(""));
  EXPECT_FALSE(parse_number<int8_t>("300"));
}

TEST(NearestName, FindsASlipOfTheFingers) {
  const std::vector<std::string> names{"gzip", "gunzip", "batch", "console"};
  EXPECT_EQ(nearest_name("gizp", names), "gzip");
  EXPECT_EQ(nearest_name("consol", names), "console");
  EXPECT_EQ(nearest_name("Batch", names), "batch");
  EXPECT_FALSE(nearest_name("kafka", names));
}

TEST(Hex, GoesBothWays) {
  const std::vector<uint8_t> bytes{0, 0xab, 0xff};
  EXPECT_EQ(to_hex(bytes), "00abff");
  EXPECT_EQ(from_hex("00ABff"), bytes);
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Utf8, RefusesOverlongSurrogatesAndCutSequences) {
  EXPECT_TRUE(is_valid_utf8("aé€😀"));
  EXPECT_FALSE(is_valid_utf8("\xc0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xe2\x82"));
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
}

}  // namespace
}  // namespace flume

#include "dataflow-lang/source_text.h"

#include <gtest/gtest.h>

namespace flume::lang {
namespace {

TEST(SourceText, PlacesCountLinesAndCodePoints) {
  const SourceText text(
      "a\xc3\xa4"
      "b\r\n\nlast");
  EXPECT_EQ(text.place(0), (Place{1, 1}));
  EXPECT_EQ(text.place(3), (Place{1, 3}));
  EXPECT_EQ(text.place(6), (Place{2, 1}));
  EXPECT_EQ(text.place(7), (Place{3, 1}));
  EXPECT_EQ(text.place(1000), (Place{3, 5}));
}

TEST(SourceText, LinesHaveNoEndsAndMayEndInAnyWay) {
  const SourceText text("one\rtwo\r\nthree\nfour");
  EXPECT_EQ(text.line(1), "one");
  EXPECT_EQ(text.line(2), "two");
  EXPECT_EQ(text.line(3), "three");
  EXPECT_EQ(text.line(4), "four");
  EXPECT_EQ(text.line(0), "");
  EXPECT_EQ(text.line(5), "");
  EXPECT_EQ(text.line_begin(3), 9U);
}

TEST(SourceText, SpansPastTheEndAreCut) {
  const SourceText text("abc");
  EXPECT_EQ(text.at({1, 2}), "b");
  EXPECT_EQ(text.at({1, 200}), "bc");
  EXPECT_EQ(text.at({50, 60}), "");
  EXPECT_EQ(text.at({2, 1}), "");
}

TEST(SourceText, InvalidBytesCountOneEach) {
  EXPECT_EQ(count_code_points("\xff\xc3\xa4\xe2\x82"), 4U);  // ff, a umlaut, and two bytes of an unfinished euro sign
  EXPECT_EQ(count_code_points("\xf0\x9f\x98\x80"), 1U);
  EXPECT_EQ(count_utf16_units("\xf0\x9f\x98\x80\xc3\xa4z"), 4U);
  EXPECT_EQ(SourceText("\xf0\x9f\x98\x80z").utf16_offset(4), 2U);
}

}  // namespace
}  // namespace flume::lang

#include "dataflow-lang/diagnostic.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/text.h"

namespace flume::lang {
namespace {

TEST(Diagnostics, ShowThePlaceTheLineAndNotes) {
  const SourceText text("a: b |\n\tgizp \xc3\xa4 null;", "web.flow");
  DiagnosticSink sink(text);
  sink.error("L021", {8, 12}, "no decorator 'gizp'").notes.emplace_back("in node 'a'");
  sink.warning("W002", {13, 15}, "odd");
  EXPECT_EQ(to_text(sink.take()),
            "web.flow:2:2: error L021: no decorator 'gizp'\n"
            "  2 | \tgizp \xc3\xa4 null;\n"
            "    | \t^~~~\n"
            "    = in node 'a'\n"
            "web.flow:2:7: warning W002: odd\n"
            "  2 | \tgizp \xc3\xa4 null;\n"
            "    | \t     ^\n");
}

TEST(Diagnostics, AreSortedAndOnePlaceHasOneError) {
  const SourceText text("0123456789");
  DiagnosticSink sink(text);
  sink.error("L002", {6, 8}, "second");
  sink.error("L001", {1, 3}, "first");
  sink.error("L003", {7, 9}, "overlaps the second");
  sink.error("L004", {90, 99}, "past the end");
  const auto found = sink.take();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(to_line(found[0]), "text:1:2: error L001: first");
  EXPECT_EQ(to_line(found[1]), "text:1:7: error L002: second");
  EXPECT_EQ(to_line(found[2]), "text:1:11: error L004: past the end");
}

TEST(Diagnostics, LongLinesAreCutAroundThePlaceBetweenCharacters) {
  std::string line;
  for (int i = 0; i < 200; ++i) {
    line += "\xc3\xa4";
  }
  const SourceText text(line);
  DiagnosticSink sink(text);
  sink.error("L001", {200, 204}, "here");
  const auto found = sink.take();
  EXPECT_EQ(found[0].begin.column, 101U);
  EXPECT_EQ(found[0].source_line, str_cat("...", line.substr(0, 160), "..."));
  EXPECT_EQ(found[0].caret, std::string(43, ' ') + "^~");
}

TEST(Diagnostics, TwentyAreShownAndTheLastSaysThatThereAreMore) {
  const SourceText text(std::string(100, 'x'));
  DiagnosticSink sink(text);
  for (uint32_t i = 0; i < kMaxDiagnostics; ++i) {
    sink.error("L001", {i, i + 1}, "e");
  }
  EXPECT_FALSE(sink.full());
  sink.error("L001", {50, 51}, "e");
  EXPECT_TRUE(sink.full());
  const auto found = sink.take();
  ASSERT_EQ(found.size(), kMaxDiagnostics);
  EXPECT_EQ(found.back().notes, std::vector<std::string>{"more than 20 findings: the others are not shown"});
}

TEST(Diagnostics, AnErrorIsNeverHiddenByWarnings) {
  const SourceText text(std::string(100, 'x'));
  DiagnosticSink sink(text);
  for (uint32_t i = 0; i < kMaxDiagnostics; ++i) {
    sink.warning("W001", {i, i + 1}, "w");
  }
  sink.error("L001", {50, 51}, "e");
  sink.warning("W001", {60, 61}, "w");
  const auto found = sink.take();
  ASSERT_EQ(found.size(), kMaxDiagnostics);
  EXPECT_TRUE(has_errors(found));
  EXPECT_EQ(found.back().code, "L001");
}

TEST(Diagnostics, JsonCountsAsJavaScriptDoes) {
  const SourceText text("\xf0\x9f\x98\x80\xc3\xa4xy");
  DiagnosticSink sink(text);
  sink.error("L001", {4, 7}, "here").suggestion = "z";
  EXPECT_EQ(to_json(sink.take()[0]).to_json(),
            R"({"severity":"error","code":"L001","message":"here","field":"text","line":1,"column":2,"end_line":1,)"
            R"("end_column":4,"offset":4,"length":3,"utf16_offset":2,"utf16_length":2,"source_line":"😀äxy",)"
            R"("caret":" ^~","suggestion":"z","notes":[]})");
}

}  // namespace
}  // namespace flume::lang

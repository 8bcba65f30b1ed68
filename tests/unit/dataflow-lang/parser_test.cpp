#include "dataflow-lang/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/text.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

using Found = std::vector<std::string>;

Found findings(const std::vector<Diagnostic>& diagnostics) {
  Found out;
  for (const Diagnostic& found : diagnostics) {
    out.push_back(str_cat(found.begin.line, ":", found.begin.column, " ", found.code, " ", found.message));
  }
  return out;
}

// The canonical text, which must parse to the same tree again.
std::string sink(const std::string& text) {
  const auto parsed = parse_sink(SourceText(text));
  EXPECT_EQ(findings(parsed.diagnostics), Found()) << text;
  const std::string printed = print(parsed.tree);
  const auto again = parse_sink(SourceText(printed));
  EXPECT_EQ(again.tree, parsed.tree) << printed;
  EXPECT_EQ(print(again.tree), printed);
  return printed;
}

Found errors(const std::string& text) { return findings(parse_deployment(SourceText(text)).diagnostics); }

TEST(Parser, ReadsTheUsersOwnExample) {
  const auto parsed = parse_deployment(
      SourceText("agent: console | agentSink(\"localhost\", 35853); collector: collectorSource(35853) | console;"));
  EXPECT_EQ(findings(parsed.diagnostics), Found());
  EXPECT_EQ(print(parsed.tree),
            "agent : console | agentSink( \"localhost\", 35853 );\ncollector : collectorSource( 35853 ) | console;\n");
}

TEST(Parser, BothSpellingsOfADecoratorAreTheSame) {
  EXPECT_EQ(sink("{ gzip => null }"), "{ gzip => null }");
  EXPECT_EQ(sink("gzip null"), "{ gzip => null }");
  EXPECT_EQ(sink("batch(2) gzip null"), "{ batch( 2 ) => { gzip => null } }");
}

TEST(Parser, FanOutFailoverRollAndCollector) {
  EXPECT_EQ(sink("[a,b , c]"), "[ a, b, c ]");
  EXPECT_EQ(sink("< a ? b ? c >"), "< a ? b ? c >");
  EXPECT_EQ(sink("roll(100,trigger=size(5)){ null }"), "roll( 100, trigger=size(5) ) { null }");
  EXPECT_EQ(sink("collector() { [ a, b ] }"), "collector() { [ a, b ] }");
}

TEST(Parser, LiteralsAreKeptAsWritten) {
  EXPECT_EQ(sink("x(1, -5, 0x1F, 017, 1.5e3, \"a\\n\\\"b\", true, f(1, g), k=raw)"),
            "x( 1, -5, 0x1F, 017, 1.5e3, \"a\\n\\\"b\", true, f(1, g()), k=raw() )");
}

TEST(Parser, ACommentMayEndTheTextWithoutANewline) {
  EXPECT_EQ(errors("a : b | c; // the end"), Found());
  EXPECT_EQ(errors("/* first */ a : b | c; /* last */"), Found());
}

TEST(Parser, AnEmptyTextIsAnEmptyDeployment) { EXPECT_EQ(errors("  \n"), Found()); }

TEST(Parser, ReportsEveryErrorWithItsPlace) {
  EXPECT_EQ(errors("a : tail(\"x\" | null;\nb : | null;\nc : tail(\"é\", | null;").size(), 3U);
  EXPECT_EQ(errors("a : b | c"), Found{"1:10 L010 unexpected end of the text; expected '(', a sink or ';'"});
}

TEST(Parser, ColumnsCountCodePoints) {
  const Found found = errors("ä : b | é;");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].substr(0, 4), "1:1 ");
  const auto parsed = parse_deployment(SourceText("a : tail(\"€😀\") ;"));
  ASSERT_FALSE(parsed.diagnostics.empty());
  EXPECT_EQ(parsed.diagnostics[0].begin.column, 16U);
}

TEST(Parser, LimitsTextAndDepth) {
  EXPECT_EQ(errors(std::string(kMaxTextBytes + 1, ' ')).size(), 1U);
  std::string deep;
  for (uint32_t i = 0; i <= kMaxDepth; ++i) {
    deep += "[ ";
  }
  const auto parsed = parse_sink(SourceText(deep));
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].code, "L008");
}

TEST(Parser, PrintsTheTreeInTheClassicNotation) {
  EXPECT_EQ(print_tree(parse_sink(SourceText("gzip text(\"a\")")).tree),
            "(DECO (SINK gzip) (DECO (SINK text (STRING \"a\"))))");
}

TEST(Parser, NodeNames) {
  for (const char* good : {"collector", "roll", "web1", "10.0.0.1", "a.b-c_d"}) {
    EXPECT_TRUE(is_node_name(good)) << good;
  }
  for (const char* bad : {"", "a b", "1", "true", "a:b"}) {
    EXPECT_FALSE(is_node_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace flume::lang

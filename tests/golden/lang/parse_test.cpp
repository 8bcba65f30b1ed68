// What the real classic system answered for each of these texts, beside what ours answers. Where ours differs on
// purpose the case is listed with the reason; docs/language.md has the same table for users.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "common/json/json.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

struct Answer {
  bool ok = false;
  std::string ast;
  std::string canonical;
};

template <class Tree>
Answer answer_of(const Parsed<Tree>& parsed) {
  if (!parsed.ok()) {
    return {};
  }
  return {true, print_tree(parsed.tree), print(parsed.tree)};
}

Answer ours(const std::string& kind, const std::string& written) {
  const SourceText text(written);
  if (kind == "literal") {
    return answer_of(parse_argument(text));
  }
  if (kind == "source") {
    return answer_of(parse_source(text));
  }
  if (kind == "sink") {
    return answer_of(parse_sink(text));
  }
  if (kind == "host") {
    const auto parsed = parse_node_name(text);
    return parsed.ok() ? Answer{true, parsed.tree, ""} : Answer{};
  }
  return answer_of(parse_deployment(text));
}

// Where ours answers otherwise on purpose. "wider": ours takes it; "stricter": the classic parser stopped where it
// could go no further and left the rest of the text unread, ours reports it.
const std::map<std::string, std::string>& differences() {
  static const std::map<std::string, std::string> known = {
      {"s-parse-4", "wider: a bare word is a function without arguments, also as the value of a literal"},
      {"s-parse-6", "wider: negative numbers are numbers; the checker knows where they may stand"},
      {"s-parse-11", "stricter: rest of the text"},
      {"s-parse-12", "stricter: rest of the text"},
      {"s-parse-14", "wider: as s-parse-4"},
      {"s-parse-18", "stricter: rest of the text"},
      {"s-parse-22", "wider: a node may be called roll"},
      {"s-parse-23", "wider: a node may be called collector"},
      {"s-parse-34", "stricter: rest of the text"},
      {"s-parse-46", "wider: the checker says which argument of roll is missing"},
      {"s-parse-53", "wider: a failover has any number of branches"},
      {"s-parse-63", "stricter: rest of the text"},
      {"s-parse-64", "stricter: rest of the text"},
      {"s-parse-69", "stricter: rest of the text"},
      {"s-parse-75", "wider: an empty text describes no node"},
      {"s-parse-76", "wider: an empty text describes no node"},
      {"s-parse-80", "wider: a node may be called collector"},
      {"s-parse-89", "stricter: rest of the text"},
  };
  return known;
}

// The classic printer lost the parentheses of collector(), so its own text did not parse again.
std::string as_classic_canonical(std::string text) {
  const std::string ours = "collector() {";
  for (size_t at = 0; (at = text.find(ours, at)) != std::string::npos;) {
    text.replace(at, ours.size(), "collector {");
  }
  return text;
}

// The classic tree of a specification stands on one line and ends with the end of the text.
std::string as_classic_deployment(std::string ast) {
  std::replace(ast.begin(), ast.end(), '\n', ' ');
  return ast + "null";
}

TEST(GoldenParse, AnswersAsTheClassicSystemDid) {
  std::ifstream file(FLUME_SOURCE_DIR "/tests/golden/og/parse.jsonl");
  size_t cases = 0;
  for (std::string line; std::getline(file, line);) {
    const auto json = JsonValue::parse(line);
    ASSERT_TRUE(json.ok()) << line;
    const std::string id = json->text("id").value();
    const std::string text = json->text("text").value();
    const JsonValue* expect = json->find("expect");
    const std::string kind = json->text("kind").value();
    const Answer answer = ours(kind, text);
    ++cases;
    const bool differs = differences().contains(id);
    EXPECT_EQ(answer.ok, expect->boolean("ok").value() != differs) << id << ": " << text;
    if (answer.ok && expect->boolean("ok").value()) {
      if (const auto ast = expect->text("ast"); ast.ok()) {
        EXPECT_EQ(kind == "deploy" ? as_classic_deployment(answer.ast) : answer.ast, *ast) << id << ": " << text;
      }
      if (const auto canonical = expect->text("canonical"); canonical.ok()) {
        EXPECT_EQ(as_classic_canonical(answer.canonical), *canonical) << id << ": " << text;
      }
    }
  }
  EXPECT_EQ(cases, 303U);
}

}  // namespace
}  // namespace flume::lang

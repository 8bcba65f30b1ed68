// Trees made at random: what is printed parses to the same tree, however the text is laid out, and text that was
// damaged gives findings that lie inside it.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  size_t below(size_t limit) { return static_cast<size_t>(engine_() % limit); }
  bool one_in(size_t chances) { return below(chances) == 0; }
  template <class Container>
  const auto& one_of(const Container& from) {
    return from[below(std::size(from))];
  }

 private:
  std::mt19937_64 engine_;
};

// A tree of which every shape that the grammar has is possible.
class TreeMaker {
 public:
  explicit TreeMaker(Random& random) : random_(random) {}

  Deployment deployment() {
    static const std::array<std::string, 3> kHosts = {"roll", "collector", "10.0.0.1"};
    Deployment made;
    for (size_t left = random_.below(4) + 1; left > 0; --left) {
      NodeTree node;
      node.name = random_.one_in(4) ? random_.one_of(kHosts) : name();
      node.source = call();
      node.sink = sink(0);
      made.nodes.push_back(std::move(node));
    }
    return made;
  }

 private:
  std::string name() {
    static constexpr std::string_view kFirst = "abcxyzABCXYZ";
    static constexpr std::string_view kRest = "abcxyzABCXYZ0189_.-";
    std::string made(1, random_.one_of(kFirst));
    for (size_t left = random_.below(8); left > 0; --left) {
      made.push_back(random_.one_of(kRest));
    }
    return made;
  }

  std::string any_text() {
    static const std::array<std::string, 12> kPieces = {
        "a", " ", "\"", "\\", "\n", "%{host}", "/*", "\xc3\xa4", "\xf0\x9f\x98\x80", "\x01", "//", "{ } | ;"};
    std::string made;
    for (size_t left = random_.below(6); left > 0; --left) {
      made += random_.one_of(kPieces);
    }
    return made;
  }

  Argument argument(size_t depth) {
    using Kind = Argument::Kind;
    static const std::array<std::pair<Kind, std::string>, 14> kLiterals = {{{Kind::kDecimal, "0"},
                                                                            {Kind::kDecimal, "42"},
                                                                            {Kind::kDecimal, "-7"},
                                                                            {Kind::kDecimal, "99999999999999999999"},
                                                                            {Kind::kHex, "0x1F"},
                                                                            {Kind::kHex, "0X0"},
                                                                            {Kind::kOctal, "017"},
                                                                            {Kind::kFloat, "1.5"},
                                                                            {Kind::kFloat, "-0.5"},
                                                                            {Kind::kFloat, "1.5e3"},
                                                                            {Kind::kBool, "true"},
                                                                            {Kind::kBool, "false"},
                                                                            {Kind::kString, R"("\u0041\101\'\t")"},
                                                                            {Kind::kString, R"("")"}}};
    Argument made;
    if (depth < 3 && random_.one_in(5)) {
      made.kind = Kind::kFunction;
      made.text = name();
      made.args = arguments(depth + 1);
    } else if (random_.one_in(3)) {
      made.text = string_literal(any_text());
    } else {
      const auto& [kind, text] = random_.one_of(kLiterals);
      made.kind = kind;
      made.text = text;
    }
    return made;
  }

  std::vector<Argument> arguments(size_t depth) {
    std::vector<Argument> made;
    bool keyword = false;
    for (size_t left = random_.below(4); left > 0; --left) {
      made.push_back(argument(depth));
      keyword = keyword || random_.one_in(3);
      if (keyword) {
        made.back().keyword = name();
      }
    }
    return made;
  }

  Call call(const std::string& fixed = "") {
    Call made;
    made.name = fixed.empty() ? name() : fixed;
    made.args = arguments(0);
    return made;
  }

  SinkTree sink(size_t depth) {
    using Kind = SinkTree::Kind;
    SinkTree made;
    made.kind = depth < 5 ? static_cast<Kind>(random_.below(6)) : Kind::kPlain;
    size_t children = 1;
    switch (made.kind) {
      case Kind::kPlain:
        children = 0;
        made.call = call();
        break;
      case Kind::kDecorated: made.call = call(); break;
      case Kind::kFanOut: children = random_.below(3) + 1; break;
      case Kind::kFailover: children = random_.below(3) + 2; break;
      case Kind::kRoll: made.call = call("roll"); break;
      case Kind::kCollector: made.call = call("collector"); break;
    }
    for (; children > 0; --children) {
      made.children.push_back(sink(depth + 1));
    }
    return made;
  }

  Random& random_;
};

// The same tree as a person might have written it: any white space and comments between words, either spelling of a
// decorator, parentheses without arguments or none.
class Scribe {
 public:
  explicit Scribe(Random& random) : random_(random) {}

  std::string write(const Deployment& tree) {
    for (const NodeTree& node : tree.nodes) {
      word(node.name);
      word(":");
      write(node.source);
      word("|");
      write(node.sink);
      word(";");
    }
    return std::move(text_);
  }

 private:
  void word(std::string_view word) {
    static const std::array<std::string, 6> kGaps = {" ", "\n", "\t \r\n", " /* { \" */ ", " // | ;\n", "/***/ "};
    text_ += random_.one_of(kGaps);
    text_ += word;
  }

  void write(const Argument& argument) {
    if (!argument.keyword.empty()) {
      word(argument.keyword);
      word("=");
    }
    word(argument.text);
    if (argument.kind == Argument::Kind::kFunction) {
      write(argument.args);
    }
  }

  void write(const std::vector<Argument>& arguments) {
    if (arguments.empty() && random_.one_in(2)) {
      return;
    }
    write_parenthesized(arguments);
  }

  void write_parenthesized(const std::vector<Argument>& arguments) {
    word("(");
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (i > 0) {
        word(",");
      }
      write(arguments[i]);
    }
    word(")");
  }

  void write(const Call& call) {
    word(call.name);
    write(call.args);
  }

  void write(const std::vector<SinkTree>& sinks, std::string_view open, std::string_view between,
             std::string_view close) {
    word(open);
    for (size_t i = 0; i < sinks.size(); ++i) {
      if (i > 0) {
        word(between);
      }
      write(sinks[i]);
    }
    word(close);
  }

  void write(const SinkTree& sink) {
    using Kind = SinkTree::Kind;
    switch (sink.kind) {
      case Kind::kPlain: return write(sink.call);
      case Kind::kFanOut: return write(sink.children, "[", ",", "]");
      case Kind::kFailover: return write(sink.children, "<", "?", ">");
      case Kind::kRoll:
      case Kind::kCollector:
        word(sink.call.name);
        write_parenthesized(sink.call.args);
        return write(sink.children, "{", "", "}");
      case Kind::kDecorated: break;
    }
    const bool braces = random_.one_in(2);
    if (braces) {
      word("{");
    }
    write(sink.call);
    if (braces) {
      word("=>");
    }
    write(sink.children.front());
    if (braces) {
      word("}");
    }
  }

  Random& random_;
  std::string text_;
};

void expect_inside(const std::vector<Diagnostic>& diagnostics, const std::string& text) {
  ASSERT_LE(diagnostics.size(), kMaxDiagnostics + 1);
  for (const Diagnostic& found : diagnostics) {
    EXPECT_LE(found.span.begin, found.span.end) << text;
    EXPECT_LE(found.span.end, text.size()) << text;
    EXPECT_FALSE(found.code.empty());
    EXPECT_FALSE(found.message.empty());
  }
}

// One to three bytes are removed, doubled, or replaced.
std::string damaged(std::string text, Random& random) {
  static constexpr std::string_view kBytes = "{}[]<>()|;:,?=\"\\/*ax0.- \n\xc3\xff";
  for (size_t left = random.below(3) + 1; left > 0 && !text.empty(); --left) {
    const size_t at = random.below(text.size());
    switch (random.below(3)) {
      case 0: text.erase(at, 1); break;
      case 1: text.insert(at, 1, text[at]); break;
      default: text[at] = random.one_of(kBytes);
    }
  }
  return text;
}

// Three seeds, or the one in FLUME_SEED.
std::vector<uint64_t> seeds() {
  const char* given = std::getenv("FLUME_SEED");
  return given != nullptr ? std::vector<uint64_t>{parse_number<uint64_t>(given).value()}
                          : std::vector<uint64_t>{1, 2, 3};
}

class RoundTrip : public testing::TestWithParam<uint64_t> {
 protected:
  static constexpr int kTrees = 300;

  RoundTrip() : trace_(__FILE__, __LINE__, str_cat("FLUME_SEED=", GetParam())), random_(GetParam()), maker_(random_) {}

  testing::ScopedTrace trace_;
  Random random_;
  TreeMaker maker_;
};

TEST_P(RoundTrip, WhatIsPrintedParsesToTheSameTreeAndText) {
  for (int i = 0; i < kTrees; ++i) {
    const Deployment tree = maker_.deployment();
    const std::string printed = print(tree);
    const auto parsed = parse_deployment(SourceText(printed));
    ASSERT_EQ(to_text(parsed.diagnostics), "");
    ASSERT_EQ(parsed.tree, tree) << printed;
    ASSERT_EQ(print(parsed.tree), printed);
  }
}

TEST_P(RoundTrip, TheLayoutOfTheTextDoesNotMatter) {
  for (int i = 0; i < kTrees; ++i) {
    const Deployment tree = maker_.deployment();
    const std::string written = Scribe(random_).write(tree);
    const auto parsed = parse_deployment(SourceText(written));
    ASSERT_EQ(to_text(parsed.diagnostics), "");
    ASSERT_EQ(print(parsed.tree), print(tree)) << written;
    ASSERT_EQ(parsed.tree, tree) << written;
  }
}

TEST_P(RoundTrip, DamagedTextGivesFindingsInsideItOrParsesStably) {
  for (int i = 0; i < kTrees; ++i) {
    const std::string text = damaged(print(maker_.deployment()), random_);
    const auto parsed = parse_deployment(SourceText(text));
    expect_inside(parsed.diagnostics, text);
    if (parsed.ok()) {
      const auto again = parse_deployment(SourceText(print(parsed.tree)));
      ASSERT_EQ(to_text(again.diagnostics), "") << text;
      ASSERT_EQ(again.tree, parsed.tree) << text;
    }
  }
}

TEST_P(RoundTrip, TextCutAnywhereInsideANodeIsRefused) {
  const std::string text = print(maker_.deployment());
  for (size_t length = 0; length < text.size(); ++length) {
    const std::string cut = text.substr(0, length);
    const auto parsed = parse_deployment(SourceText(cut));
    expect_inside(parsed.diagnostics, cut);
    // Every node is a line that ends with a semicolon; literals keep line ends as escapes.
    const bool between_nodes = cut.empty() || cut.ends_with(";\n") || (cut.ends_with(";") && text[length] == '\n');
    ASSERT_EQ(parsed.ok(), between_nodes) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RoundTrip, testing::ValuesIn(seeds()),
                         [](const auto& one) { return str_cat(one.param); });

}  // namespace
}  // namespace flume::lang

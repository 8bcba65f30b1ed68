#include "dataflow-lang/completion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flume::lang {
namespace {

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() {
    ArgSpec file{.name = "file", .doc = "what to read", .required = true};
    ArgSpec end{.name = "startFromEnd", .doc = "skip", .default_text = "false", .type = ArgType::kBool};
    ArgSpec mode{.name = "mode", .doc = "how", .one_of = {"split", "cut"}};
    add(ComponentSpec::Kind::kSource, "tail", {file, end, mode});
    add(ComponentSpec::Kind::kSource, "text", {file});
    add(ComponentSpec::Kind::kSink, "console", {{.name = "format", .doc = "of output", .type = ArgType::kFormat}});
    add(ComponentSpec::Kind::kSink, "null", {});
    add(ComponentSpec::Kind::kDecorator, "gzip", {});
    add(ComponentSpec::Kind::kFormat, "raw", {});
    add(ComponentSpec::Kind::kFormat, "json", {});
  }

  void add(ComponentSpec::Kind kind, std::string name, std::vector<ArgSpec> args) {
    ComponentSpec spec{.kind = kind, .name = name, .summary = "For tests."};
    spec.args = std::move(args);
    spec.examples = {{name, "Nothing."}};
    ASSERT_TRUE(catalog_.add(std::move(spec)).ok());
  }

  // Labels offered at the mark `^`.
  std::vector<std::string> at(CompletionField field, std::string text) {
    const size_t cursor = text.find('^');
    text.erase(cursor, 1);
    const std::vector<std::string> nodes = {"agent", "collector"};
    last_ = complete(field, text, static_cast<uint32_t>(cursor), catalog_, nodes);
    std::vector<std::string> labels;
    for (const CompletionItem& item : last_.items) {
      labels.push_back(item.label);
    }
    return labels;
  }

  Catalog catalog_;
  Completion last_;
};

using Labels = std::vector<std::string>;
constexpr auto kText = CompletionField::kText;
constexpr auto kSource = CompletionField::kSource;
constexpr auto kSink = CompletionField::kSink;

TEST_F(CompletionTest, OffersWhatMayStandThere) {
  EXPECT_EQ(at(kSource, "^"), (Labels{"tail", "text"}));
  EXPECT_EQ(at(kSink, "^"), (Labels{"console", "null", "gzip"}));
  EXPECT_EQ(at(kSink, "gzip ^"), (Labels{"console", "null", "gzip"}));
  EXPECT_EQ(at(kSink, "{ ^"), Labels{"gzip"});
  EXPECT_EQ(at(kSink, "[ null, ^ ]"), (Labels{"console", "null", "gzip"}));
  EXPECT_EQ(at(kSink, "roll(10) { ^"), (Labels{"console", "null", "gzip"}));
}

TEST_F(CompletionTest, TheWordUnderTheCursorIsReplacedAsAWhole) {
  EXPECT_EQ(at(kSink, "{ gz^x => null }"), Labels{"gzip"});
  EXPECT_EQ(last_.from, 2U);
  EXPECT_EQ(last_.to, 5U);
  EXPECT_EQ(last_.items[0].insert, "gzip");
  EXPECT_EQ(last_.items[0].kind, "decorator");
}

TEST_F(CompletionTest, WhatBeginsWithTheWordComesFirst) { EXPECT_EQ(at(kSource, "t^"), (Labels{"tail", "text"})); }

TEST_F(CompletionTest, WholeSpecificationsHaveNodesSourcesAndSinks) {
  EXPECT_EQ(at(kText, "^"), (Labels{"agent", "collector"}));
  EXPECT_EQ(at(kText, "a : ^"), (Labels{"tail", "text"}));
  EXPECT_EQ(at(kText, "a : tail(\"x\") | ^"), (Labels{"console", "null", "gzip"}));
  EXPECT_EQ(at(kText, "a : tail(\"x\") | null; co^"), Labels{"collector"});
}

TEST_F(CompletionTest, ArgumentsAndTheirValues) {
  EXPECT_EQ(at(kSource, "tail(\"x\", ^"), (Labels{"true", "false", "file", "startFromEnd", "mode"}));
  EXPECT_EQ(at(kSource, "tail(\"x\", mode=^"), (Labels{"split", "cut"}));
  EXPECT_EQ(last_.items[0].insert, "\"split\"");
  EXPECT_EQ(at(kSink, "console(^)"), (Labels{"json", "raw", "format"}));
}

TEST_F(CompletionTest, NothingWithinATextOrAfterAnEnd) {
  EXPECT_EQ(at(kSource, "tail(\"/var/^\")"), Labels());
  EXPECT_EQ(at(kSource, "tail(\"/var/^"), Labels());
  EXPECT_EQ(at(kSource, "tail(\"x\") ^"), Labels());
}

TEST_F(CompletionTest, AnyOffsetAndAnyTextIsFine) {
  const std::string text = "a : [ ((\"x | <{ \xff gzip => ?;\n";
  for (uint32_t offset = 0; offset <= text.size() + 3; ++offset) {
    const Completion found = complete(kText, text, offset, catalog_);
    EXPECT_LE(found.from, found.to);
    EXPECT_LE(found.to, text.size());
  }
}

}  // namespace
}  // namespace flume::lang

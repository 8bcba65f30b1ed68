#include "dataflow-lang/catalog.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace flume::lang {
namespace {

using Kind = ComponentSpec::Kind;

ComponentSpec component(Kind kind, const std::string& name) {
  ComponentSpec spec{.kind = kind, .name = name, .summary = "Does it."};
  spec.examples = {{name, "Does it."}};
  return spec;
}

ArgSpec argument(const std::string& name) { return {.name = name, .doc = "What it is."}; }

// Everything that a description can say.
ComponentSpec full() {
  ComponentSpec spec = component(Kind::kSource, "full");
  spec.doc = "More *text*.";
  spec.since = "1.0";
  spec.aliases = {"voll", "plein"};
  ArgSpec first = argument("first");
  first.type = ArgType::kInteger;
  first.required = first.secret = true;
  first.min = -5;
  first.max = 1'000'000'000'000;
  ArgSpec second = argument("second");
  second.type = ArgType::kDuration;
  second.default_text = "100";
  second.setting = "the.setting";
  second.unit = "ms";
  ArgSpec third = argument("third");
  third.one_of = {"a", "b"};
  third.keyword_only = true;
  ArgSpec many = argument("many");
  many.repeated = true;
  spec.args = {first, second, third, many};
  spec.keeps = Keeps::kJournal;
  spec.receives = spec.remakes_rows = true;
  spec.replayable = spec.takes_responsibility = spec.needs_logical_node = spec.runs_commands = true;
  return spec;
}

TEST(Catalog, JsonKeepsEverything) {
  Catalog catalog;
  ASSERT_TRUE(catalog.add(full()).ok());
  ASSERT_TRUE(catalog.add(component(Kind::kFormat, "raw")).ok());
  const auto again = Catalog::from_json(catalog.to_json());
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->all(), catalog.all());
  EXPECT_EQ(again->to_json(), catalog.to_json());
}

TEST(Catalog, FindsByNameAndAliasWithinAKind) {
  Catalog catalog;
  ASSERT_TRUE(catalog.add(full()).ok());
  ASSERT_TRUE(catalog.add(component(Kind::kSink, "full")).ok());
  ASSERT_NE(catalog.find(Kind::kSource, "plein"), nullptr);
  EXPECT_EQ(catalog.find(Kind::kSource, "plein")->name, "full");
  EXPECT_EQ(catalog.find(Kind::kSink, "plein"), nullptr);
  EXPECT_EQ(catalog.find(Kind::kDecorator, "full"), nullptr);
  EXPECT_EQ(catalog.names(Kind::kSource), (std::vector<std::string>{"full", "plein", "voll"}));
  EXPECT_EQ(catalog.nearest(Kind::kSource, "ful"), "full");
  EXPECT_EQ(catalog.nearest(Kind::kSource, "completely"), "");
}

TEST(Catalog, SignatureTellsWhatMayBeLeftOut) {
  EXPECT_EQ(signature(full()), "full(first, [second], [third=...], [many...])");
  EXPECT_EQ(signature(component(Kind::kSink, "null")), "null");
}

TEST(Catalog, RefusesDescriptionsThatCannotBeRight) {
  Catalog catalog;
  ASSERT_TRUE(catalog.add(full()).ok());
  const auto refused = [&](const ComponentSpec& spec) { return std::string(catalog.add(spec).message()); };
  EXPECT_EQ(refused(component(Kind::kSource, "voll")), "source \"voll\" is there already");

  ComponentSpec spec = component(Kind::kSink, "s");
  spec.examples.clear();
  EXPECT_EQ(refused(spec), "sink \"s\": has no example");
  spec = component(Kind::kSink, "s");
  spec.summary.clear();
  EXPECT_EQ(refused(spec), "sink \"s\": has no name or no summary");

  const auto with = [&](std::vector<ArgSpec> args) {
    ComponentSpec made = component(Kind::kSink, "s");
    made.args = std::move(args);
    return refused(made);
  };
  ArgSpec needed = argument("n");
  needed.required = true;
  ArgSpec many = argument("m");
  many.repeated = true;
  EXPECT_EQ(with({argument("a"), argument("a")}), "sink \"s\", argument \"a\": is there twice");
  EXPECT_EQ(with({{.name = "a"}}), "sink \"s\", argument \"a\": has no name or no text");
  EXPECT_EQ(with({argument("a"), needed}), "sink \"s\", argument \"n\": is required after one that is not");
  EXPECT_EQ(with({many, argument("a")}), "sink \"s\", argument \"a\": can never be given after a repeated one");
  needed.default_text = "1";
  EXPECT_EQ(with({needed}), "sink \"s\", argument \"n\": is required and has a default");
  ArgSpec function = argument("f");
  function.type = ArgType::kFunction;
  EXPECT_EQ(with({function}), "sink \"s\", argument \"f\": names no functions");
  ArgSpec pattern = argument("t");
  pattern.type = ArgType::kSinkTemplate;
  EXPECT_EQ(with({pattern}), "sink \"s\": has a template and nothing to fill in");
  EXPECT_EQ(catalog.all().size(), 1U);
}

TEST(Catalog, ForeignJsonIsRefusedByName) {
  const auto error = [](const char* json) { return std::string(Catalog::from_json(json).status().message()); };
  EXPECT_EQ(error(R"({"version": 2, "components": []})"), "catalogue of version 2: only version 1 is known");
  EXPECT_EQ(error(R"({"version": 1, "components": [{"kind": "pump", "name": "x", "summary": "y"}]})"),
            "read the catalogue: components: unknown kind of component \"pump\"");
  EXPECT_EQ(error(R"({"version": 1})"), "read the catalogue: \"components\": expected an array");
}

}  // namespace
}  // namespace flume::lang

#include "dataflow-lang/checker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/text.h"
#include "dataflow-lang/parser.h"

namespace flume::lang {
namespace {

using Kind = ComponentSpec::Kind;

ComponentSpec component(Kind kind, std::string name, std::vector<ArgSpec> args = {}) {
  ComponentSpec spec{.kind = kind, .name = name, .summary = "For tests."};
  spec.args = std::move(args);
  spec.examples = {{name, "Nothing."}};
  return spec;
}

ArgSpec arg(std::string name, ArgType type, std::string default_text = "") {
  ArgSpec spec{.name = std::move(name), .doc = "for tests"};
  spec.type = type;
  spec.default_text = std::move(default_text);
  return spec;
}

ArgSpec required(ArgSpec spec) {
  spec.required = true;
  return spec;
}

class Checker : public testing::Test {
 protected:
  Checker() {
    ArgSpec mode = arg("mode", ArgType::kText, "\"split\"");
    mode.one_of = {"split", "cut"};
    ArgSpec delay = arg("delay", ArgType::kDuration, "100");
    delay.unit = "ms";
    delay.min = 1;
    delay.max = 60'000;
    ArgSpec trigger = arg("trigger", ArgType::kFunction, "time");
    trigger.one_of = {"time", "size(bytes)"};
    trigger.keyword_only = true;
    ArgSpec many = arg("attr", ArgType::kText);
    many.repeated = true;
    ArgSpec port = arg("port", ArgType::kPort);
    port.setting = "the.port";
    add(component(Kind::kSource, "tail",
                  {required(arg("file", ArgType::kText)), arg("startFromEnd", ArgType::kBool, "false"), mode, delay}));
    add(component(
        Kind::kSource, "number",
        {arg("n", ArgType::kInteger, "7"), arg("f", ArgType::kFloat, "0.5"), arg("b", ArgType::kBytes, "1KiB")}));
    add(component(Kind::kSink, "null"));
    add(component(Kind::kSink, "send", {arg("host", ArgType::kHostPort), port}));
    add(component(Kind::kSink, "file",
                  {required(arg("path", ArgType::kEscape)), arg("format", ArgType::kFormat, "raw")}));
    add(component(Kind::kSink, "roll", {required(arg("millis", ArgType::kDuration)), trigger}));
    add(component(Kind::kSink, "wrap", {required(arg("body", ArgType::kSinkText))}));
    ArgSpec values = required(arg("value", ArgType::kText));
    values.repeated = true;
    add(component(Kind::kSink, "each", {required(arg("body", ArgType::kSinkTemplate)), values}));
    ComponentSpec local = component(Kind::kSink, "local");
    local.needs_logical_node = true;
    add(local);
    add(component(Kind::kDecorator, "gzip"));
    add(component(Kind::kDecorator, "mask", {many}));
    add(component(Kind::kDecorator, "regex", {required(arg("pattern", ArgType::kRegex))}));
    add(component(Kind::kFormat, "raw"));
    add(component(Kind::kFormat, "seqfile", {arg("codec", ArgType::kText)}));
    options_.setting = [](std::string_view name) -> std::optional<std::string> {
      return name == "the.port" ? std::optional<std::string>("35853") : std::nullopt;
    };
  }

  void add(ComponentSpec spec) {
    const Status added = catalog_.add(std::move(spec));
    ASSERT_TRUE(added.ok()) << added.message();
  }

  // "line:column code message" of every finding.
  std::vector<std::string> findings(const std::vector<Diagnostic>& diagnostics) const {
    std::vector<std::string> out;
    for (const Diagnostic& found : diagnostics) {
      out.push_back(str_cat(found.begin.line, ":", found.begin.column, " ", found.code, " ", found.message));
    }
    return out;
  }
  std::vector<std::string> check_source_text(const std::string& text) {
    checked_ = check_node("n", text, "null", catalog_, options_);
    return findings(checked_.diagnostics);
  }
  std::vector<std::string> check_sink_text(const std::string& text) {
    checked_ = check_node("n", "tail(\"f\")", text, catalog_, options_);
    return findings(checked_.diagnostics);
  }
  const Args& source_args() const { return checked_.plan.source->args; }
  const Args& sink_args() const { return checked_.plan.sink->args; }

  Catalog catalog_;
  CheckOptions options_;
  CheckedNode checked_;
};

using Found = std::vector<std::string>;

TEST_F(Checker, FillsInDefaultsAndTypes) {
  EXPECT_EQ(check_source_text("tail(\"/a\\tb\", delay=\"2s\")"), Found());
  EXPECT_EQ(source_args().text("file"), "/a\tb");
  EXPECT_FALSE(source_args().boolean("startFromEnd"));
  EXPECT_EQ(source_args().text("mode"), "split");
  EXPECT_EQ(source_args().duration("delay"), std::chrono::seconds(2));
  EXPECT_TRUE(source_args().given("delay"));
  EXPECT_FALSE(source_args().given("mode"));
}

TEST_F(Checker, NumbersInEveryNotation) {
  EXPECT_EQ(check_source_text("number(0x10, 1.5, \"2MiB\")"), Found());
  EXPECT_EQ(source_args().integer("n"), 16);
  EXPECT_EQ(source_args().number("f"), 1.5);
  EXPECT_EQ(source_args().integer("b"), 2 << 20);
  EXPECT_EQ(check_source_text("number(010, 2, 64)"), Found());
  EXPECT_EQ(source_args().integer("n"), 8);
  EXPECT_EQ(source_args().number("f"), 2.0);
  EXPECT_EQ(check_source_text("number(-9223372036854775808)"), Found());
  EXPECT_EQ(source_args().integer("n"), INT64_MIN);
}

TEST_F(Checker, ANumberMayStandForAText) {
  EXPECT_EQ(check_source_text("tail(1)"), Found());
  EXPECT_EQ(source_args().text("file"), "1");
}

TEST_F(Checker, ASettingIsTheDefaultWhereItIsKnown) {
  EXPECT_EQ(check_sink_text("send(\"h\")"), Found());
  EXPECT_EQ(sink_args().integer("port"), 35853);
  options_.setting = nullptr;
  EXPECT_EQ(check_sink_text("send(\"h\")"), Found());
  EXPECT_FALSE(sink_args().has("port"));
}

TEST_F(Checker, ASettingThatDoesNotFitIsReportedAtTheComponent) {
  options_.setting = [](std::string_view) -> std::optional<std::string> { return "70000"; };
  EXPECT_EQ(check_sink_text("gzip send(\"h\")"),
            Found{"1:6 L027 argument 'port' of send: 70000 is no port; it must be from 0 to 65535"});
  EXPECT_EQ(check_sink_text("gzip send(\"h\", 1)"), Found());
}

TEST_F(Checker, NumbersAreFinite) {
  EXPECT_EQ(check_source_text("number(f=\"nan\")"),
            Found{"1:10 L026 argument 'f' of number: expected a number, found a text"});
  EXPECT_EQ(check_source_text("number(f=\"inf\")"),
            Found{"1:10 L026 argument 'f' of number: expected a number, found a text"});
}

TEST_F(Checker, AnErrorBehindManyWarningsIsAnError) {
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += "a : tail(\"f\") | null;\n";
  }
  EXPECT_TRUE(check_text(SourceText(text), catalog_, options_).ok());
  const Checked checked = check_text(SourceText(text + "b : nosuch | null;\n"), catalog_, options_);
  EXPECT_FALSE(checked.ok());
  ASSERT_EQ(checked.diagnostics.size(), kMaxDiagnostics);
  EXPECT_EQ(checked.diagnostics.back().message, "no source 'nosuch'");
}

TEST_F(Checker, UnknownNamesGetTheNearestOneOfTheirKind) {
  EXPECT_EQ(check_source_text("tial(\"f\")"), Found{"1:1 L021 no source 'tial'; did you mean 'tail'?"});
  EXPECT_EQ(checked_.diagnostics[0].suggestion, "tail");
  EXPECT_EQ(checked_.diagnostics[0].field, "source");
  EXPECT_EQ(check_sink_text("{ gizp => null }"), Found{"1:3 L021 no decorator 'gizp'; did you mean 'gzip'?"});
  EXPECT_EQ(check_sink_text("tail(\"f\")"), Found{"1:1 L021 no sink 'tail'; there is a source of that name"});
  EXPECT_EQ(check_sink_text("file(\"f\", rwa)"), Found{"1:11 L021 no output format 'rwa'; did you mean 'raw'?"});
}

TEST_F(Checker, CountsAndNamesArguments) {
  EXPECT_EQ(check_source_text("tail"), Found{"1:1 L023 tail needs the argument 'file': for tests"});
  EXPECT_EQ(check_sink_text("null(1)"), Found{"1:6 L022 null takes no arguments"});
  EXPECT_EQ(check_sink_text("send(\"a\", 1, 2, 3)"), Found{"1:14 L022 send takes at most 2 arguments"});
  EXPECT_EQ(check_source_text("tail(\"f\", dealy=5)"),
            Found{"1:11 L024 tail has no argument 'dealy'; did you mean 'delay'?"});
  EXPECT_EQ(check_source_text("tail(\"f\", file=\"g\")"), Found{"1:11 L025 argument 'file' of tail is given twice"});
}

TEST_F(Checker, RepeatedArgumentsTakeAnyNumber) {
  EXPECT_EQ(check_sink_text("mask(\"a\", \"b\", \"c\") null"), Found());
  EXPECT_EQ(sink_args().texts("attr"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(check_sink_text("mask null"), Found());
}

TEST_F(Checker, WrongTypesSayWhatWasExpected) {
  EXPECT_EQ(check_source_text("number(\"x\")"),
            Found{"1:8 L026 argument 'n' of number: expected an integer, found a text"});
  EXPECT_EQ(check_source_text("tail(\"f\", 3)"),
            Found{"1:11 L026 argument 'startFromEnd' of tail: expected true or false, found an integer"});
  EXPECT_EQ(check_source_text("tail(raw)"), Found{"1:6 L026 argument 'file' of tail: expected a text, found a name"});
  EXPECT_EQ(check_source_text("tail(\"f\", delay=\"soon\")").size(), 1U);
}

TEST_F(Checker, RangesUnitsAndPorts) {
  EXPECT_EQ(check_source_text("tail(\"f\", delay=0)"),
            Found{"1:17 L027 argument 'delay' of tail: 0 is out of range; it must be from 1 to 60000 ms"});
  EXPECT_EQ(check_source_text("tail(\"f\", delay=-1)"),
            Found{"1:17 L027 argument 'delay' of tail: -1 is out of range; it must be from 1 to 60000 ms"});
  EXPECT_EQ(check_source_text("tail(\"f\", delay=\"2h\")"),
            Found{"1:17 L027 argument 'delay' of tail: \"2h\" is out of range; it must be from 1 to 60000 ms"});
  EXPECT_EQ(check_sink_text("send(\"h\", 65536)"),
            Found{"1:11 L027 argument 'port' of send: 65536 is no port; it must be from 0 to 65535"});
  EXPECT_EQ(check_sink_text("send(\"h:99999\")"),
            Found{"1:6 L027 argument 'host' of send: '99999' is no port; it must be from 1 to 65535"});
  EXPECT_EQ(check_source_text("number(9223372036854775808)"),
            Found{"1:8 L027 argument 'n' of number: 9223372036854775808 does not fit into 64 bits"});
}

TEST_F(Checker, ChoicesAreListed) {
  EXPECT_EQ(check_source_text("tail(\"f\", mode=\"splt\")"),
            Found{"1:16 L028 argument 'mode' of tail: 'splt' is not one of split, cut"});
  EXPECT_EQ(checked_.diagnostics[0].suggestion, "\"split\"");
}

TEST_F(Checker, FunctionsHaveArgumentsOfTheirOwn) {
  EXPECT_EQ(check_sink_text("roll(10, trigger=size(\"1MiB\")) { null }"), Found());
  EXPECT_EQ(std::get<int64_t>(sink_args().function("trigger").args[0]), 1 << 20);
  EXPECT_EQ(check_sink_text("roll(10, trigger=time) { null }"), Found());
  EXPECT_EQ(check_sink_text("roll(10, trigger=foo) { null }"),
            Found{"1:18 L028 argument 'trigger' of roll: 'foo' is not one of time, size(bytes)"});
  EXPECT_EQ(check_sink_text("roll(10, trigger=size) { null }"),
            Found{"1:18 L022 argument 'trigger' of roll: size takes one argument"});
  EXPECT_EQ(check_sink_text("roll(10, trigger=size(\"badarg\")) { null }").size(), 1U);
}

TEST_F(Checker, FormatsAsNameTextAndFunction) {
  EXPECT_EQ(check_sink_text("file(\"f\", \"raw\")"), Found());
  EXPECT_EQ(sink_args().function("format").text(), "raw");
  EXPECT_EQ(check_sink_text("file(\"f\", seqfile(\"bzip2\"))"), Found());
  EXPECT_EQ(sink_args().function("format").text(), "seqfile(\"bzip2\")");
  EXPECT_EQ(check_sink_text("file(\"f\", raw(1))"), Found{"1:15 L022 raw takes no arguments"});
}

TEST_F(Checker, RegularExpressionsAndEscapesAreCompiled) {
  EXPECT_EQ(check_sink_text("regex(\"a+\") null"), Found());
  EXPECT_EQ(findings(check_node("n", "tail(\"f\")", "regex(\"(\") null", catalog_, options_).diagnostics).size(), 1U);
  EXPECT_EQ(check_sink_text("file(\"%q\")"),
            Found{"1:6 W002 argument 'path' of file: %q is not known and gives nothing"});
  EXPECT_TRUE(checked_.ok());
}

TEST_F(Checker, SinksWithinTextsAreCheckedToo) {
  EXPECT_EQ(check_sink_text("wrap(\"gzip null\")"), Found());
  EXPECT_EQ(check_sink_text("wrap(\"gzip nul\")"),
            Found{"1:6 L053 argument 'body' of wrap: in the sink, at 1:6: no sink 'nul'; did you mean 'null'?"});
}

TEST_F(Checker, ATemplateBecomesOneSinkForEachValue) {
  EXPECT_EQ(check_sink_text("each(\"gzip send(\\\"%s\\\")\", \"a\", 7)"), Found());
  const auto& children = checked_.plan.sink->children;
  ASSERT_EQ(children.size(), 2U);
  EXPECT_EQ(children[0]->text, "{ gzip => send( \"a\" ) }");
  EXPECT_EQ(children[1]->text, "{ gzip => send( \"7\" ) }");
  EXPECT_EQ(children[1]->path, "sink.failover.1");
}

TEST_F(Checker, WhatATemplateBecomesIsCheckedForEachValue) {
  EXPECT_EQ(
      check_sink_text("each(\"%s\", \"null\", \"nul\")"),
      Found{"1:1 L053 argument 'body' of each: in the sink \"nul\", at 1:1: no sink 'nul'; did you mean 'null'?"});
  EXPECT_EQ(check_sink_text("each(\"{ gzip => %s\", \"null\")").size(), 1U);
  EXPECT_EQ(check_sink_text("each(\"null\")").size(), 1U);
  EXPECT_EQ(checked_.plan.sink, nullptr);
}

TEST_F(Checker, ATemplateCannotStandForAnEndlessText) {
  EXPECT_EQ(
      check_sink_text("each(\"each(\\\"null\\\", 1)\", 2)"),
      Found{"1:1 L053 argument 'body' of each: in the sink \"each(\\\"null\\\", 1)\", at 1:1: each cannot stand in "
            "the text of another one"});
  const std::string padding(5000, ' ');
  std::string values;
  for (int i = 0; i < 300; ++i) {
    values += ", 1";
  }
  EXPECT_EQ(check_sink_text("each(\"null" + padding + "\"" + values + ")"),
            Found{"1:1 L053 argument 'body' of each: longer than 1 MiB when everything is filled in"});
}

TEST_F(Checker, AllErrorsOfBothHalvesAreReported) {
  const CheckedNode checked = check_node("n", "tial(1)", "[ nul, { gizp => nul } ]", catalog_, options_);
  EXPECT_EQ(
      findings(checked.diagnostics),
      (Found{"1:1 L021 no source 'tial'; did you mean 'tail'?", "1:3 L021 no sink 'nul'; did you mean 'null'?",
             "1:10 L021 no decorator 'gizp'; did you mean 'gzip'?", "1:18 L021 no sink 'nul'; did you mean 'null'?"}));
  EXPECT_EQ(checked.plan.source, nullptr);
  EXPECT_EQ(checked.plan.sink, nullptr);
}

TEST_F(Checker, PathsNameThePlaceInThePlan) {
  EXPECT_EQ(check_sink_text("gzip [ null, < null ? gzip null > ]"), Found());
  const Plan& sink = *checked_.plan.sink;
  EXPECT_EQ(sink.path, "sink");
  const Plan& fan_out = *sink.children[0];
  EXPECT_EQ(fan_out.path, "sink.0");
  EXPECT_EQ(fan_out.children[1]->path, "sink.0.1");
  EXPECT_EQ(fan_out.children[1]->children[1]->path, "sink.0.1.failover.1");
  EXPECT_EQ(fan_out.children[1]->children[1]->children[0]->path, "sink.0.1.failover.1.0");
}

TEST_F(Checker, ADescribedAgainNodeCountsOnceWithAWarning) {
  const SourceText text("a: tail(\"1\") | null;\na: tail(\"2\") | null;");
  const Checked checked = check_text(text, catalog_, options_);
  EXPECT_EQ(findings(checked.diagnostics), Found{"1:1 W001 'a' is described again at 2:1; that one counts"});
  ASSERT_EQ(checked.nodes.size(), 1U);
  EXPECT_EQ(checked.nodes[0].source->args.text("file"), "2");
}

TEST_F(Checker, WhatCouldBeParsedIsCheckedToo) {
  const Checked checked = check_text(SourceText("a: tail( | null;\nb: tial(\"x\") | null;"), catalog_, options_);
  ASSERT_EQ(checked.diagnostics.size(), 2U) << to_text(checked.diagnostics);
  EXPECT_EQ(checked.diagnostics[0].begin.line, 1U);
  EXPECT_EQ(checked.diagnostics[1].begin.line, 2U);
  EXPECT_TRUE(checked.nodes.empty());
}

TEST_F(Checker, AnArgumentThatDidNotParseLeavesNoPlan) {
  const Checked checked = check_text(SourceText("a: tail(\"x) | null;"), catalog_, options_);
  EXPECT_TRUE(has_errors(checked.diagnostics));
  EXPECT_TRUE(checked.nodes.empty());
}

TEST_F(Checker, UnknownComponentsMayBeAllowed) {
  options_.allow_unknown_components = true;
  EXPECT_EQ(check_source_text("ours(1)"), Found{"1:1 W003 no source 'ours'; only a node that knows it can run this"});
  EXPECT_TRUE(checked_.ok());
  EXPECT_EQ(checked_.plan.source, nullptr);
}

TEST_F(Checker, WhatNeedsALogicalNodeIsRefusedWithoutOne) {
  EXPECT_EQ(check_sink_text("local"), Found());
  options_.logical_node_known = false;
  EXPECT_EQ(check_sink_text("local"), Found{"1:1 L029 local works in a logical node only"});
}

TEST_F(Checker, BrokenDescriptionsAreFound) {
  add(component(Kind::kSource, "bad", {arg("n", ArgType::kInteger, "many")}));
  ComponentSpec example = component(Kind::kSink, "odd");
  example.examples = {{"even", "Is not there."}};
  add(example);
  const auto wrong = check_catalog(catalog_, options_);
  const auto mentions = [&wrong](std::string_view words) {
    return std::any_of(wrong.begin(), wrong.end(),
                       [&](const std::string& line) { return line.find(words) != line.npos; });
  };
  EXPECT_TRUE(mentions("source bad: default of 'n'"));
  EXPECT_TRUE(mentions("no sink 'even'"));
}

}  // namespace
}  // namespace flume::lang

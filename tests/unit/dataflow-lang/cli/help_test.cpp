#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataflow-lang/cli/commands.h"

namespace flume::lang {
namespace {

Catalog catalog() {
  ComponentSpec tail{.name = "tail", .summary = "Reads a file as it grows."};
  tail.args = {{.name = "file", .doc = "what to read", .required = true},
               {.name = "delay",
                .doc = "how long to wait",
                .default_text = "10",
                .unit = "ms",
                .type = ArgType::kDuration,
                .min = 0}};
  tail.examples = {{"tail(\"/a\")", "Reads /a."}};
  ComponentSpec gzip{.kind = ComponentSpec::Kind::kDecorator, .name = "gzip", .summary = "Compresses bodies."};
  gzip.examples = {{"{ gzip => null }", "Compresses and drops."}};
  Catalog made;
  EXPECT_TRUE(made.add(tail).ok());
  EXPECT_TRUE(made.add(gzip).ok());
  return made;
}

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run(const Command& command, const std::vector<std::string>& args) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  Ran ran;
  ran.code = command.run(args);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

class Help : public testing::Test {
 protected:
  Help() { commands_.push_back(help_command(catalog_, commands_)); }
  Ran help(const std::vector<std::string>& args) { return run(commands_.back(), args); }

  const Catalog catalog_ = catalog();
  std::vector<Command> commands_;
};

TEST_F(Help, ShowsAComponentWithItsArgumentsAndExamples) {
  const Ran ran = help({"tail"});
  EXPECT_EQ(ran.code, kExitOk);
  EXPECT_EQ(ran.out,
            "source tail(file, [delay])\n\nReads a file as it grows.\n\nArguments:\n"
            "  file   what to read (text, required)\n"
            "  delay  how long to wait (duration in ms, 0 or more, default 10)\n"
            "\nExamples:\n  tail(\"/a\")  Reads /a.\n");
}

TEST_F(Help, AnUnknownNameGetsTheNearestOfCommandsAndComponents) {
  const Ran ran = help({"gizp"});
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_EQ(ran.err, "help: no command or component \"gizp\"; did you mean gzip?\n");
  EXPECT_EQ(help({"hlep"}).err, "help: no command or component \"hlep\"; did you mean help?\n");
}

TEST_F(Help, WithoutANameListsCommandsAndComponentsByKind) {
  const Ran ran = help({});
  EXPECT_EQ(ran.code, kExitOk);
  EXPECT_NE(ran.out.find("\nCommands:\n  help  show commands and components\n"), std::string::npos);
  EXPECT_NE(ran.out.find("\nSources:\n  tail  Reads a file as it grows.\n"), std::string::npos);
  EXPECT_NE(ran.out.find("\nDecorators:\n  gzip  Compresses bodies.\n"), std::string::npos);
}

TEST_F(Help, SettingsAreATopicOfTheirOwn) {
  const Ran ran = help({"settings"});
  EXPECT_EQ(ran.code, kExitOk);
  EXPECT_NE(ran.out.find("\nflume.master.http.port (port) = \"35871\"\n    Port of the master"), std::string::npos);
}

TEST_F(Help, JsonIsTheCatalogueAndReadsBack) {
  const Ran ran = help({"--json"});
  EXPECT_EQ(ran.code, kExitOk);
  const auto read = Catalog::from_json(ran.out);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->all(), catalog_.all());
}

TEST_F(Help, MarkdownHasEachComponentUnderItsKind) {
  const std::string text = help({"--markdown"}).out;
  EXPECT_NE(text.find("\n## Sources\n\n### tail\n\n`tail(file, [delay])`\n"), std::string::npos);
  EXPECT_NE(text.find("| `delay` | how long to wait | duration in ms, 0 or more, default 10 |\n"), std::string::npos);
  EXPECT_NE(text.find("\n## Decorators\n\n### gzip\n"), std::string::npos);
}

}  // namespace
}  // namespace flume::lang

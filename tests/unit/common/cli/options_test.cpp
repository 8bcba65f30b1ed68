#include "common/cli/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/command.h"

namespace flume {
namespace {

struct App {
  App() {
    app.add_flag("--json", json, "as JSON");
    app.add_option("file", file, "a file");
  }
  std::optional<int> parse(const std::vector<std::string>& args) {
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const auto code = parse_options(app, args);
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    return code;
  }

  CLI::App app{"Checks.", "check"};
  bool json = false;
  std::string file;
  std::string out;
  std::string err;
};

TEST(Options, FillsWhatWasDeclared) {
  App app;
  EXPECT_EQ(app.parse({"a.flow", "--json"}), std::nullopt);
  EXPECT_TRUE(app.json);
  EXPECT_EQ(app.file, "a.flow");
  EXPECT_EQ(app.err, "");
}

TEST(Options, AnUnknownOptionIsAUsageErrorWithTheNearestName) {
  App app;
  EXPECT_EQ(app.parse({"--jsn"}), kExitUsage);
  EXPECT_EQ(app.err, "check: no option \"--jsn\" (did you mean --json?); see flume help check\n");
}

TEST(Options, ASecondFileIsAnUnexpectedArgument) {
  App app;
  EXPECT_EQ(app.parse({"a", "b"}), kExitUsage);
  EXPECT_EQ(app.err, "check: unexpected argument \"b\"; see flume help check\n");
}

TEST(Options, HelpPrintsTheUsageAndIsNoError) {
  App app;
  EXPECT_EQ(app.parse({"--help"}), kExitOk);
  EXPECT_NE(app.out.find("as JSON"), std::string::npos);
  EXPECT_EQ(app.out, usage_of(app.app));
}

}  // namespace
}  // namespace flume

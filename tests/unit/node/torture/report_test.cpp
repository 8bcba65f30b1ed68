#include "node/torture/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Account bad() {
  Account account;
  account.lost = 1;
  account.duplicated = 2;
  account.reordered = 3;
  account.rewinds = 4;
  return account;
}

TEST(Promise, IsBrokenByWhatItForbidsOnly) {
  EXPECT_THAT(Promise{}.broken_by(Account{}), IsEmpty());
  EXPECT_THAT(Promise{}.broken_by(bad()), ElementsAre("1 lines lost", "2 lines duplicated", "3 lines reordered"));
  const Promise weak = {.lossless = false, .once = false, .ordered = false, .most_rewinds = 3};
  EXPECT_THAT(weak.broken_by(bad()), ElementsAre("4 times back to an earlier line, at most 3 allowed"));
  Account worse;
  worse.damaged = 1;
  worse.foreign = 1;
  worse.ends_missing = 1;
  EXPECT_EQ(weak.broken_by(worse).size(), 3U) << "these no promise allows";
}

TEST(RunReport, FailsByItsPromiseAndSaysHowToRepeat) {
  RunReport report;
  report.options.scenario = "kill";
  report.options.seed = 7;
  report.options.mode = Mode::kDfo;
  report.options.time = std::chrono::milliseconds(2500);
  EXPECT_TRUE(report.passed());
  report.account = bad();
  report.judge();
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.command(), "flume torture run kill --mode dfo --seed 7 --seconds 2.5");
  EXPECT_THAT(report.to_text(), HasSubstr("FAILED kill (dfo), seed 7"));
  EXPECT_THAT(report.to_text(), HasSubstr("FAILED: 2 lines duplicated"));
  EXPECT_THAT(report.to_json(), HasSubstr(R"("duplicated":2)"));
  EXPECT_THAT(report.to_json(), HasSubstr(R"("passed":false)"));
}

TEST(RunReport, ADocumentHasALineForEachRunAndSaysWhatFailed) {
  std::vector<RunReport> runs(2);
  runs[0].options.scenario = "tail";
  runs[0].fact("cells", 42);
  runs[1].options.scenario = "kill";
  runs[1].account = bad();
  runs[1].judge();
  const std::string text = to_markdown(runs);
  EXPECT_THAT(text, HasSubstr("| tail | be | passed | 0.0 | 0 | 0 | 0 | 0 | 0 | 0 | "));
  EXPECT_THAT(text, HasSubstr("| kill | be | **failed** | 0.0 | 0 | 1 | 2 | 3 | 0 | 0 | "));
  EXPECT_THAT(text, HasSubstr("* cells: 42\n"));
  EXPECT_THAT(text, HasSubstr("* **failed**: 1 lines lost\n"));
}

TEST(Mode, HasNames) {
  for (const Mode mode : kModes) {
    EXPECT_EQ(mode_named(name_of(mode)), mode);
  }
  EXPECT_FALSE(mode_named("exactly"));
}

TEST(Scenarios, AllPromiseSomethingInSomeMode) {
  for (const Scenario& scenario : scenarios()) {
    EXPECT_EQ(scenario_named(scenario.name), &scenario);
    EXPECT_TRUE(scenario.has(Mode::kE2e)) << scenario.name;
    EXPECT_TRUE(scenario.in(Mode::kE2e).promise.lossless) << scenario.name;
    EXPECT_NE(scenario.run, nullptr);
  }
  EXPECT_EQ(scenario_named("none"), nullptr);
}

}  // namespace
}  // namespace flume::torture

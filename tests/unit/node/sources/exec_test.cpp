#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_exec(Registry& registry);

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class ExecTest : public testing::Test {
 protected:
  void TearDown() override {
    if (source_ != nullptr) {
      EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
    }
  }

  void start(const std::string& name, const test::GivenArgs& args) {
    source_ = rig_.make(name, args);
    const Status status = rig_.open(*source_);
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  // Up to the end, or so many events.
  std::vector<Event> events(size_t at_most = SIZE_MAX) {
    std::vector<Event> all;
    EventBatch batch;
    while (all.size() < at_most) {
      const auto got = source_->next(batch, Wait::for_duration(60s));
      if (!got.ok() || *got != Source::Next::kBatch) {
        EXPECT_TRUE(got.ok() && *got == Source::Next::kEnd) << got.status().to_string();
        break;
      }
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        all.push_back(batch.event(row));
      }
      batch.settle(Outcome::kDelivered);
    }
    return all;
  }
  std::vector<std::string> bodies(size_t at_most = SIZE_MAX) {
    std::vector<std::string> all;
    for (const Event& event : events(at_most)) {
      all.push_back(event.attributes.at("procsource") + " " + event.body);
    }
    return all;
  }

  // The source has seen the end of a command.
  bool has_ended() const {
    const auto samples = rig_.metrics.samples();
    return std::any_of(samples.begin(), samples.end(),
                       [](const MetricSample& sample) { return sample.name == "flume_exec_last_exit_status"; });
  }

  test::SourceRig rig_{register_source_exec};
  std::unique_ptr<Source> source_;
};

TEST_F(ExecTest, GivesEachLineWithItsAttributes) {
  start("exec", {{"command", {"printf 'Hello\\nWorld!\\n'"}}});
  const auto all = events();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].body, "Hello");
  EXPECT_EQ(all[0].host, "host1");
  EXPECT_THAT(all[0].attributes, ElementsAre(Pair("execcmd", "printf 'Hello\\nWorld!\\n'"),
                                             Pair("procsource", "STDOUT"), Pair("service", "exec")));
  EXPECT_EQ(all[1].body, "World!");
  EXPECT_EQ(rig_.count("flume_exec_runs_total"), 1U);
}

TEST_F(ExecTest, KeepsALastLineWithoutItsEnd) {
  start("execStream", {{"command", {"printf 'one\\ntwo'"}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT one", "STDOUT two"));
}

TEST_F(ExecTest, TellsTheTwoOutputsApart) {
  start("execStream", {{"command", {"sh -c 'echo out; echo err >&2'"}}});
  EXPECT_THAT(bodies(), UnorderedElementsAre("STDOUT out", "STDERR err"));
}

TEST_F(ExecTest, ALineThatComesInPiecesIsOne) {
  start("execStream", {{"command", {"sh -c 'printf \"abc\\ndef\"; sleep 0.05; printf \"ghi\\n\"'"}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT abc", "STDOUT defghi"));
}

TEST_F(ExecTest, CutsALongLineAndGoesOnBehindIt) {
  rig_.limits.event_bytes = 10;
  rig_.reopen_positions();
  start("execStream", {{"command", {"printf 'a\\n0123456789abcdef\\nb\\n'"}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT a", "STDOUT 0123456789", "STDOUT b"));
  EXPECT_EQ(rig_.count("flume_lines_cut_total"), 1U);
  EXPECT_EQ(rig_.count("flume_cut_bytes_total"), 7U);
}

TEST_F(ExecTest, AggregatesAWholeRun) {
  start("exec", {{"command", {"printf 'Hello\\nWorld!\\n'"}}, {"aggregate", {true}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT Hello\nWorld!\n"));
}

TEST_F(ExecTest, AggregatesUpToTheLimit) {
  rig_.limits.event_bytes = 8;
  rig_.reopen_positions();
  start("exec", {{"command", {"printf 'Hello\\nWorld!\\n'"}}, {"aggregate", {true}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT Hello\nWo"));
  EXPECT_EQ(rig_.count("flume_cut_bytes_total"), 5U);
}

TEST_F(ExecTest, NothingPrintedIsNoEvent) {
  start("exec", {{"command", {"true"}}, {"aggregate", {true}}});
  EXPECT_THAT(bodies(), IsEmpty());
}

TEST_F(ExecTest, RunsPeriodically) {
  const std::string counter = rig_.dir / "n";
  start("execPeriodic", {{"command", {"sh -c 'echo x >> " + counter + "; wc -l < " + counter + "'"}},
                         {"period", {int64_t{60'000'000'000}}}});
  EXPECT_THAT(bodies(1), ElementsAre("STDOUT 1\n"));
  // The period begins when the source has seen the command's end, which may come long after its output.
  EventBatch batch;
  while (!has_ended()) {
    const auto got = source_->next(batch, Wait::for_duration(1ms));
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    ASSERT_EQ(*got, Source::Next::kNothingYet);
  }
  EXPECT_THAT(rig_.bodies(*source_), IsEmpty());
  EXPECT_EQ(rig_.count("flume_exec_runs_total"), 1U);  // the clock stands
  rig_.clock.advance(61s);
  EXPECT_THAT(bodies(1), ElementsAre("STDOUT 2\n"));
  EXPECT_EQ(rig_.count("flume_exec_runs_total"), 2U);
}

TEST_F(ExecTest, ACommandThatEndsAtOnceIsNotStartedInATightLoop) {
  start("exec", {{"command", {"echo x"}}, {"restart", {true}}});
  EXPECT_THAT(bodies(1), ElementsAre("STDOUT x"));
  EventBatch batch;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(source_->next(batch, Wait{TimePoint(), {}}).ok());
  }
  EXPECT_EQ(rig_.count("flume_exec_runs_total"), 1U);  // the clock stands
  rig_.clock.advance(100ms);
  EXPECT_THAT(bodies(1), ElementsAre("STDOUT x"));
}

TEST_F(ExecTest, ReportsHowTheCommandEnded) {
  start("execStream", {{"command", {"sh -c 'exit 3'"}}});
  EXPECT_THAT(bodies(), IsEmpty());
  EXPECT_EQ(rig_.count("flume_exec_failures_total"), 1U);
  EXPECT_EQ(rig_.count("flume_exec_last_exit_status"), 3U);
}

TEST_F(ExecTest, WaitsForACommandThatClosedItsOutputs) {
  start("execStream", {{"command", {"sh -c 'echo a; exec >&- 2>&-; sleep 0.05; exit 4'"}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT a"));
  EXPECT_EQ(rig_.count("flume_exec_last_exit_status"), 4U);
}

TEST_F(ExecTest, StopEndsTheWaitAndCloseTheCommand) {
  start("execStream", {{"command", {"sh -c 'echo $$; exec sleep 1000'"}}});
  const auto first = events(1);
  const pid_t pid = static_cast<pid_t>(std::stol(first.at(0).body));
  StopSource stop;
  std::thread stopper([&stop] { stop.request_stop(); });
  EventBatch batch;
  const auto got = source_->next(batch, Wait::for_duration(60s, stop.token()));
  stopper.join();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(*got, Source::Next::kNothingYet);
  EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ExecTest, CanBeOpenedAgain) {
  start("execStream", {{"command", {"echo x"}}});
  EXPECT_THAT(bodies(), ElementsAre("STDOUT x"));
  EXPECT_TRUE(source_->close({}).ok());
  EXPECT_TRUE(rig_.open(*source_).ok());
  EXPECT_THAT(bodies(), ElementsAre("STDOUT x"));
}

TEST_F(ExecTest, ManyLinesComeInOrder) {
  start("execStream", {{"command", {"seq 200000"}}});
  const auto all = events();
  ASSERT_EQ(all.size(), 200'000U);
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].body, std::to_string(i + 1));
  }
}

TEST_F(ExecTest, BadCommandsAreErrorsAtOpen) {
  const auto error = [this](const char* command) {
    return rig_.open(*rig_.make("exec", {{"command", {command}}})).to_string();
  };
  EXPECT_EQ(error(""), "invalid: command \"\": is empty");
  EXPECT_EQ(error("no-such-command-at-all x"),
            "not_found: run \"no-such-command-at-all\": No such file or directory (ENOENT)");
}

TEST_F(ExecTest, SaysThatItRunsCommands) {
  for (const char* name : {"exec", "execPeriodic", "execStream"}) {
    EXPECT_TRUE(rig_.registry.catalog().find(lang::ComponentSpec::Kind::kSource, name)->runs_commands) << name;
  }
}

}  // namespace
}  // namespace flume::node

#include "node/runtime/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace flume::node {
namespace {

using testing::ElementsAre;

std::string words_of(std::string_view command) {
  const auto words = split_command(command);
  if (!words.ok()) {
    return words.status().to_string();
  }
  std::string all;
  for (const std::string& word : *words) {
    all += "[" + word + "]";
  }
  return all;
}

TEST(SplitCommand, KeepsTheShellsRulesForQuotes) {
  EXPECT_EQ(words_of("vmstat -n 5"), "[vmstat][-n][5]");
  EXPECT_EQ(words_of("  a\t b\n"), "[a][b]");
  EXPECT_EQ(words_of("sh -c 'echo \"$HOME\" | wc'"), "[sh][-c][echo \"$HOME\" | wc]");
  EXPECT_EQ(words_of(R"(a "b c" d\ e)"), "[a][b c][d e]");
  EXPECT_EQ(words_of(R"("\"\\\$\`\n" '\')"), R"(["\$`\n][\])");
  EXPECT_EQ(words_of("a''b \"\" ''"), "[ab][][]");
  EXPECT_EQ(words_of("$HOME *"), "[$HOME][*]");  // nothing is expanded
}

TEST(SplitCommand, SaysWhatIsBroken) {
  EXPECT_EQ(words_of(" "), "invalid: command \" \": is empty");
  EXPECT_EQ(words_of("a 'b"), "invalid: command \"a 'b\": a ' is not closed");
  EXPECT_EQ(words_of("a \"b"), "invalid: command \"a \\\"b\": a \" is not closed");
  EXPECT_EQ(words_of("a \\"), "invalid: command \"a \\\\\": ends in a backslash");
}

std::unique_ptr<ChildProcess> start(std::string_view command) {
  auto child = ChildProcess::start(*split_command(command));
  EXPECT_TRUE(child.ok()) << child.status().to_string();
  return std::move(child).value();
}

void wait_for(int fd) {
  pollfd ready{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 60'000), 1);
}

TEST(ChildProcess, TellsHowItEnded) {
  const auto child = start("sh -c 'exit 3'");
  wait_for(child->exit_fd());
  ASSERT_TRUE(child->has_ended());
  EXPECT_EQ(child->reap().text(), "exit status 3");
}

TEST(ChildProcess, EndsOneThatObeys) {
  const auto child = start("sleep 1000");
  EXPECT_FALSE(child->has_ended());
  EXPECT_EQ(child->end(Wait::for_duration(std::chrono::seconds(60))).text(), "signal 15 (Terminated)");
}

TEST(ChildProcess, KillsOneThatDoesNotObeyAndWhatItStarted) {
  const auto child = start("sh -c 'trap \"\" TERM; sleep 1000 & echo $!; wait; wait'");
  wait_for(child->out());
  char text[32] = {};
  ASSERT_GT(::read(child->out(), text, sizeof text - 1), 0);
  const pid_t grandchild = static_cast<pid_t>(std::stol(text));
  EXPECT_EQ(child->end(Wait{TimePoint(), {}}).text(), "signal 9 (Killed)");
  // It is the reaper's to bury; until then it is a zombie and cannot run.
  for (bool runs = true; runs;) {
    std::string state = "gone";
    if (FILE* file = std::fopen(("/proc/" + std::to_string(grandchild) + "/stat").c_str(), "r")) {
      char line[256] = {};
      runs = std::fgets(line, sizeof line, file) != nullptr && std::string(line).find(") Z") == std::string::npos;
      std::fclose(file);
    } else {
      runs = false;
    }
  }
}

TEST(ChildProcess, HasNoInput) {
  const auto child = start("cat");
  wait_for(child->exit_fd());
  EXPECT_EQ(child->reap().text(), "exit status 0");
}

TEST(ChildProcess, NamesACommandThatIsNotThere) {
  const auto child = ChildProcess::start({"no-such-command-at-all"});
  EXPECT_EQ(child.status().to_string(),
            "not_found: run \"no-such-command-at-all\": No such file or directory (ENOENT)");
}

}  // namespace
}  // namespace flume::node

#include "node/torture/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <set>

#include "node/net/socket.h"
#include "tests/support/temp_dir.h"

namespace flume::torture {
namespace {

using ::testing::HasSubstr;

class ProcessTest : public ::testing::Test {
 protected:
  std::unique_ptr<Process> start(const std::string& script) {
    ProcessOptions options;
    options.words = {"/bin/sh", "-c", script};
    options.log = folder_ / "log";
    options.folder = folder_.path();
    options.environment = {{"TORTURE_WORD", "given"}};
    auto process = Process::start(options);
    EXPECT_TRUE(process.ok()) << process.status().to_string();
    return std::move(*process);
  }
  void wait_for_log(const std::string& text) {
    while (test::contents_of(folder_ / "log") != text) {
      pause(std::chrono::milliseconds(2), {});
    }
  }

  test::TempDir folder_;
};

TEST_F(ProcessTest, RunsInItsFolderWithItsEnvironment) {
  const auto process = start("echo $TORTURE_WORD; pwd");
  wait_for_log("given\n" + folder_.path() + "\n");
}

TEST_F(ProcessTest, IsKilled) {
  const auto process = start("echo ready; exec sleep 1000");
  wait_for_log("ready\n");
  EXPECT_TRUE(process->running());
  EXPECT_GT(process->resident_bytes(), 0U);
  EXPECT_GT(process->descriptors(), 2U);
  process->kill();
  EXPECT_FALSE(process->running());
  EXPECT_EQ(process->ending(), "signal 9");
}

TEST_F(ProcessTest, EndsCleanlyWhenAsked) {
  const auto process = start("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  wait_for_log("ready\n");
  EXPECT_TRUE(process->terminate({}).ok());
}

TEST_F(ProcessTest, AnExitCodeAfterTheRequestIsAnError) {
  const auto process = start("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done");
  wait_for_log("ready\n");
  EXPECT_THAT(std::string(process->terminate({}).message()), HasSubstr("ended with exit status 3 after SIGTERM"));
}

TEST_F(ProcessTest, AnEndBeforeTheRequestIsAnError) {
  const auto process = start("exit 4");
  while (process->running()) {
    pause(std::chrono::milliseconds(2), {});
  }
  EXPECT_THAT(std::string(process->terminate({}).message()), HasSubstr("had ended before, with exit status 4"));
}

TEST_F(ProcessTest, IsKilledWhenItDoesNotListen) {
  const auto process = start("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  wait_for_log("ready\n");
  EXPECT_EQ(process->terminate(Wait{TimePoint(), {}}).code(), Code::kTimeout);
  EXPECT_FALSE(process->running());
}

TEST_F(ProcessTest, CanBeStarvedOfDescriptorsWhileItRuns) {
  // Opens a file again and again until it cannot, then until it can.
  const auto process = start(
      "exec 2>/dev/null; echo ready; while (: <log); do :; done; echo none; until (: <log); do :; done; echo again");
  wait_for_log("ready\n");
  ASSERT_TRUE(process->limit_descriptors(3).ok());
  wait_for_log("ready\nnone\n");
  ASSERT_TRUE(process->limit_descriptors(0).ok());
  wait_for_log("ready\nnone\nagain\n");
}

TEST(FreePorts, AreDifferentAlsoFromThoseOfBefore) {
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  descriptors.rlim_cur = descriptors.rlim_max;  // a shell gives 1,024 unless it is asked for more
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  std::vector<UniqueFd> held;
  std::set<uint16_t> all;
  for (int i = 0; i < 4; ++i) {
    const auto ports = free_ports(500, held);
    ASSERT_TRUE(ports.ok()) << ports.status().to_string();
    all.insert(ports->begin(), ports->end());
  }
  EXPECT_EQ(all.size(), 2000U);
}

TEST(FreePorts, AreFreeForThoseWhoKnowThem) {
  std::vector<UniqueFd> held;
  const auto ports = free_ports(1, held);
  ASSERT_TRUE(ports.ok()) << ports.status().to_string();
  for (int i = 0; i < 2; ++i) {
    const auto listening = node::open_port("127.0.0.1", (*ports)[0], SOCK_STREAM);
    EXPECT_TRUE(listening.ok()) << listening.status().to_string();
  }
}

}  // namespace
}  // namespace flume::torture

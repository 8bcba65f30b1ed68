#include "master/rpc/admin_service.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "common/base/fd.h"
#include "master/cli/shell.h"
#include "master/rpc/admin_client.h"
#include "tests/support/master_world.h"

namespace flume::master {
namespace {

class AdminServiceTest : public testing::Test {
 protected:
  AdminServiceTest() {
    AdminServiceOptions options;
    options.max_message = 4096;
    service_ = std::make_unique<AdminService>(
        options, AdminService::Parts{world_.mirror, world_.nodes, world_.commands, world_.clock});
    EXPECT_TRUE(service_->start().ok());
  }
  ~AdminServiceTest() override { service_->stop(); }

  AdminClient& connected() {
    EXPECT_TRUE(client_.connect("127.0.0.1", service_->port(), std::chrono::seconds(20)).ok());
    return client_;
  }
  AdminClient::Command finished(int64_t id) {
    (void)world_.commands.wait_for(static_cast<uint64_t>(id), Wait());
    return client_.command(id).value();
  }

  MasterWorld world_;
  std::unique_ptr<AdminService> service_;
  AdminClient client_;
};

TEST_F(AdminServiceTest, CommandsAreQueuedAndTheirOutcomeIsAskedFor) {
  const auto id = connected().submit("config", {"agent", "console", "null"});
  ASSERT_TRUE(id.ok()) << id.status().message();
  EXPECT_EQ(finished(*id).state, "SUCCEEDED");
  const auto configs = client_.configs();
  ASSERT_TRUE(configs.ok());
  EXPECT_EQ(configs->at("agent").source, "console");
  EXPECT_EQ(configs->at("agent").flow, "default-flow");
}

TEST_F(AdminServiceTest, AFailedCommandSaysWhy) {
  const auto id = connected().submit("config", {"agent", "consol", "null"});
  ASSERT_TRUE(id.ok());
  const auto command = finished(*id);
  EXPECT_EQ(command.state, "FAILED");
  EXPECT_NE(command.message.find("did you mean 'console'?"), std::string::npos) << command.message;
}

TEST_F(AdminServiceTest, AnUnknownCommandIdIsRefusedAndTheConnectionGoesOn) {
  const auto unknown = connected().command(4711);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.status().code(), Code::kInvalid);
  EXPECT_TRUE(client_.nodes().ok());
}

TEST_F(AdminServiceTest, NodesAndMappingsAsTheyAreKnown) {
  world_.report("m1", "host1", {logical("agent", StateCode::kActive, 3), logical("other", StateCode::kBackoff, 4)});
  const auto nodes = connected().nodes();
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ(nodes->at("agent").state, "ACTIVE");
  EXPECT_EQ(nodes->at("agent").version, 3);
  EXPECT_EQ(nodes->at("agent").physical, "m1");
  EXPECT_EQ(nodes->at("other").state, "CONFIGURING");  // what a classic shell calls a node that is not up yet
  EXPECT_EQ(world_.error("map", {"m1", "agent"}), "");
  const auto mappings = client_.mappings("m1");
  ASSERT_TRUE(mappings.ok());
  ASSERT_TRUE(mappings->contains("m1"));
}

TEST_F(AdminServiceTest, AConnectionMayTakeMoreInAllThanOneMessageMay) {
  LogicalReport large = logical("agent", StateCode::kActive, 3);
  std::vector<LogicalReport> reports;
  for (int i = 0; i < 200; ++i) {
    large.name = str_cat(std::string(240, 'n'), i);
    reports.push_back(large);
  }
  world_.report("m1", std::string(20'000, 'h'), std::move(reports));  // 4 MB an answer
  AdminClient& client = connected();
  for (int i = 0; i < 12; ++i) {
    const auto nodes = client.nodes();
    ASSERT_TRUE(nodes.ok()) << i << ": " << nodes.status().message();
    ASSERT_EQ(nodes->size(), 200U);
  }
}

TEST_F(AdminServiceTest, GarbageAndOversizeCloseTheConnectionOnly) {
  for (const std::string& bytes : {std::string("GET / HTTP/1.0\r\n\r\n"),
                                   std::string("\x80\x01\x00\x01\x7f\xff\xff\xff", 8), std::string(8192, '\0')}) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(service_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_GT(::send(fd.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    char answer = 0;
    EXPECT_LE(::recv(fd.fd(), &answer, 1, 0), 0) << bytes.substr(0, 4);
  }
  EXPECT_TRUE(connected().nodes().ok());
}

TEST_F(AdminServiceTest, APortInUseIsSaid) {
  AdminServiceOptions options;
  options.port = service_->port();
  AdminService second(options, AdminService::Parts{world_.mirror, world_.nodes, world_.commands, world_.clock});
  EXPECT_EQ(second.start().code(), Code::kBusy);
}

TEST_F(AdminServiceTest, AStoppedServiceLeavesTheClientWithAnError) {
  ASSERT_TRUE(connected().nodes().ok());
  service_->stop();
  EXPECT_EQ(client_.nodes().status().code(), Code::kUnavailable);
  EXPECT_FALSE(client_.is_connected());
}

// The shell over the real service; its answers as a terminal shows them.
class ShellTest : public AdminServiceTest {
 protected:
  ShellTest() : out_(std::tmpfile()), err_(std::tmpfile()), shell_({.default_port = service_->port()}, out_, err_) {}
  ~ShellTest() override {
    std::fclose(out_);
    std::fclose(err_);
  }

  static std::string take(std::FILE* file) {
    std::string text(static_cast<size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::rewind(file);
    return ::ftruncate(::fileno(file), 0) == 0 ? text : "";
  }
  std::string out() { return take(out_); }
  std::string err() { return take(err_); }

  std::FILE* const out_;
  std::FILE* const err_;
  Shell shell_;
};

TEST_F(ShellTest, ConnectsExecutesAndShows) {
  EXPECT_EQ(shell_.prompt(), "[flume (disconnected)] ");
  EXPECT_EQ(shell_.run_line("exec noop"), Shell::Outcome::kFailed);
  EXPECT_EQ(err(), "not connected; connect HOST comes first\n");
  ASSERT_EQ(shell_.run_line("connect 127.0.0.1"), Shell::Outcome::kDone);
  EXPECT_EQ(out(), str_cat("Connected to 127.0.0.1:", service_->port(), "\n"));
  EXPECT_EQ(shell_.run_line("exec config agent 'text(\"f\")' null"), Shell::Outcome::kDone);
  EXPECT_EQ(out().substr(0, 43), "[id: 0] Execing command : config\nCommand su");
  EXPECT_EQ(shell_.run_line("getconfigs"), Shell::Outcome::kDone);
  EXPECT_EQ(out(), "NODE \tFLOW        \tSOURCE   \tSINK\nagent\tdefault-flow\ttext(\"f\")\tnull\n");
}

TEST_F(ShellTest, AFailedCommandAndAnUnknownOne) {
  ASSERT_EQ(shell_.run_line("connect 127.0.0.1"), Shell::Outcome::kDone);
  EXPECT_EQ(shell_.run_line("exec config agent tial null"), Shell::Outcome::kFailed);
  EXPECT_EQ(err().substr(0, 15), "Command failed\n");
  EXPECT_EQ(shell_.run_line("getconfig"), Shell::Outcome::kFailed);
  EXPECT_EQ(err(), "unknown command \"getconfig\"; did you mean getconfigs?\n");
  EXPECT_EQ(shell_.run_line("exec"), Shell::Outcome::kFailed);
  EXPECT_EQ(err(), "exec needs 1 argument: exec COMMAND [ARGS]\n");
}

TEST_F(ShellTest, WaitsForNodes) {
  ASSERT_EQ(shell_.run_line("connect 127.0.0.1"), Shell::Outcome::kDone);
  EXPECT_EQ(shell_.run_line("waitForNodesActive 1 agent"), Shell::Outcome::kFailed);
  EXPECT_EQ(err(), "Command timed out\n");
  world_.report("agent", "host1", {logical("agent", StateCode::kActive, 3)});
  EXPECT_EQ(shell_.run_line("waitForNodesActive 0 agent"), Shell::Outcome::kDone);
  world_.report("agent", "host1", {logical("agent", StateCode::kIdle, 3)});
  EXPECT_EQ(shell_.run_line("waitForNodesDone 0 agent"), Shell::Outcome::kDone);
}

TEST_F(ShellTest, Completes) {
  EXPECT_EQ(shell_.completions("getm", "getm"), std::vector<std::string>{"getmappings"});
  EXPECT_EQ(shell_.completions("exec unm", "unm"), (std::vector<std::string>{"unmap", "unmapAll"}));
  ASSERT_EQ(shell_.run_line("connect 127.0.0.1"), Shell::Outcome::kDone);
  world_.report("agent", "host1", {logical("agent", StateCode::kActive, 3)});
  EXPECT_EQ(shell_.completions("exec config ag", "ag"), std::vector<std::string>{"agent"});
}

TEST_F(ShellTest, QuitEndsAndAMasterThatIsNotThereIsSaid) {
  EXPECT_EQ(shell_.run_line("quit"), Shell::Outcome::kQuit);
  EXPECT_EQ(shell_.run_line("connect 127.0.0.1:1"), Shell::Outcome::kFailed);
  EXPECT_EQ(err().substr(0, 38), "connect to the master at 127.0.0.1:1: ");
}

}  // namespace
}  // namespace flume::master

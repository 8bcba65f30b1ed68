#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_syslog_udp(Registry& registry);
void register_source_syslog_tcp(Registry& registry);

namespace {

using testing::ElementsAre;

void register_both(Registry& registry) {
  register_source_syslog_udp(registry);
  register_source_syslog_tcp(registry);
}

class SyslogTest : public testing::Test {
 protected:
  void TearDown() override {
    if (source_ != nullptr) {
      EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
    }
  }
  void start(const std::string& name) {
    source_ = rig_.make(name, {{"port", {int64_t{0}}}});
    const Status status = rig_.open(*source_);
    ASSERT_TRUE(status.ok()) << status.to_string();
    port_ = static_cast<uint16_t>(rig_.count("flume_listen_port"));
  }
  UniqueFd connect(int type) const {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static void send(const UniqueFd& fd, std::string_view text) {
    size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = ::send(fd.fd(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      sent += static_cast<size_t>(n);
    }
  }
  // Waits for so many events.
  std::vector<Event> events(size_t wanted) {
    std::vector<Event> all;
    EventBatch batch;
    const Wait wait = Wait::for_duration(60s);
    while (all.size() < wanted && !wait.over()) {
      const auto got = source_->next(batch, wait);
      EXPECT_TRUE(got.ok());
      if (*got == Source::Next::kBatch) {
        for (uint32_t row = 0; row < batch.rows(); ++row) {
          all.push_back(batch.event(row));
        }
        batch.settle(Outcome::kDelivered);
      }
    }
    return all;
  }
  std::vector<std::string> bodies(size_t wanted) {
    std::vector<std::string> all;
    for (const Event& event : events(wanted)) {
      all.push_back(event.body);
    }
    return all;
  }

  test::SourceRig rig_{register_both};
  std::unique_ptr<Source> source_;
  uint16_t port_ = 0;
};

TEST_F(SyslogTest, Udp_EachDatagramIsAnEvent) {
  start("syslogUdp");
  const UniqueFd socket = connect(SOCK_DGRAM);
  send(socket, "<11>first\nline two\n");
  send(socket, std::string("<191>bin\0\xff", 10));
  const auto all = events(2);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].body, "first\nline two");
  EXPECT_EQ(all[0].host, "host1");
  EXPECT_EQ(all[0].timestamp, 1'600'000'000'000);
  EXPECT_EQ(all[0].priority, Priority::kError);
  EXPECT_EQ(all[0].attributes.at("syslogfacility"), "\x01");
  EXPECT_EQ(all[0].attributes.at("syslogseverity"), "\x03");
  EXPECT_EQ(all[1].body, std::string("bin\0\xff", 5));
  EXPECT_EQ(all[1].priority, Priority::kDebug);
  EXPECT_EQ(all[1].attributes.at("syslogfacility"), "\x17");
}

TEST_F(SyslogTest, Udp_CountsWhatIsNoSyslogAndGoesOn) {
  start("syslogUdp");
  const UniqueFd socket = connect(SOCK_DGRAM);
  send(socket, "no priority");
  send(socket, "<>empty");
  send(socket, "<13>good");
  EXPECT_THAT(bodies(1), ElementsAre("good"));
  EXPECT_EQ(rig_.count("flume_syslog_refused_total"), 2U);
}

TEST_F(SyslogTest, Udp_ClosesAndOpensAgain) {
  start("syslogUdp");
  EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
  EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
  start("syslogUdp");
  send(connect(SOCK_DGRAM), "<13>again");
  EXPECT_THAT(bodies(1), ElementsAre("again"));
}

TEST_F(SyslogTest, Tcp_EachLineIsAnEvent) {
  start("syslogTcp");
  const UniqueFd socket = connect(SOCK_STREAM);
  send(socket, "<13>This is a test\nno syslog\n<14>be");
  EXPECT_THAT(bodies(1), ElementsAre("This is a test"));
  send(socket, "gun\n");
  const auto second = events(1);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].body, "begun");
  EXPECT_EQ(second[0].attributes.at("syslogseverity"), "\x06");
  EXPECT_EQ(rig_.count("flume_syslog_refused_total"), 1U);
}

TEST_F(SyslogTest, Tcp_ALastLineWithoutNewlineCounts) {
  start("syslogTcp");
  send(connect(SOCK_STREAM), "<13>one\n<13>two");
  EXPECT_THAT(bodies(2), ElementsAre("one", "two"));
}

TEST_F(SyslogTest, Tcp_CutsWhatIsOverTheEventLimit) {
  rig_.limits.event_bytes = 8;
  rig_.reopen_positions();
  start("syslogTcp");
  send(connect(SOCK_STREAM), "<1>12345678\n<191>123456789\n<13>x\n");
  EXPECT_THAT(bodies(3), ElementsAre("12345678", "12345678", "x"));
  EXPECT_EQ(rig_.count("flume_lines_cut_total"), 1U);
  EXPECT_EQ(rig_.count("flume_cut_bytes_total"), 1U);
}

TEST_F(SyslogTest, Tcp_ManyConnectionsLoseNothingWhileTheFlowIsSlow) {
  start("syslogTcp");
  constexpr int kConnections = 4;
  constexpr int kLines = 40'000;  // together more than the channel takes
  std::vector<std::thread> senders;
  for (int c = 0; c < kConnections; ++c) {
    senders.emplace_back([this, c] {
      const UniqueFd socket = connect(SOCK_STREAM);
      std::string text;
      for (int i = 0; i < kLines; ++i) {
        text += "<13>" + std::to_string(c) + " " + std::to_string(i) + std::string(100, '.') + "\n";
      }
      send(socket, text);
    });
  }
  std::vector<int> next(kConnections, 0);
  for (const std::string& body : bodies(size_t{kConnections} * kLines)) {
    const auto c = static_cast<size_t>(body[0] - '0');
    ASSERT_EQ(body.substr(2, body.find('.') - 2), std::to_string(next[c]));
    ++next[c];
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  EXPECT_THAT(next, testing::Each(kLines));
}

TEST_F(SyslogTest, Tcp_CloseDoesNotWaitForClients) {
  start("syslogTcp");
  const UniqueFd socket = connect(SOCK_STREAM);
  send(socket, "<13>one\n");
  EXPECT_THAT(bodies(1), ElementsAre("one"));
  EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
  char byte = 0;
  EXPECT_LE(::recv(socket.fd(), &byte, 1, 0), 0);
}

TEST_F(SyslogTest, Tcp_WhatWasReceivedAndNotReadAtCloseIsCountedAsDropped) {
  start("syslogTcp");
  const UniqueFd socket = connect(SOCK_STREAM);
  send(socket, "<13>one\n");
  EXPECT_THAT(bodies(1), ElementsAre("one"));
  const auto tracker = source_->trackers().at(0);
  send(socket, "<13>two\nbad\n");
  while (rig_.count("flume_syslog_refused_total") == 0) {  // it has arrived then
  }
  EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
  EXPECT_EQ(tracker->counts().issued_rows, 2U);
  EXPECT_EQ(tracker->counts().dropped.at("source_closed").first, 1U);
}

TEST_F(SyslogTest, APortInUseIsATemporaryError) {
  for (const char* name : {"syslogUdp", "syslogTcp"}) {
    start(name);
    const auto second = rig_.make(name, {{"port", {int64_t{port_}}}});
    const Status status = rig_.open(*second);
    EXPECT_EQ(status.code(), Code::kBusy) << status.to_string();
    EXPECT_TRUE(source_->close(Wait::for_duration(60s)).ok());
  }
}

}  // namespace
}  // namespace flume::node

#include "node/torture/proxy.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace flume::torture {
namespace {

// Both ends in one thread: a listener that the proxy connects to, and connections through the proxy.
class ProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = local(0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener_.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener_.fd(), 8), 0);
    ASSERT_EQ(::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    auto proxy = FaultProxy::start(ntohs(address.sin_port));
    ASSERT_TRUE(proxy.ok()) << proxy.status().to_string();
    proxy_ = std::move(*proxy);
  }

  static sockaddr_in local(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  struct Pair {
    UniqueFd agent;
    UniqueFd collector;
  };
  // The first byte each way makes sure that the proxy has the connection before an order comes.
  Pair open_pair(bool greet = true) {
    Pair pair{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), UniqueFd()};
    const sockaddr_in address = local(proxy_->port());
    EXPECT_EQ(::connect(pair.agent.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    pair.collector.reset(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (greet) {
      put(pair.agent, "a");
      EXPECT_EQ(get(pair.collector, 1), "a");
    }
    return pair;
  }

  static void put(const UniqueFd& fd, std::string_view bytes) {
    EXPECT_EQ(::send(fd.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // So many bytes, fewer at the end of the connection; "(reset)" at the end of what came when it was reset.
  static std::string get(const UniqueFd& fd, size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
      char buffer[4096];
      const ssize_t n = ::recv(fd.fd(), buffer, std::min(sizeof buffer, size - bytes.size()), 0);
      if (n < 0) {
        return bytes + (errno == ECONNRESET ? "(reset)" : "(error)");
      }
      if (n == 0) {
        break;
      }
      bytes.append(buffer, static_cast<size_t>(n));
    }
    return bytes;
  }
  static bool has_something(const UniqueFd& fd) {
    pollfd waiting{fd.fd(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
  }
  void order(NetFault fault, uint64_t bytes = 0, uint8_t bit = 0, bool new_ones = false) {
    FaultOrder order;
    order.fault = fault;
    order.bytes = bytes;
    order.bit = bit;
    order.new_ones = new_ones;
    order.delay = std::chrono::milliseconds(1);
    proxy_->order(order);
  }

  UniqueFd listener_;
  std::unique_ptr<FaultProxy> proxy_;
};

TEST_F(ProxyTest, PassesBytesAndEndsBothWays) {
  const Pair pair = open_pair();
  put(pair.agent, "up");
  EXPECT_EQ(get(pair.collector, 2), "up");
  put(pair.collector, "down");
  EXPECT_EQ(get(pair.agent, 4), "down");
  ::shutdown(pair.agent.fd(), SHUT_WR);
  EXPECT_EQ(get(pair.collector, 1), "");
  put(pair.collector, "last");
  EXPECT_EQ(get(pair.agent, 4), "last");
  ::shutdown(pair.collector.fd(), SHUT_WR);
  EXPECT_EQ(get(pair.agent, 1), "");
  EXPECT_EQ(proxy_->counts().connections, 1U);
}

TEST_F(ProxyTest, FlipsTheBitItWasToldOnce) {
  const Pair pair = open_pair();
  order(NetFault::kCorrupt, 3, 1);
  put(pair.agent, "aaaaaa");
  EXPECT_EQ(get(pair.collector, 6), "aaacaa");
  put(pair.agent, "aaaaaa");
  EXPECT_EQ(get(pair.collector, 6), "aaaaaa");
  EXPECT_EQ(proxy_->counts().corrupted, 1U);
}

TEST_F(ProxyTest, FlipsABitOfAnAnswer) {
  const Pair pair = open_pair();
  order(NetFault::kCorruptAnswer, 3, 1);
  put(pair.agent, "aaaaaa");
  EXPECT_EQ(get(pair.collector, 6), "aaaaaa");
  put(pair.collector, "aaaaaa");
  EXPECT_EQ(get(pair.agent, 6), "aaacaa");
  EXPECT_EQ(proxy_->counts().corrupted_answers, 1U);
  EXPECT_EQ(proxy_->counts().corrupted, 0U);
}

TEST_F(ProxyTest, ResetsInTheMiddle) {
  const Pair pair = open_pair();
  order(NetFault::kReset, 4);
  put(pair.agent, "abcdefgh");
  // A reset may overtake what was sent before it.
  EXPECT_THAT(get(pair.collector, 8), ::testing::AnyOf("abcd(reset)", "(reset)"));
  EXPECT_EQ(get(pair.agent, 1), "(reset)");
  EXPECT_EQ(proxy_->counts().resets, 1U);
}

TEST_F(ProxyTest, EndsOneHalf) {
  const Pair pair = open_pair();
  order(NetFault::kHalfClose, 4);
  put(pair.agent, "abcdefgh");
  EXPECT_EQ(get(pair.collector, 8), "abcd");
  put(pair.collector, "still here");
  EXPECT_EQ(get(pair.agent, 10), "still here");
}

TEST_F(ProxyTest, ABlackholeSwallowsForGood) {
  const Pair swallowed = open_pair();
  order(NetFault::kBlackhole);
  put(swallowed.agent, "lost");
  proxy_->heal();
  const Pair pair = open_pair();
  put(pair.agent, "new");
  EXPECT_EQ(get(pair.collector, 3), "new");
  EXPECT_FALSE(has_something(swallowed.collector));
  EXPECT_FALSE(has_something(swallowed.agent)) << "not even an end";
}

TEST_F(ProxyTest, AStalledConnectionDeliversLateAfterANewOne) {
  const Pair stalled = open_pair();
  order(NetFault::kStall);
  put(stalled.agent, "old");
  const Pair pair = open_pair();
  put(pair.agent, "new");
  EXPECT_EQ(get(pair.collector, 3), "new");
  EXPECT_FALSE(has_something(stalled.collector));
  proxy_->heal();
  EXPECT_EQ(get(stalled.collector, 3), "old");
}

TEST_F(ProxyTest, DelaysAndThrottlesWithoutLoss) {
  for (const NetFault fault : {NetFault::kDelay, NetFault::kThrottle}) {
    const Pair pair = open_pair();
    order(fault, 1'000'000);
    const std::string bytes(150'000, 'x');
    put(pair.agent, bytes);
    EXPECT_EQ(get(pair.collector, bytes.size()), bytes) << name_of(fault);
    proxy_->heal();
  }
}

TEST_F(ProxyTest, FaultsCanWaitForNewConnections) {
  order(NetFault::kCorrupt, 0, 0, true);
  const Pair pair = open_pair(false);
  put(pair.agent, "a");
  EXPECT_EQ(get(pair.collector, 1), "`");
}

}  // namespace
}  // namespace flume::torture

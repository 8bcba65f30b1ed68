// The server's own bounds, over real sockets: how many connections, how much memory, and that a port tells what it
// does.
#include "node/net/net_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "common/base/fd.h"

namespace flume::node {
namespace {

constexpr size_t kChunk = 1000;

// What the handlers keep of the server's memory until the test lets go.
class Held {
 public:
  void add(std::shared_ptr<char[]> buffer) FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    buffers_.push_back(std::move(buffer));
  }
  void let_go() FLUME_EXCLUDES(mutex_) {
    std::vector<std::shared_ptr<char[]>> all;  // they tell the pool when they go
    {
      const MutexLock lock(mutex_);
      all.swap(buffers_);
    }
  }

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<char[]>> buffers_ FLUME_GUARDED_BY(mutex_);
};

// Sends back what it gets in pieces of kChunk bytes, each for a buffer of the server's memory.
class Echo final : public StreamHandler {
 public:
  Echo(std::weak_ptr<StreamPeer> peer, std::shared_ptr<ReceivePool> pool, Held& held, std::atomic<int>& parked)
      : peer_(std::move(peer)), pool_(std::move(pool)), held_(held), parked_(parked) {}

  Verdict on_bytes(std::span<const char> bytes, size_t& used) override {
    used = 0;
    while (bytes.size() - used >= kChunk) {
      auto buffer = pool_->take(kChunk);
      if (!buffer) {
        ++parked_;
        return Verdict::kPark;
      }
      held_.add(std::move(buffer));
      peer_.lock()->send(std::string(bytes.data() + used, kChunk));
      used += kChunk;
    }
    return Verdict::kMore;
  }

 private:
  const std::weak_ptr<StreamPeer> peer_;
  const std::shared_ptr<ReceivePool> pool_;
  Held& held_;
  std::atomic<int>& parked_;
};

class NetServerTest : public testing::Test {
 protected:
  NetServerTest() {
    options_.bind_address = "127.0.0.1";
    options_.threads = 1;
  }
  ~NetServerTest() override { listener_.reset(); }

  void listen() {
    server_ = std::make_unique<NetServer>(options_);
    auto listener = server_->listen_stream(0, [this](const std::shared_ptr<StreamPeer>& peer) {
      return std::make_unique<Echo>(peer, server_->pool(), held_, parked_);
    });
    ASSERT_TRUE(listener.ok()) << listener.status().to_string();
    listener_ = std::move(listener).value();
  }
  UniqueFd connect() const {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  static void send(const UniqueFd& socket, const std::string& bytes) {
    EXPECT_EQ(::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // So many bytes, or what came before the end.
  static std::string receive(const UniqueFd& socket, size_t bytes) {
    std::string all(bytes, '\0');
    size_t at = 0;
    while (at < bytes) {
      const ssize_t n = ::recv(socket.fd(), all.data() + at, bytes - at, 0);
      if (n <= 0) {
        break;
      }
      at += static_cast<size_t>(n);
    }
    return all.substr(0, at);
  }
  static void wait_until(const std::function<bool()>& holds) {
    while (!holds()) {
      std::this_thread::yield();
    }
  }

  NetOptions options_;
  Held held_;
  std::atomic<int> parked_{0};
  std::unique_ptr<NetServer> server_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(NetServerTest, AConnectionOverTheLimitIsClosedAndTheOthersGoOn) {
  options_.max_connections = 2;
  listen();
  UniqueFd first = connect();
  const UniqueFd second = connect();
  const std::string chunk(kChunk, 'a');
  send(first, chunk);
  EXPECT_EQ(receive(first, kChunk), chunk);
  send(second, chunk);
  EXPECT_EQ(receive(second, kChunk), chunk);
  const UniqueFd third = connect();
  EXPECT_EQ(receive(third, 1), "") << "the end";
  EXPECT_EQ(listener_->connections(), 2U);
  send(second, chunk);
  EXPECT_EQ(receive(second, kChunk), chunk);
  first.reset();
  wait_until([this] { return listener_->connections() == 1; });
  const UniqueFd fourth = connect();
  send(fourth, chunk);
  EXPECT_EQ(receive(fourth, kChunk), chunk);
}

TEST_F(NetServerTest, WhileTheMemoryIsUsedUpSocketsAreNotReadAndThenAllGoesOn) {
  options_.receive_budget = 1;  // one buffer, however large, when nothing is out
  listen();
  const UniqueFd first = connect();
  const UniqueFd second = connect();
  send(first, std::string(kChunk, 'a'));
  EXPECT_EQ(receive(first, kChunk), std::string(kChunk, 'a'));
  send(second, std::string(kChunk, 'b') + std::string(kChunk, 'c'));
  wait_until([this] { return parked_ == 1; });
  held_.let_go();
  EXPECT_EQ(receive(second, kChunk), std::string(kChunk, 'b'));
  wait_until([this] { return parked_ == 2; });
  held_.let_go();
  EXPECT_EQ(receive(second, kChunk), std::string(kChunk, 'c'));
}

TEST_F(NetServerTest, APortThatIsTakenIsToldWithItsNumber) {
  listen();
  const auto again = server_->listen_stream(
      listener_->port(), [](const std::shared_ptr<StreamPeer>&) { return std::unique_ptr<StreamHandler>(); });
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(again.status().is_temporary());
  EXPECT_NE(again.status().message().find(std::to_string(listener_->port())), std::string::npos)
      << again.status().to_string();
}

TEST_F(NetServerTest, ClosingThePortEndsItsConnections) {
  listen();
  const UniqueFd socket = connect();
  send(socket, std::string(kChunk, 'a'));
  EXPECT_EQ(receive(socket, kChunk), std::string(kChunk, 'a'));
  listener_->close(std::chrono::milliseconds(1));
  EXPECT_EQ(receive(socket, 1), "");
  listener_->close(std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace flume::node

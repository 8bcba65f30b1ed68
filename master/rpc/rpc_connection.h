// RpcConnection: one accepted socket of an RpcPort, the bytes of an unfinished message and of unsent answers. Internal
// to master/rpc (shows Asio). Lives in the port's thread; shared because pending operations of Asio refer to it.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/rpc/message_scan.h"
#include "master/rpc/rpc_port.h"

namespace flume::master {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio_error = boost::system::error_code;

class RpcConnection;

// What all connections of a port share.
struct RpcConnections {
  explicit RpcConnections(RpcPortOptions port_options) : options(std::move(port_options)) {}
  virtual ~RpcConnections() = default;
  virtual void gone(const std::shared_ptr<RpcConnection>& connection) = 0;

  const RpcPortOptions options;
  asio::io_context loop{1};
  size_t unfinished = 0;  // bytes received of messages that are not whole
};

class RpcConnection final : public RpcPeer, public std::enable_shared_from_this<RpcConnection> {
 public:
  // `keep`: keeps `shared` alive.
  RpcConnection(RpcConnections& shared, std::shared_ptr<void> keep, tcp::socket socket);

  void start(std::unique_ptr<RpcSession> session);
  void on_news();
  void close();

  void send(std::string_view message) override;
  void wake_after(Duration time) override;
  void call_off() override;

 private:
  enum class Taken { kMessage, kNothing, kClosed };
  void read();
  void on_bytes(size_t bytes);
  void take_messages();
  Taken take_framed();
  Taken take_plain();
  Taken hand_over(size_t from, size_t length);
  void write();
  void refuse(std::string_view why);
  void count_unfinished();
  bool is_open() const { return socket_.is_open(); }

  RpcConnections& shared_;
  const std::shared_ptr<void> keep_;
  tcp::socket socket_;
  asio::steady_timer silence_;
  asio::steady_timer alarm_;
  std::string peer_;
  std::unique_ptr<RpcSession> session_;
  std::array<char, 16U << 10> buffer_{};
  std::string received_;
  size_t counted_ = 0;  // of received_, in shared_.unfinished
  TimePoint message_began_{};
  std::optional<bool> is_framed_;  // known with the first byte
  std::optional<rpc::MessageScan> scan_;
  std::string unsent_;
  std::string sending_;
  bool reads_ = false;
};

}  // namespace flume::master

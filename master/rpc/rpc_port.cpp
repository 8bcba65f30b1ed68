#include "master/rpc/rpc_port.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/thread.h"
#include "master/rpc/rpc_connection.h"

namespace flume::master {

class RpcPort::Impl : public std::enable_shared_from_this<RpcPort::Impl>, public RpcConnections {
 public:
  Impl(RpcPortOptions port_options, MakeSession make)
      : RpcConnections(std::move(port_options)), make_session_(std::move(make)) {}

  Status start();
  void stop();
  void news();
  uint16_t port() const { return port_; }
  void gone(const std::shared_ptr<RpcConnection>& connection) override { connections_.erase(connection); }

 private:
  void accept();
  void take(tcp::socket socket);

  const MakeSession make_session_;
  tcp::acceptor acceptor_{loop};
  asio::steady_timer accept_again_{loop};
  uint16_t port_ = 0;
  std::set<std::shared_ptr<RpcConnection>> connections_;  // the port's thread
  std::atomic<bool> runs_{false};  // else what is posted would never be taken, and keep this alive
  std::atomic<bool> has_news_{false};
  Thread thread_;
};

Status RpcPort::Impl::start() {
  asio_error error;
  const std::string what = str_cat(options.what, " on ", options.bind_address, ":", options.port);
  const auto address = asio::ip::make_address(options.bind_address, error);
  if (error) {
    return invalid(what + ": this is no address");
  }
  const tcp::endpoint endpoint(address, options.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  }
  if (!error) {
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return Status::from_errno(error.value(), what);
  }
  port_ = acceptor_.local_endpoint(error).port();
  accept();
  runs_ = true;
  thread_ = Thread(options.name, [this] { loop.run(); });
  return {};
}

void RpcPort::Impl::stop() {
  if (!thread_.joinable()) {
    return;
  }
  runs_ = false;
  asio::post(loop, [self = shared_from_this()] {
    asio_error ignored;
    self->acceptor_.close(ignored);
    self->accept_again_.cancel();
    for (const auto& connection : std::set(self->connections_)) {
      connection->close();
    }
  });
  thread_.join();
}

void RpcPort::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](const asio_error& error, tcp::socket socket) {
    if (!self->acceptor_.is_open()) {
      return;
    }
    if (!error) {
      self->take(std::move(socket));
      self->accept();
      return;
    }
    // No descriptors left, most likely: not at once again.
    self->accept_again_.expires_after(std::chrono::milliseconds(200));
    self->accept_again_.async_wait([self](const asio_error& called_off) {
      if (!called_off && self->acceptor_.is_open()) {
        self->accept();
      }
    });
  });
}

void RpcPort::Impl::take(tcp::socket socket) {
  if (connections_.size() >= options.max_connections) {
    FLUME_LOG_EVERY(60'000, kWarn, "connection refused: too many", kv("port", port_),
                    kv("limit", options.max_connections));
    return;
  }
  const auto connection = std::make_shared<RpcConnection>(*this, shared_from_this(), std::move(socket));
  connections_.insert(connection);
  connection->start(make_session_(*connection));
}

void RpcPort::Impl::news() {
  if (!runs_ || has_news_.exchange(true)) {
    return;
  }
  asio::post(loop, [self = shared_from_this()] {
    self->has_news_ = false;
    for (const auto& connection : std::set(self->connections_)) {
      connection->on_news();
    }
  });
}

RpcPort::RpcPort(RpcPortOptions options, MakeSession make_session)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(make_session))) {}

RpcPort::~RpcPort() { stop(); }

Status RpcPort::start() { return impl_->start(); }

uint16_t RpcPort::port() const { return impl_->port(); }

void RpcPort::news() { impl_->news(); }

void RpcPort::stop() { impl_->stop(); }

}  // namespace flume::master

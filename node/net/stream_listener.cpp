#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "common/base/log.h"
#include "node/net/socket.h"
#include "node/net/stream_connection.h"

namespace flume::node {
namespace {

// What a listener shares with the IO threads; outlives the Listener until the last callback is gone.
struct Shared : std::enable_shared_from_this<Shared> {
  Shared(NetServer::Impl& server_impl, IoThread& accept_thread, UniqueFd socket, StreamHandlerFactory make)
      : server(server_impl),
        thread(accept_thread),
        acceptor(accept_thread.loop(), socket.release()),
        retry(accept_thread.loop()),
        factory(std::move(make)) {}

  void wait_for_connection() {
    acceptor.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error) {
                            self->accept_all();
                          }
                        });
  }

  void accept_all() {
    while (true) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      UniqueFd socket(
          ::accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.is_open()) {
        if (errno == EINTR || errno == ECONNABORTED) {
          continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
          wait_for_connection();
          return;
        }
        const Status status = Status::from_errno(errno, "accept a connection");
        FLUME_LOG_EVERY(60000, kWarn, "cannot accept connections", kv("reason", status));
        retry.expires_after(std::chrono::milliseconds(200));  // no descriptors: the backlog waits
        retry.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
          if (!error && self->acceptor.is_open()) {
            self->accept_all();
          }
        });
        return;
      }
      take(std::move(socket), address_text(reinterpret_cast<const sockaddr*>(&from), size));
    }
  }

  void take(UniqueFd socket, std::string address) {
    if (server.connections.fetch_add(1, std::memory_order_relaxed) >= server.options.max_connections) {
      server.connections.fetch_sub(1, std::memory_order_relaxed);
      FLUME_LOG_EVERY(60000, kWarn, "connection refused: too many", kv("peer", address),
                      kv("limit", server.options.max_connections));
      return;
    }
    set_stream_options(socket.fd());
    IoThread& home = server.least_loaded();
    const auto connection =
        std::make_shared<StreamConnection>(home, std::move(socket), std::move(address),
                                           [self = shared_from_this()](StreamConnection* ended) { self->gone(ended); });
    {
      MutexLock lock(mutex);
      connections.emplace(connection.get(), connection);
    }
    asio::post(home.loop(), [self = shared_from_this(), connection] {
      auto handler = self->factory(connection);
      connection->start(std::move(handler));
    });
  }

  void gone(StreamConnection* connection) {
    server.connections.fetch_sub(1, std::memory_order_relaxed);
    {
      MutexLock lock(mutex);
      connections.erase(connection);
    }
    changed.notify_all();
  }

  void each(const std::function<void(StreamConnection&)>& call) {
    MutexLock lock(mutex);
    for (const auto& [pointer, weak] : connections) {
      if (const auto connection = weak.lock()) {
        connection->post([connection, call] { call(*connection); });
      }
    }
  }

  void stop_accepting() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
    {
      MutexLock lock(mutex);
      accepting = false;
    }
    changed.notify_all();
  }

  void wait_until_deaf() {
    MutexLock lock(mutex);
    while (accepting) {
      changed.wait(mutex, Wait{});
    }
  }

  bool wait_until_empty(const Wait& wait) {
    MutexLock lock(mutex);
    while ((accepting || !connections.empty()) && changed.wait(mutex, wait)) {
    }
    return !accepting && connections.empty();
  }

  NetServer::Impl& server;
  IoThread& thread;
  asio::posix::stream_descriptor acceptor;
  asio::steady_timer retry;
  StreamHandlerFactory factory;
  Mutex mutex;
  CondVar changed;
  bool accepting FLUME_GUARDED_BY(mutex) = true;
  std::map<StreamConnection*, std::weak_ptr<StreamConnection>> connections FLUME_GUARDED_BY(mutex);
};

class StreamListener final : public Listener {
 public:
  StreamListener(std::shared_ptr<Shared> shared, uint16_t port) : shared_(std::move(shared)), port_(port) {
    const std::lock_guard<std::mutex> lock(shared_->server.mutex);
    shared_->server.listeners.insert(this);
  }
  ~StreamListener() override { close(Duration::zero()); }

  uint16_t port() const override { return port_; }

  void wake_all() override {
    MutexLock lock(shared_->mutex);
    for (const auto& [pointer, weak] : shared_->connections) {
      if (const auto connection = weak.lock()) {
        connection->wake();
      }
    }
  }

  size_t connections() const override {
    MutexLock lock(shared_->mutex);
    return shared_->connections.size();
  }

  void close(Duration linger) override {
    if (closed_) {
      return;
    }
    closed_ = true;
    {
      const std::lock_guard<std::mutex> lock(shared_->server.mutex);
      shared_->server.listeners.erase(this);
    }
    asio::post(shared_->thread.loop(), [shared = shared_] { shared->stop_accepting(); });
    shared_->wait_until_deaf();  // no connection comes after this
    if (linger > Duration::zero()) {
      shared_->each([](StreamConnection& connection) { connection.finish(); });
      if (shared_->wait_until_empty(Wait::for_duration(linger))) {
        return;
      }
    }
    shared_->each([](StreamConnection& connection) { connection.abort(); });
    shared_->wait_until_empty(Wait{});
  }

 private:
  const std::shared_ptr<Shared> shared_;  // the IO threads refer to it too
  const uint16_t port_;
  bool closed_ = false;
};

}  // namespace

Result<std::unique_ptr<Listener>> NetServer::listen_stream(uint16_t port, StreamHandlerFactory factory) {
  FLUME_ASSIGN_OR_RETURN(UniqueFd socket, open_port(options_.bind_address, port, SOCK_STREAM));
  const uint16_t bound = bound_port(socket.fd());
  IoThread& thread = impl_->first();
  const auto shared = std::make_shared<Shared>(*impl_, thread, std::move(socket), std::move(factory));
  asio::post(thread.loop(), [shared] { shared->accept_all(); });
  return std::unique_ptr<Listener>(std::make_unique<StreamListener>(shared, bound));
}

}  // namespace flume::node

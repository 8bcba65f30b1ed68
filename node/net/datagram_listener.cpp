#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "node/net/io_thread.h"
#include "node/net/socket.h"

namespace flume::node {
namespace {

constexpr size_t kLargestDatagram = 65536;
constexpr int kReceiveBuffer = 4 << 20;  // the kernel's queue: what arrives while the flow is slow

struct Shared : std::enable_shared_from_this<Shared> {
  Shared(asio::io_context& io_loop, UniqueFd fd, NetServer::DatagramHandler call)
      : loop(io_loop), socket(io_loop, fd.release()), handler(std::move(call)) {}

  void wait() {
    socket.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error) {
                          self->receive();
                        }
                      });
  }

  void receive() {
    constexpr int kTurn = 256;  // datagrams before other connections get their turn
    for (int i = 0; i < kTurn; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) {
        break;
      }
      held = static_cast<size_t>(got);
      peer = address_text(reinterpret_cast<const sockaddr*>(&from), size);
      if (!offer()) {
        return;
      }
    }
    wait();
  }

  bool offer() {
    parked = !handler({buffer.data(), held}, peer);
    return !parked;
  }

  void wake() {
    if (parked && socket.is_open() && offer()) {
      receive();
    }
  }

  asio::io_context& loop;
  asio::posix::stream_descriptor socket;
  NetServer::DatagramHandler handler;
  std::vector<char> buffer = std::vector<char>(kLargestDatagram);
  size_t held = 0;
  std::string peer;
  bool parked = false;
  Mutex mutex;
  CondVar changed;
  bool closed FLUME_GUARDED_BY(mutex) = false;
};

class DatagramListener final : public Listener {
 public:
  DatagramListener(NetServer::Impl& server, std::shared_ptr<Shared> shared, uint16_t port)
      : server_(server), shared_(std::move(shared)), port_(port) {
    const std::lock_guard<std::mutex> lock(server_.mutex);
    server_.listeners.insert(this);
  }
  ~DatagramListener() override { close(Duration::zero()); }

  uint16_t port() const override { return port_; }
  void wake_all() override {
    asio::post(shared_->loop, [shared = shared_] { shared->wake(); });
  }
  size_t connections() const override { return 0; }

  void close(Duration) override {
    if (closed_) {
      return;
    }
    closed_ = true;
    {
      const std::lock_guard<std::mutex> lock(server_.mutex);
      server_.listeners.erase(this);
    }
    asio::post(shared_->loop, [shared = shared_] {
      boost::system::error_code ignored;
      shared->socket.close(ignored);
      shared->handler = nullptr;
      shared->parked = false;
      {
        MutexLock lock(shared->mutex);
        shared->closed = true;
      }
      shared->changed.notify_all();
    });
    MutexLock lock(shared_->mutex);
    while (!shared_->closed) {
      shared_->changed.wait(shared_->mutex, Wait{});
    }
  }

 private:
  NetServer::Impl& server_;
  const std::shared_ptr<Shared> shared_;  // the IO thread refers to it too
  const uint16_t port_;
  bool closed_ = false;
};

}  // namespace

Result<std::unique_ptr<Listener>> NetServer::listen_datagram(uint16_t port, DatagramHandler handler) {
  FLUME_ASSIGN_OR_RETURN(UniqueFd socket, open_port(options_.bind_address, port, SOCK_DGRAM));
  const int size = kReceiveBuffer;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  const uint16_t bound = bound_port(socket.fd());
  const auto shared = std::make_shared<Shared>(impl_->first().loop(), std::move(socket), std::move(handler));
  asio::post(shared->loop, [shared] { shared->wait(); });
  return std::unique_ptr<Listener>(std::make_unique<DatagramListener>(*impl_, shared, bound));
}

}  // namespace flume::node

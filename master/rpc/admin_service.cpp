#include "master/rpc/admin_service.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <set>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/rpc/message_scan.h"
#include "common/rpc/thrift_bytes.h"
#include "master/rpc/admin_handler.h"

namespace flume::master {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

namespace {

class AdminConnection;

struct Shared {
  Shared(AdminServiceOptions service_options, const AdminService::Parts& parts)
      : options(std::move(service_options)), processor(std::make_shared<AdminHandler>(parts)) {}
  const AdminServiceOptions options;
  rpc::admin::FlumeMasterAdminServerProcessor processor;
  asio::io_context loop{1};
  std::set<std::shared_ptr<AdminConnection>> connections;  // the service's thread
};

// One shell. Calls are answered in order, the next is read when the answer is on its way.
class AdminConnection : public std::enable_shared_from_this<AdminConnection> {
 public:
  AdminConnection(Shared& shared, tcp::socket socket)
      : shared_(shared), socket_(std::move(socket)), silence_(shared.loop) {
    begin_message();
  }

  void start() {
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    read();
  }
  void close() {
    Error ignored;
    silence_.cancel();
    socket_.close(ignored);
    shared_.connections.erase(shared_from_this());
  }

 private:
  void begin_message() { scan_ = std::make_unique<rpc::MessageScan>(shared_.options.max_message); }

  void read() {
    silence_.expires_after(shared_.options.silence);
    silence_.async_wait([self = shared_from_this()](const Error& error) {
      if (!error) {
        self->close();
      }
    });
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const Error& error, size_t bytes) {
      if (error) {
        self->close();
        return;
      }
      self->received_.append(self->buffer_.data(), bytes);
      self->take_message();
    });
  }

  void take_message() {
    const auto state = scan_->feed(received_);
    if (state == rpc::MessageScan::State::kMore) {
      read();
      return;
    }
    if (state == rpc::MessageScan::State::kBad) {
      refuse(scan_->error());
      return;
    }
    const std::string message = received_.substr(0, scan_->length());
    received_.erase(0, scan_->length());
    begin_message();
    try {
      const auto in = rpc::reader_of(message);
      const auto out = rpc::writer();
      shared_.processor.process(in, out, nullptr);
      answer_ = rpc::take(*out);
    } catch (const std::exception& error) {
      refuse(error.what());
      return;
    }
    asio::async_write(socket_, asio::buffer(answer_), [self = shared_from_this()](const Error& error, size_t) {
      if (error) {
        self->close();
      } else if (self->received_.empty()) {
        self->read();
      } else {
        self->take_message();
      }
    });
  }

  void refuse(std::string_view why) {
    Error ignored;
    const auto peer = socket_.remote_endpoint(ignored);
    FLUME_LOG_EVERY(60'000, kWarn, "a connection to the administration port is closed",
                    kv("peer", ignored ? std::string("?") : peer.address().to_string()), kv("why", why));
    close();
  }

  Shared& shared_;
  tcp::socket socket_;
  asio::steady_timer silence_;
  std::unique_ptr<rpc::MessageScan> scan_;
  std::array<char, 16 << 10> buffer_{};
  std::string received_;
  std::string answer_;
};

}  // namespace

class AdminService::Impl {
 public:
  Impl(AdminServiceOptions options, const Parts& parts) : shared_(std::move(options), parts) {}

  Status start() {
    Error error;
    const auto& options = shared_.options;
    const std::string what = str_cat("listen for shells on ", options.bind_address, ":", options.port);
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
    port_ = acceptor_.local_endpoint().port();
    accept();
    thread_ = Thread("admin-service", [this] { shared_.loop.run(); });
    return {};
  }

  uint16_t port() const { return port_; }

  void stop() {
    if (!thread_.joinable()) {
      return;
    }
    asio::post(shared_.loop, [this] {
      Error ignored;
      acceptor_.close(ignored);
      for (const auto& connection : std::set(shared_.connections)) {
        connection->close();
      }
    });
    thread_.join();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](const Error& error, tcp::socket socket) {
      if (!acceptor_.is_open()) {
        return;
      }
      if (error) {  // no descriptors left: not at once again
        const auto pause = std::make_shared<asio::steady_timer>(shared_.loop, std::chrono::milliseconds(200));
        pause->async_wait([this, pause](const Error&) { accept(); });
        return;
      }
      if (shared_.connections.size() < shared_.options.max_connections) {
        const auto connection = std::make_shared<AdminConnection>(shared_, std::move(socket));
        shared_.connections.insert(connection);
        connection->start();
      }
      accept();
    });
  }

  Shared shared_;
  tcp::acceptor acceptor_{shared_.loop};
  uint16_t port_ = 0;
  Thread thread_;
};

AdminService::AdminService(AdminServiceOptions options, const Parts& parts)
    : impl_(std::make_unique<Impl>(std::move(options), parts)) {}

AdminService::~AdminService() { stop(); }

Status AdminService::start() { return impl_->start(); }

uint16_t AdminService::port() const { return impl_->port(); }

void AdminService::stop() { impl_->stop(); }

}  // namespace flume::master

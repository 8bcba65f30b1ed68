#include "master/rpc/node_service.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <exception>
#include <set>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/rpc/thrift_bytes.h"
#include "master/rpc/desired.h"
#include "rpc/NodeControl.h"

namespace flume::master {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

class NodeConnection;

class NodeService::Impl : public std::enable_shared_from_this<NodeService::Impl> {
 public:
  Impl(NodeServiceOptions service_options, WantedBoard& wanted_board, NodeTable& node_table)
      : options(std::move(service_options)), wanted(wanted_board), nodes(node_table) {}

  Status start();
  void stop();
  void accept();
  void look_again();  // at every call that waits
  void gone(const std::shared_ptr<NodeConnection>& connection) { connections.erase(connection); }

  const NodeServiceOptions options;
  WantedBoard& wanted;
  NodeTable& nodes;
  asio::io_context loop{1};
  tcp::acceptor acceptor{loop};
  uint16_t port = 0;
  std::atomic<bool> runs{false};  // else what is posted would never be taken, and keep this alive

 private:
  std::set<std::shared_ptr<NodeConnection>> connections;  // the service's thread
  Thread thread;
};

// One node's connection. Everything runs in the service's thread.
class NodeConnection : public std::enable_shared_from_this<NodeConnection> {
 public:
  NodeConnection(std::shared_ptr<NodeService::Impl> service, tcp::socket socket)
      : service_(std::move(service)), socket_(std::move(socket)), silence_(service_->loop), parked_(service_->loop) {}

  void start() {
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    const auto peer = socket_.remote_endpoint(ignored);
    peer_ = ignored ? std::string("a peer that left") : str_cat(peer.address().to_string(), ":", peer.port());
    await_frame();
  }
  void close() {
    Error ignored;
    silence_.cancel();
    parked_.cancel();
    socket_.close(ignored);
    service_->gone(shared_from_this());
  }
  // What this node should run may have changed.
  void look_again() {
    if (has_parked_) {
      answer(false);
    }
  }

 private:
  void await_frame();
  void take_frame(size_t bytes);
  void handle(std::string_view message);
  void handle_poll(rpc::Binary& in, int32_t sequence);
  // Answers the call that waits, if there is news for it or `anyhow`.
  void answer(bool anyhow);
  void reply(rpc::control::Desired desired);
  void send(std::string message);
  void write_next();
  void refuse(std::string_view why);

  const std::shared_ptr<NodeService::Impl> service_;
  tcp::socket socket_;
  asio::steady_timer silence_;
  asio::steady_timer parked_;
  std::string peer_;
  std::array<char, 16 << 10> buffer_;
  std::string received_;
  std::deque<std::string> out_;
  std::string physical_;
  int32_t sequence_ = 0;
  bool has_parked_ = false;
};

// ---- service

Status NodeService::Impl::start() {
  Error error;
  const auto address = asio::ip::make_address(options.bind_address, error);
  const std::string what = str_cat("listen for nodes on ", options.bind_address, ":", options.port);
  if (error) {
    return invalid(str_cat(what, ": this is no address"));
  }
  const tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) {
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor.bind(endpoint, error);
  }
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return Status::from_errno(error.value(), what);
  }
  port = acceptor.local_endpoint().port();
  accept();
  runs = true;
  thread = Thread("node-service", [this] { loop.run(); });
  return {};
}

void NodeService::Impl::stop() {
  if (!thread.joinable()) {
    return;
  }
  runs = false;
  asio::post(loop, [self = shared_from_this()] {
    Error ignored;
    self->acceptor.close(ignored);
    for (const auto& connection : std::set(self->connections)) {
      connection->close();
    }
  });
  thread.join();
}

void NodeService::Impl::accept() {
  acceptor.async_accept([self = shared_from_this()](const Error& error, tcp::socket socket) {
    if (!self->acceptor.is_open()) {
      return;
    }
    if (!error && self->connections.size() < self->options.max_connections) {
      const auto connection = std::make_shared<NodeConnection>(self, std::move(socket));
      self->connections.insert(connection);
      connection->start();
    }
    if (error) {  // no descriptors left: not at once again
      const auto pause = std::make_shared<asio::steady_timer>(self->loop, std::chrono::milliseconds(200));
      pause->async_wait([self, pause](const Error&) { self->accept(); });
      return;
    }
    self->accept();
  });
}

void NodeService::Impl::look_again() {
  for (const auto& connection : std::set(connections)) {
    connection->look_again();
  }
}

// ---- connection

void NodeConnection::await_frame() {
  silence_.expires_after(service_->options.silence);
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
    self->take_frame(bytes);
  });
}

void NodeConnection::take_frame(size_t bytes) {
  received_.append(buffer_.data(), bytes);
  while (received_.size() >= 4) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) {
      length = length << 8 | static_cast<uint8_t>(received_[i]);
    }
    if (length == 0 || length > static_cast<size_t>(rpc::kMaxMessageBytes)) {
      refuse(str_cat("a frame of ", length, " bytes"));
      return;
    }
    if (received_.size() - 4 < length) {
      break;
    }
    handle(std::string_view(received_).substr(4, length));
    if (!socket_.is_open()) {
      return;
    }
    received_.erase(0, length + 4);
  }
  await_frame();
}

void NodeConnection::refuse(std::string_view why) {
  FLUME_LOG_EVERY(60'000, kWarn, "a connection to the port for nodes is closed", kv("peer", peer_), kv("why", why));
  close();
}

void NodeConnection::handle(std::string_view message) {
  try {
    const auto in = rpc::reader_of(message);
    std::string name;
    auto type = apache::thrift::protocol::T_CALL;
    int32_t sequence = 0;
    in->readMessageBegin(name, type, sequence);
    if (name == "poll" && type == apache::thrift::protocol::T_CALL) {
      handle_poll(*in, sequence);
      return;
    }
    const auto out = rpc::writer();
    const apache::thrift::TApplicationException unknown(apache::thrift::TApplicationException::UNKNOWN_METHOD,
                                                        "no such call: " + name);
    out->writeMessageBegin(name, apache::thrift::protocol::T_EXCEPTION, sequence);
    unknown.write(out.get());
    out->writeMessageEnd();
    send(rpc::take(*out));
  } catch (const std::exception& error) {
    refuse(error.what());
  }
}

void NodeConnection::handle_poll(rpc::Binary& in, int32_t sequence) {
  rpc::control::NodeControl_poll_args call;
  call.read(&in);
  if (has_parked_) {
    answer(true);  // a later report: the earlier call has waited long enough
  }
  physical_ = call.report.name;
  if (physical_.empty()) {
    refuse("a report of a node without a name");
    return;
  }
  sequence_ = sequence;
  has_parked_ = true;
  if (!service_->nodes.report(report_from(call.report))) {
    DesiredFor all = desired_for(*service_->wanted.get(), nullptr, physical_, service_->options.store_id);
    reply(std::move(all.desired));
    return;
  }
  answer(false);
  if (!has_parked_) {
    return;
  }
  const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(service_->options.longest_wait);
  parked_.expires_after(std::clamp(std::chrono::milliseconds(call.wait_ms), std::chrono::milliseconds(0), longest));
  parked_.async_wait([self = shared_from_this()](const Error& error) {
    if (!error && self->has_parked_) {
      self->answer(true);
    }
  });
}

void NodeConnection::answer(bool anyhow) {
  const auto node = service_->nodes.find(physical_);
  const DesiredFor news =
      desired_for(*service_->wanted.get(), node ? &*node : nullptr, physical_, service_->options.store_id);
  if (!news.is_behind && !anyhow) {
    return;
  }
  reply(news.desired);
}

void NodeConnection::reply(rpc::control::Desired desired) {
  has_parked_ = false;
  parked_.cancel();
  const auto out = rpc::writer();
  rpc::control::NodeControl_poll_result result;
  result.success = std::move(desired);
  result.__isset.success = true;
  out->writeMessageBegin("poll", apache::thrift::protocol::T_REPLY, sequence_);
  result.write(out.get());
  out->writeMessageEnd();
  send(rpc::take(*out));
}

void NodeConnection::send(std::string message) {
  out_.push_back(rpc::with_frame(message));
  if (out_.size() == 1) {
    write_next();
  }
}

void NodeConnection::write_next() {
  asio::async_write(socket_, asio::buffer(out_.front()), [self = shared_from_this()](const Error& error, size_t) {
    if (error) {
      self->close();
      return;
    }
    self->out_.pop_front();
    if (!self->out_.empty()) {
      self->write_next();
    }
  });
}

// ---- facade

NodeService::NodeService(NodeServiceOptions options, WantedBoard& wanted, NodeTable& nodes)
    : impl_(std::make_shared<Impl>(std::move(options), wanted, nodes)) {}

NodeService::~NodeService() { stop(); }

Status NodeService::start() { return impl_->start(); }

uint16_t NodeService::port() const { return impl_->port; }

void NodeService::news() {
  if (impl_->runs) {
    asio::post(impl_->loop, [impl = impl_] { impl->look_again(); });
  }
}

void NodeService::stop() { impl_->stop(); }

}  // namespace flume::master

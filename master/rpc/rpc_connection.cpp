#include "master/rpc/rpc_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/rpc/link_frame.h"
#include "common/rpc/thrift_bytes.h"

namespace flume::master {

namespace {

using rpc::kLengthBytes;
constexpr char kStrictBinary = '\x80';  // first byte of an unframed message; of a frame's length it would be 2 GiB

TimePoint steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

RpcConnection::RpcConnection(RpcConnections& shared, std::shared_ptr<void> keep, tcp::socket socket)
    : shared_(shared), keep_(std::move(keep)), socket_(std::move(socket)), silence_(shared.loop), alarm_(shared.loop) {}

void RpcConnection::start(std::unique_ptr<RpcSession> session) {
  session_ = std::move(session);
  asio_error error;
  socket_.set_option(tcp::no_delay(true), error);
  const auto peer = socket_.remote_endpoint(error);
  peer_ = error ? std::string("a peer that left") : str_cat(peer.address().to_string(), ":", peer.port());
  read();
}

void RpcConnection::close() {
  if (!is_open()) {
    return;
  }
  asio_error ignored;
  silence_.cancel();
  alarm_.cancel();
  socket_.close(ignored);
  received_.clear();
  count_unfinished();
  shared_.gone(shared_from_this());
}

void RpcConnection::refuse(std::string_view why) {
  if (is_open()) {
    FLUME_LOG_EVERY(60'000, kWarn, "connection closed", kv("at", shared_.options.what), kv("peer", peer_),
                    kv("why", why));
    close();
  }
}

void RpcConnection::count_unfinished() {
  shared_.unfinished = shared_.unfinished - counted_ + received_.size();
  counted_ = received_.size();
}

void RpcConnection::read() {
  if (reads_ || !is_open() || unsent_.size() + sending_.size() > shared_.options.max_unsent) {
    return;
  }
  reads_ = true;
  silence_.expires_after(shared_.options.silence);
  silence_.async_wait([self = shared_from_this()](const asio_error& error) {
    if (!error) {
      self->close();
    }
  });
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const asio_error& error, size_t bytes) {
    self->reads_ = false;
    if (error) {
      self->close();
    } else if (self->is_open()) {
      self->on_bytes(bytes);
    }
  });
}

void RpcConnection::on_bytes(size_t bytes) {
  if (received_.empty()) {
    message_began_ = steady_now();
  }
  received_.append(buffer_.data(), bytes);
  take_messages();
  if (!is_open()) {
    return;
  }
  count_unfinished();
  if (shared_.unfinished > shared_.options.max_unfinished) {
    refuse("unfinished messages of all peers take too much memory");
  } else if (!received_.empty() && steady_now() - message_began_ > shared_.options.message_time) {
    refuse("one message takes too long");
  } else {
    read();
  }
}

void RpcConnection::take_messages() {
  while (is_open() && !received_.empty()) {
    if (!is_framed_) {
      is_framed_ = received_.front() != kStrictBinary;
    }
    const Taken taken = *is_framed_ ? take_framed() : take_plain();
    if (taken != Taken::kMessage) {
      return;
    }
    message_began_ = steady_now();
  }
}

RpcConnection::Taken RpcConnection::take_framed() {
  if (received_.size() < kLengthBytes) {
    return Taken::kNothing;
  }
  const size_t length = rpc::read_u32(received_);
  if (length == 0 || length > shared_.options.max_message) {
    refuse(str_cat("a frame of ", length, " bytes, the limit is ", shared_.options.max_message));
    return Taken::kClosed;
  }
  if (received_.size() - kLengthBytes < length) {
    return Taken::kNothing;
  }
  rpc::MessageScan scan(length);
  const auto state = scan.feed(std::string_view(received_).substr(kLengthBytes, length));
  if (state != rpc::MessageScan::State::kWhole || scan.length() != length) {
    refuse(state == rpc::MessageScan::State::kBad ? scan.error() : "a frame that is not one message");
    return Taken::kClosed;
  }
  return hand_over(kLengthBytes, length);
}

RpcConnection::Taken RpcConnection::take_plain() {
  if (!scan_) {
    scan_.emplace(shared_.options.max_message);
  }
  switch (scan_->feed(received_)) {
    case rpc::MessageScan::State::kMore: return Taken::kNothing;
    case rpc::MessageScan::State::kBad: refuse(scan_->error()); return Taken::kClosed;
    case rpc::MessageScan::State::kWhole: break;
  }
  const size_t length = scan_->length();
  scan_.reset();
  return hand_over(0, length);
}

RpcConnection::Taken RpcConnection::hand_over(size_t from, size_t length) {
  const Status status = session_->on_message(std::string_view(received_).substr(from, length));
  if (!status.ok()) {
    refuse(status.message());
    return Taken::kClosed;
  }
  received_.erase(0, from + length);
  return Taken::kMessage;
}

void RpcConnection::send(std::string_view message) {
  if (!is_open()) {
    return;
  }
  unsent_ += is_framed_.value_or(true) ? rpc::with_frame(message) : std::string(message);
  if (sending_.empty()) {
    write();
  }
}

void RpcConnection::write() {
  sending_ = std::exchange(unsent_, {});
  asio::async_write(socket_, asio::buffer(sending_), [self = shared_from_this()](const asio_error& error, size_t) {
    self->sending_.clear();
    if (error) {
      self->close();
      return;
    }
    if (!self->unsent_.empty()) {
      self->write();
    }
    self->read();
  });
}

void RpcConnection::on_news() {
  if (is_open()) {
    session_->on_news();
  }
}

void RpcConnection::wake_after(Duration time) {
  alarm_.expires_after(time);
  alarm_.async_wait([self = shared_from_this()](const asio_error& error) {
    if (!error && self->is_open()) {
      self->session_->on_time();
    }
  });
}

void RpcConnection::call_off() { alarm_.cancel(); }

}  // namespace flume::master

#include "node/net/stream_connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace flume::node {
namespace {

constexpr size_t kScratch = 64 << 10;      // what is read at once when nobody knows what comes
constexpr size_t kBehindDirect = 4 << 10;  // read behind a direct buffer: the end of its frame and the next header
constexpr size_t kTurn = 2 << 20;          // bytes before other connections of the thread get their turn
constexpr Duration kFinishTime = 1s;       // for the peer to take our last words

}  // namespace

StreamConnection::StreamConnection(IoThread& thread, UniqueFd socket, std::string address,
                                   std::function<void(StreamConnection*)> on_gone)
    : thread_(thread),
      socket_(thread.loop(), socket.release()),
      address_(std::move(address)),
      on_gone_(std::move(on_gone)) {}

StreamConnection::~StreamConnection() = default;

void StreamConnection::start(std::unique_ptr<StreamHandler> handler) {
  handler_ = std::move(handler);
  thread_.add(shared_from_this());
  wait_readable();
}

void StreamConnection::wait_readable() {
  if (waiting_read_ || state_ == State::kGone) {
    return;
  }
  waiting_read_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->waiting_read_ = false;
                       if (!error) {
                         self->on_readable();
                       }
                     });
}

void StreamConnection::on_readable() {
  size_t turn = 0;
  bool again = true;
  while (again && turn < kTurn && state_ != State::kGone && state_ != State::kParked) {
    again = false;
    const size_t wanted = handler_ ? handler_->direct().size() : 0;
    if (!read_once(again)) {
      return;
    }
    turn += wanted + kBehindDirect;
  }
  if (state_ == State::kGone || state_ == State::kParked) {
    return;
  }
  if (again) {
    asio::post(thread_.loop(), [self = shared_from_this()] {
      if (self->state_ == State::kOpen || self->state_ == State::kFinishing) {
        self->on_readable();
      }
    });
    return;
  }
  wait_readable();
}

bool StreamConnection::read_once(bool& again) {
  std::vector<char>& scratch = thread_.scratch();
  const std::span<char> direct = state_ == State::kOpen ? handler_->direct() : std::span<char>();
  const size_t kept = rest_.size();
  const size_t room = direct.empty() ? kScratch : kBehindDirect;
  scratch.resize(std::max(scratch.size(), kept + kScratch));
  iovec pieces[2] = {{direct.data(), direct.size()}, {scratch.data() + kept, room}};
  const int first = direct.empty() ? 1 : 0;
  const ssize_t got = ::readv(socket_.native_handle(), pieces + first, 2 - first);
  if (got < 0) {
    if (errno == EINTR) {
      again = true;
      return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    }
    end(std::strerror(errno));
    return false;
  }
  if (got == 0) {
    end({});
    return false;
  }
  if (state_ == State::kFinishing) {
    again = true;  // what still comes is dropped
    return true;
  }
  const auto bytes = static_cast<size_t>(got);
  const size_t in_direct = std::min(bytes, direct.size());
  again = bytes == direct.size() + room || (!direct.empty() && bytes >= direct.size());
  if (in_direct > 0) {
    obey(handler_->on_direct(in_direct));
  }
  const size_t behind = bytes - in_direct;
  if (behind > 0 && state_ != State::kGone) {
    std::memcpy(scratch.data(), rest_.data(), kept);
    rest_.clear();
    feed({scratch.data(), kept + behind});
  }
  return state_ != State::kGone;
}

// `bytes` may point into the thread's scratch buffer; what is not used is copied to rest_.
void StreamConnection::feed(std::span<const char> bytes) {
  while (!bytes.empty() && state_ == State::kOpen) {
    size_t used = 0;
    const Verdict verdict = handler_->on_bytes(bytes, used);
    bytes = bytes.subspan(used);
    obey(verdict);
    if (used == 0) {
      break;
    }
  }
  if (state_ == State::kOpen || state_ == State::kParked) {
    rest_.assign(bytes.data(), bytes.size());
  }
}

void StreamConnection::obey(Verdict verdict) {
  if (state_ != State::kOpen && state_ != State::kParked) {
    return;
  }
  switch (verdict) {
    case Verdict::kMore: state_ = State::kOpen; break;
    case Verdict::kPark: state_ = State::kParked; break;
    case Verdict::kFinish: begin_finish(); break;
  }
}

void StreamConnection::wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) {
    return;
  }
  asio::post(thread_.loop(), [self = shared_from_this()] {
    self->wake_pending_.store(false, std::memory_order_release);
    if (self->state_ != State::kOpen && self->state_ != State::kParked) {
      return;
    }
    const bool was_parked = self->state_ == State::kParked;
    self->obey(self->handler_->on_wake());
    if (!was_parked || self->state_ != State::kOpen) {
      return;
    }
    std::string rest;
    rest.swap(self->rest_);
    self->feed(rest);
    if (self->state_ == State::kOpen) {
      self->on_readable();
    }
  });
}

void StreamConnection::on_tick(TimePoint now) {
  if (state_ == State::kFinishing) {
    if (now >= finish_until_) {
      end("no answer to the end of the connection");
    }
    return;
  }
  if (state_ == State::kOpen || state_ == State::kParked) {
    const State before = state_;
    const Verdict verdict = handler_->on_tick(now);
    if (verdict == Verdict::kFinish) {
      begin_finish();
    } else {
      state_ = before;  // a tick neither parks nor feeds
    }
  }
}

void StreamConnection::send(std::string bytes) {
  if (state_ == State::kGone || shut_down_) {
    return;
  }
  if (out_sent_ == out_.size()) {
    out_ = std::move(bytes);
    out_sent_ = 0;
  } else {
    out_.append(bytes);
  }
  write_out();
}

void StreamConnection::write_out() {
  while (out_sent_ < out_.size()) {
    const ssize_t sent =
        ::send(socket_.native_handle(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        wait_writable();
        return;
      }
      // The reading side finds out what happened; until then nothing more is sent.
      out_.clear();
      out_sent_ = 0;
      return;
    }
    out_sent_ += static_cast<size_t>(sent);
  }
  out_.clear();
  out_sent_ = 0;
  if (state_ == State::kFinishing && !shut_down_) {
    shut_down_ = true;
    ::shutdown(socket_.native_handle(), SHUT_WR);
  }
}

void StreamConnection::wait_writable() {
  if (waiting_write_ || state_ == State::kGone) {
    return;
  }
  waiting_write_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->waiting_write_ = false;
                       if (!error) {
                         self->write_out();
                       }
                     });
}

void StreamConnection::finish() {
  if (state_ == State::kOpen || state_ == State::kParked) {
    handler_->on_finish();
    begin_finish();
  }
}

void StreamConnection::begin_finish() {
  state_ = State::kFinishing;
  finish_until_ = std::chrono::steady_clock::now() + kFinishTime;
  rest_.clear();
  write_out();
  // Reading goes on, so that unread bytes do not turn our end into a reset that overtakes the last words.
  wait_readable();
}

void StreamConnection::abort() { end("closed here"); }

void StreamConnection::end(std::string_view error) {
  if (state_ == State::kGone || !handler_) {
    return;
  }
  const bool told = state_ == State::kFinishing;
  state_ = State::kGone;
  const auto self = shared_from_this();
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (!told) {
    handler_->on_end(error);
  }
  handler_.reset();
  thread_.remove(self);
  const auto on_gone = std::exchange(on_gone_, nullptr);
  on_gone(this);
}

}  // namespace flume::node

#include "common/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace flume::http {
namespace {

constexpr Duration kDrainTime = std::chrono::milliseconds(500);
constexpr size_t kDrainBytes = 4U << 20;
constexpr Duration kWriteTime = std::chrono::seconds(10);

}  // namespace

Connection::Connection(UniqueFd fd, std::string peer, StopToken stop)
    : fd_(std::move(fd)), peer_(std::move(peer)), stop_(std::move(stop)) {}

void Connection::begin_request(size_t head_limit, TimePoint deadline) {
  allowed_ = head_limit;
  in_body_ = false;
  head_too_large_ = false;
  deadline_ = deadline;
}

void Connection::begin_body(size_t body_limit) {
  allowed_ = body_limit;
  in_body_ = true;
}

bool Connection::wait_for(short events, TimePoint until) const {
  const Wait wait{until, stop_};
  while (!wait.over()) {
    std::array<pollfd, 2> fds{pollfd{fd_.fd(), events, 0}, pollfd{stop_.fd(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), wait.poll_millis());
    if (ready > 0 && fds[0].revents != 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      return false;
    }
  }
  return false;
}

ssize_t Connection::fill() {
  while (true) {
    const ssize_t got = ::recv(fd_.fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got >= 0) {
      begin_ = 0;
      end_ = static_cast<size_t>(got);
      return got;
    }
    if (errno == EINTR) {
      continue;
    }
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for(POLLIN, deadline_)) {
      return -1;
    }
  }
}

ssize_t Connection::read(char* to, size_t size) {
  if (broken_) {
    return -1;
  }
  if (allowed_ == 0) {
    head_too_large_ = !in_body_;
    close_after_answer_ = true;
    return -1;
  }
  if (begin_ == end_) {
    const ssize_t got = fill();
    if (got <= 0) {
      broken_ = true;
      return got;
    }
  }
  const size_t n = std::min({size, end_ - begin_, allowed_});
  std::memcpy(to, buffer_.data() + begin_, n);
  begin_ += n;
  allowed_ -= n;
  return static_cast<ssize_t>(n);
}

ssize_t Connection::write(const char* from, size_t size) {
  const TimePoint until = Wait::for_duration(kWriteTime).until;
  size_t done = 0;
  while (done < size) {
    const ssize_t sent = ::send(fd_.fd(), from + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      done += static_cast<size_t>(sent);
      continue;
    }
    if (errno == EINTR) {
      continue;
    }
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for(POLLOUT, until)) {
      broken_ = true;
      return -1;
    }
  }
  return static_cast<ssize_t>(size);
}

void Connection::drain() {
  ::shutdown(fd_.fd(), SHUT_WR);
  const TimePoint until = Wait::for_duration(kDrainTime).until;
  size_t total = 0;
  while (total < kDrainBytes && wait_for(POLLIN, until)) {
    const ssize_t got = ::recv(fd_.fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got <= 0) {
      return;
    }
    total += static_cast<size_t>(got);
  }
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = peer_;
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace flume::http

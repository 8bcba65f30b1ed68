#include "node/net/client_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/base/text.h"
#include "node/net/socket.h"

namespace flume::node {

namespace {

Status ended_wait(const Wait& wait, std::string_view what) {
  if (wait.stop.stop_requested()) {
    return stopped();
  }
  return {Code::kTimeout, str_cat(what, ": no answer in time")};
}

}  // namespace

// A connection that breaks is a temporary matter, whatever the errno.
Status ClientSocket::failed(int os_error, std::string_view what) const {
  const Status status = Status::from_errno(os_error, str_cat(what, " ", name_));
  return {Code::kUnavailable, std::string(status.message()), os_error};
}

Status ClientSocket::connect(NetServer& net, const std::string& host, uint16_t port, const Wait& wait) {
  name_ = str_cat(host, ":", port);
  fd_.reset();
  const auto resolution = net.resolve(host, port);
  FLUME_ASSIGN_OR_RETURN(const auto addresses, resolution->get(wait));
  Status last;
  for (const std::vector<char>& address : addresses) {
    last = connect_to(address, wait);
    if (last.ok() || wait.over()) {
      break;
    }
  }
  if (!last.ok()) {
    fd_.reset();
  }
  return last;
}

Status ClientSocket::connect_to(std::span<const char> address, const Wait& wait) {
  const auto* where = reinterpret_cast<const sockaddr*>(address.data());
  fd_.reset(::socket(where->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_.is_open()) {
    return Status::from_errno(errno, str_cat("connect to ", name_));
  }
  set_stream_options(fd_.fd());
  if (::connect(fd_.fd(), where, static_cast<socklen_t>(address.size())) == 0) {
    return {};
  }
  if (errno != EINPROGRESS && errno != EINTR) {
    return failed(errno, "connect to");
  }
  std::array<pollfd, 2> fds{{{fd_.fd(), POLLOUT, 0}, {wait.stop.fd(), POLLIN, 0}}};
  while (fds[0].revents == 0) {
    if (wait.over()) {
      return ended_wait(wait, str_cat("connect to ", name_));
    }
    if (::poll(fds.data(), fds.size(), wait.poll_millis()) < 0 && errno != EINTR) {
      return failed(errno, "connect to");
    }
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? Status() : failed(error, "connect to");
}

Result<size_t> ClientSocket::write_some(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t sent = ::sendmsg(fd_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      return static_cast<size_t>(sent);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return size_t{0};
    }
    if (errno != EINTR) {
      return failed(errno, "send to");
    }
  }
}

Result<size_t> ClientSocket::read_some(std::span<char> into) {
  for (;;) {
    const ssize_t got = ::recv(fd_.fd(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      return static_cast<size_t>(got);
    }
    if (got == 0) {
      return unavailable(str_cat("read from ", name_, ": the peer closed the connection"));
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return size_t{0};
    }
    if (errno != EINTR) {
      return failed(errno, "read from");
    }
  }
}

Result<bool> ClientSocket::wait_ready(bool also_write, const Wait& wait) {
  const auto events = static_cast<short>(also_write ? POLLIN | POLLOUT : POLLIN);
  std::array<pollfd, 2> fds{{{fd_.fd(), events, 0}, {wait.stop.fd(), POLLIN, 0}}};
  if (::poll(fds.data(), fds.size(), wait.poll_millis()) < 0 && errno != EINTR) {
    return failed(errno, "wait for");
  }
  return fds[0].revents != 0;
}

void ClientSocket::end_writing() {
  if (fd_.is_open()) {
    ::shutdown(fd_.fd(), SHUT_WR);
  }
}

}  // namespace flume::node

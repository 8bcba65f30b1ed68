#include "common/rpc/framed_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "common/base/text.h"
#include "common/rpc/link_frame.h"

namespace flume::rpc {

namespace {
constexpr size_t kMaxFrame = 16U << 20;
}

Status FramedSocket::broken(std::string_view what, int os_error) {
  close();
  const Status cause = Status::from_errno(os_error, str_cat(what, " ", peer_));
  return {Code::kUnavailable, std::string(cause.message()), os_error};
}

void FramedSocket::close() {
  fd_.reset();
  received_.clear();
}

// False in `ready`: the wait is over.
Status FramedSocket::wait_for(short events, const Wait& wait, bool& ready) {
  pollfd fds[2] = {{fd_.fd(), events, 0}, {wait.stop.fd(), POLLIN, 0}};
  const nfds_t count = wait.stop.fd() >= 0 ? 2 : 1;
  while (true) {
    if (wait.stop.stop_requested()) {
      ready = false;
      return {};
    }
    const int n = ::poll(fds, count, wait.poll_millis());
    if (n < 0 && errno != EINTR) {
      return broken("wait for", errno);
    }
    ready = n > 0 && fds[0].revents != 0;
    if (ready || (n == 0 && wait.over())) {
      return {};
    }
  }
}

Status FramedSocket::connect(const std::string& host, uint16_t port, const Wait& wait) {
  close();
  peer_ = str_cat(host, ":", port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), str_cat(port).c_str(), &hints, &found); error != 0) {
    return unavailable(str_cat("connect to ", peer_, ": ", ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  Status last = unavailable(str_cat("connect to ", peer_, ": no address"));
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    fd_.reset(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_.is_open()) {
      last = broken("connect to", errno);
      continue;
    }
    if (::connect(fd_.fd(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
      last = broken("connect to", errno);
      continue;
    }
    bool ready = false;
    FLUME_RETURN_IF_ERROR(wait_for(POLLOUT, wait, ready));
    if (!ready) {
      last = broken("connect to", ETIMEDOUT);
      continue;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      last = broken("connect to", error != 0 ? error : errno);
      continue;
    }
    const int on = 1;
    ::setsockopt(fd_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd_.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return {};
  }
  return last;
}

Status FramedSocket::send(std::string_view message, const Wait& wait) {
  if (!is_open()) {
    return unavailable(str_cat("send to ", peer_, ": not connected"));
  }
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(message.size() >> shift));
  }
  frame.append(message);
  std::string_view left = frame;
  while (!left.empty()) {
    const ssize_t n = ::send(fd_.fd(), left.data(), left.size(), MSG_NOSIGNAL);
    if (n > 0) {
      left.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return broken("send to", errno);
    }
    bool ready = false;
    FLUME_RETURN_IF_ERROR(wait_for(POLLOUT, wait, ready));
    if (!ready) {
      return broken("send to", ETIMEDOUT);  // half a frame may be out: the connection is of no use
    }
  }
  return {};
}

Result<std::optional<std::string>> FramedSocket::receive(const Wait& wait) {
  if (!is_open()) {
    return unavailable(str_cat("receive from ", peer_, ": not connected"));
  }
  while (true) {
    if (received_.size() >= kLengthBytes) {
      const size_t size = read_u32(received_);
      if (size > kMaxFrame) {
        close();
        return Status(Code::kUnavailable,
                      str_cat("receive from ", peer_, ": a frame of ", size, " bytes, the limit is ", kMaxFrame));
      }
      if (received_.size() >= kLengthBytes + size) {
        std::string message = received_.substr(kLengthBytes, size);
        received_.erase(0, kLengthBytes + size);
        return std::optional(std::move(message));
      }
    }
    char buffer[1 << 14];
    const ssize_t n = ::recv(fd_.fd(), buffer, sizeof buffer, 0);
    if (n > 0) {
      received_.append(buffer, static_cast<size_t>(n));
      continue;
    }
    if (n == 0) {
      return broken("receive from", ECONNRESET);
    }
    if (errno != EAGAIN && errno != EINTR) {
      return broken("receive from", errno);
    }
    bool ready = false;
    FLUME_RETURN_IF_ERROR(wait_for(POLLIN, wait, ready));
    if (!ready) {
      return std::optional<std::string>();
    }
  }
}

}  // namespace flume::rpc

#include "node/net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "common/base/text.h"

namespace flume::node {
namespace {

// The address as a sockaddr; its size, or 0 when the text is no address.
socklen_t parse_address(const std::string& text, uint16_t port, sockaddr_storage& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return sizeof(sockaddr_in);
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof(sockaddr_in6);
  }
  return 0;
}

void set_int(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

}  // namespace

std::string address_text(const sockaddr* address, socklen_t size) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return str_cat(text, ":", ntohs(v4->sin_port));
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return str_cat("[", text, "]:", ntohs(v6->sin6_port));
  }
  return "unknown";
}

Result<UniqueFd> open_port(const std::string& bind_address, uint16_t port, int type) {
  const std::string what = str_cat("listen on ", bind_address, ":", port, type == SOCK_DGRAM ? " (UDP)" : "");
  sockaddr_storage address{};
  const socklen_t size = parse_address(bind_address, port, address);
  if (size == 0) {
    return invalid(str_cat(what, ": not an IP address (flume.net.bind.address)"));
  }
  UniqueFd fd(::socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) {
    return Status::from_errno(errno, what);
  }
  if (type == SOCK_STREAM) {
    set_int(fd.fd(), SOL_SOCKET, SO_REUSEADDR, 1);  // connections of the last run in TIME_WAIT do not block the port
  }
  if (::bind(fd.fd(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      (type == SOCK_STREAM && ::listen(fd.fd(), 1024) != 0)) {
    return Status::from_errno(errno, what);
  }
  return fd;
}

uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port)
                                       : ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

void set_stream_options(int fd) {
  set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
}

}  // namespace flume::node

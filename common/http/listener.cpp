#include "common/http/listener.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "common/base/text.h"

namespace flume::http {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), "0", &hints, &found);
  if (error != 0) {
    return invalid(str_cat("find the address ", quoted(host), " to listen on: ", ::gai_strerror(error)));
  }
  return AddressList(found, &::freeaddrinfo);
}

void set_port(sockaddr_storage& address, uint16_t port) {
  if (address.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
  }
}

uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Result<Listener> try_port(const addrinfo& info, const std::string& host, uint16_t port) {
  const std::string what = str_cat("listen on ", host, ":", port);
  UniqueFd fd(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) {
    return Status::from_errno(errno, what);
  }
  const int on = 1;
  ::setsockopt(fd.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address{};
  std::copy_n(reinterpret_cast<const char*>(info.ai_addr), info.ai_addrlen, reinterpret_cast<char*>(&address));
  set_port(address, port);
  if (::bind(fd.fd(), reinterpret_cast<const sockaddr*>(&address), info.ai_addrlen) != 0 ||
      ::listen(fd.fd(), 128) != 0) {
    return Status::from_errno(errno, what);
  }
  socklen_t size = sizeof address;
  if (::getsockname(fd.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return Status::from_errno(errno, what);
  }
  return Listener{std::move(fd), port_of(address)};
}

}  // namespace

Result<Listener> listen_on(const std::string& host, uint16_t port, int tries) {
  FLUME_ASSIGN_OR_RETURN(const AddressList addresses, resolve(host));
  Status last = invalid("no port to try");
  for (int i = 0; i < tries && port + i <= UINT16_MAX; ++i) {
    Result<Listener> listener = try_port(*addresses, host, static_cast<uint16_t>(port + i));
    if (listener.ok()) {
      return listener;
    }
    last = listener.status();
    if (last.os_error() != EADDRINUSE) {
      return last;
    }
  }
  return last;
}

UniqueFd accept_from(const UniqueFd& listener, std::string& peer) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  UniqueFd fd(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.is_open()) {
    return fd;
  }
  const int on = 1;
  ::setsockopt(fd.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::array<char, 128> name{};
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, name.data(), name.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
    peer = name.data();
  }
  return fd;
}

}  // namespace flume::http

#include "node/torture/http_call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/fd.h"
#include "common/base/text.h"

namespace flume::torture {
namespace {

constexpr size_t kMostBytes = 16U << 20;
constexpr int kSeconds = 30;

Result<HttpAnswer> parse(std::string_view text, std::string_view what) {
  const size_t head = text.find("\r\n\r\n");
  const auto status = text.starts_with("HTTP/1.1 ") ? parse_number<int>(text.substr(9, 3)) : std::nullopt;
  if (head == std::string_view::npos || !status) {
    return Status(Code::kCorrupt, str_cat(what, ": the answer is no HTTP"));
  }
  return HttpAnswer{*status, std::string(text.substr(head + 4))};
}

}  // namespace

Result<HttpAnswer> http_call(uint16_t port, std::string_view method, std::string_view path, std::string_view body) {
  const std::string what = str_cat(method, " ", path, " at port ", port);
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{kSeconds, 0};
  ::setsockopt(fd.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!fd.is_open() || ::connect(fd.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Status::from_errno(errno, what);
  }
  std::string request = str_cat(method, " ", path, " HTTP/1.1\r\nHost: 127.0.0.1:", port,
                                "\r\nX-Flume: 1\r\nConnection: close\r\nContent-Type: application/json\r\n");
  str_append(request, "Content-Length: ", body.size(), "\r\n\r\n", body);
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = ::send(fd.fd(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n < 0) {
      return Status::from_errno(errno, what);
    }
    sent += static_cast<size_t>(n);
  }
  std::string answer;
  std::string buffer(64U << 10, '\0');
  while (answer.size() < kMostBytes) {
    const ssize_t n = ::recv(fd.fd(), buffer.data(), buffer.size(), 0);
    if (n == 0) {
      break;
    }
    if (n < 0) {
      return Status::from_errno(errno == EAGAIN ? ETIMEDOUT : errno, what);
    }
    answer.append(buffer, 0, static_cast<size_t>(n));
  }
  return parse(answer, what);
}

}  // namespace flume::torture

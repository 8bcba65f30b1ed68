// FramedSocket: one blocking TCP connection that carries frames (4 bytes length, then a Thrift message), for callers
// with a thread of their own: the node's control loop and the shell. Every call takes a Wait. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/stop.h"

namespace flume::rpc {

class FramedSocket {
 public:
  FramedSocket() = default;

  // Tries the addresses of `host` one after another. kUnavailable names host, port and reason.
  Status connect(const std::string& host, uint16_t port, const Wait& wait);
  bool is_open() const { return fd_.is_open(); }
  int fd() const { return fd_.fd(); }  // for poll(); -1 when closed
  void close();
  const std::string& peer() const { return peer_; }  // "host:port"

  // Sends a frame; after an error the connection is closed.
  Status send(std::string_view message, const Wait& wait);
  // The next whole frame's message, from what was received before or arrives until the wait is over (then nothing).
  Result<std::optional<std::string>> receive(const Wait& wait);

 private:
  Status broken(std::string_view what, int os_error);
  Status wait_for(short events, const Wait& wait, bool& ready);

  UniqueFd fd_;
  std::string peer_;
  std::string received_;
};

}  // namespace flume::rpc

// ClientSocket: an outgoing TCP connection for sinks, used from their driver's thread. Nothing here waits longer than
// its Wait; reading and writing take what there is.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/stop.h"
#include "node/net/net_server.h"

namespace flume::node {

class ClientSocket {
 public:
  // Every address of the host is tried in turn. kUnavailable with the last reason, kTimeout, kStopped.
  Status connect(NetServer& net, const std::string& host, uint16_t port, const Wait& wait);
  bool is_open() const { return fd_.is_open(); }
  const std::string& name() const { return name_; }  // "collector1:35853"

  // Bytes that the kernel took; 0: none now.
  Result<size_t> write_some(std::span<const iovec> pieces);
  // Bytes read; 0: none now. kUnavailable at the end of the stream.
  Result<size_t> read_some(std::span<char> into);
  // Waits until the socket can be read, or written if asked for. False: the wait is over.
  Result<bool> wait_ready(bool also_write, const Wait& wait);
  // No more from us; what still comes can be read.
  void end_writing();
  void close() { fd_.reset(); }

 private:
  Status connect_to(std::span<const char> address, const Wait& wait);
  Status failed(int os_error, std::string_view what) const;

  UniqueFd fd_;
  std::string name_;
};

}  // namespace flume::node

// Small helpers over BSD sockets. Thread-safe.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "common/base/fd.h"
#include "common/base/status.h"

namespace flume::node {

std::string address_text(const sockaddr* address, socklen_t size);  // "127.0.0.1:4711", "[::1]:4711"
// A non-blocking socket bound to address:port (port 0: any); SOCK_STREAM ones listen. kBusy when the port is taken.
Result<UniqueFd> open_port(const std::string& bind_address, uint16_t port, int type);
uint16_t bound_port(int fd);
// No delay, keep-alive probes for peers that have no heartbeats.
void set_stream_options(int fd);

}  // namespace flume::node

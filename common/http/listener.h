// Listening sockets of the HTTP server: bind with a search for a free port, accept with the peer's address.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/fd.h"
#include "common/base/status.h"

namespace flume::http {

struct Listener {
  UniqueFd fd;  // non-blocking
  uint16_t port = 0;
};

// Tries `port`, `port` + 1, ... (`tries` of them; 0 = any free one). kBusy when all are in use.
Result<Listener> listen_on(const std::string& host, uint16_t port, int tries);

// One waiting connection, non-blocking, and its address; not open when there is none or no descriptor is left.
UniqueFd accept_from(const UniqueFd& listener, std::string& peer);

}  // namespace flume::http

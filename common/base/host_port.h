// "host:port" as people write it in settings and specifications. Value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flume {

struct HostPort {
  std::string host;
  uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

// "host", "host:port", "[2001:db8::1]", "[2001:db8::1]:port", "2001:db8::1". Nothing: no host, or no port from 1 to
// 65535 behind the colon.
std::optional<HostPort> parse_host_port(std::string_view text, uint16_t default_port);

}  // namespace flume

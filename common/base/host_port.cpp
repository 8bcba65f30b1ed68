#include "common/base/host_port.h"

#include "common/base/text.h"

namespace flume {

std::optional<HostPort> parse_host_port(std::string_view text, uint16_t default_port) {
  std::string_view host = text;
  std::string_view port;  // with its colon
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (const size_t colon = text.find(':'); colon != std::string_view::npos && text.rfind(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  HostPort parsed{std::string(host), default_port};
  if (!port.empty()) {
    parsed.port = port.front() == ':' ? parse_number<uint16_t>(port.substr(1)).value_or(0) : uint16_t{0};
    if (parsed.port == 0) {
      return std::nullopt;
    }
  }
  return parsed.host.empty() ? std::nullopt : std::optional(std::move(parsed));
}

}  // namespace flume

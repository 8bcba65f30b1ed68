#include "common/event/event.h"

#include <array>

namespace flume {

namespace {
constexpr std::array<std::string_view, 6> kNames{"FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
}

std::string_view priority_name(Priority priority) { return kNames[static_cast<size_t>(priority)]; }

std::optional<Priority> parse_priority(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<Priority>(i);
    }
  }
  return std::nullopt;
}

}  // namespace flume

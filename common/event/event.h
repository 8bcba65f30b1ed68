// Event: what users see of one row, as an owning value. For tests, formats and the slow paths; data moves in
// EventBatch.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace flume {

enum class Priority : uint8_t { kFatal, kError, kWarn, kInfo, kDebug, kTrace };

std::string_view priority_name(Priority priority);              // "FATAL" ... "TRACE"
std::optional<Priority> parse_priority(std::string_view name);  // exactly these six words

struct Event {
  int64_t timestamp = 0;  // ms since 1970-01-01 UTC
  Priority priority = Priority::kInfo;
  int64_t nanos = 0;  // of a monotonic clock; orders events of one host
  std::string host;
  std::string body;                                            // any bytes, without the delimiter
  std::map<std::string, std::string, std::less<>> attributes;  // values are any bytes

  bool operator==(const Event&) const = default;
};

}  // namespace flume

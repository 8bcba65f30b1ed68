// Log lines: key=value, one line each, to stderr or a file. Synchronous; spdlog does the writing and is seen nowhere
// else.
//   FLUME_LOG(kWarn, "frame refused", kv("peer", peer), kv("bytes", size));
// Never per event: per batch at most, and rate limited where a peer or a loop can cause it (FLUME_LOG_EVERY).
// Thread-safe. One of the two process-wide objects (the other is the fault table).
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/text.h"

namespace flume {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };

struct LogField {
  std::string_view key;
  std::string value;
};

template <class T>
LogField kv(std::string_view key, const T& value) {
  return {key, str_cat(value)};
}
inline LogField kv(std::string_view key, const Status& status) { return {key, status.to_string()}; }

void set_log_level(LogLevel level);  // may change at run time
bool parse_log_level(std::string_view text, LogLevel& level);
Status set_log_file(const std::string& path);  // "" = stderr (the default)
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields);

// Lets one line per period through for one call site and says how many were held back since.
class LogRate {
 public:
  explicit LogRate(int64_t period_millis) : period_millis_(period_millis) {}
  bool allow(int64_t& held_back);

 private:
  const int64_t period_millis_;
  std::atomic<int64_t> next_{0};
  std::atomic<int64_t> held_back_{0};
};

}  // namespace flume

#define FLUME_LOG(level, message, ...)                                       \
  do {                                                                       \
    if (::flume::log_enabled(::flume::LogLevel::level)) {                    \
      ::flume::log_line(::flume::LogLevel::level, (message), {__VA_ARGS__}); \
    }                                                                        \
  } while (false)

#define FLUME_LOG_EVERY(period_millis, level, message, ...)                                     \
  do {                                                                                          \
    static ::flume::LogRate flume_rate(period_millis);                                          \
    int64_t flume_held_back = 0;                                                                \
    if (::flume::log_enabled(::flume::LogLevel::level) && flume_rate.allow(flume_held_back)) {  \
      ::flume::log_line(::flume::LogLevel::level, (message),                                    \
                        {__VA_ARGS__ __VA_OPT__(, )::flume::kv("held_back", flume_held_back)}); \
    }                                                                                           \
  } while (false)

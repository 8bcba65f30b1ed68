#include "common/text/local_time.h"

#include <array>
#include <ctime>
#include <limits>

#include "common/base/text.h"

namespace flume {

LocalTime TimeZone::at(int64_t millis) const {
  time_t seconds = millis / 1000;
  auto rest = static_cast<int>(millis % 1000);
  if (rest < 0) {
    rest += 1000;
    --seconds;
  }
  // Years that a tm cannot hold do not occur: 2^63 ms are 292 million years.
  struct tm fields {};
  const bool ok = is_local_ ? localtime_r(&seconds, &fields) != nullptr : gmtime_r(&seconds, &fields) != nullptr;
  LocalTime time;
  if (!ok) {
    return time;
  }
  time.year = int64_t{fields.tm_year} + 1900;
  time.month = fields.tm_mon + 1;
  time.day = fields.tm_mday;
  time.hour = fields.tm_hour;
  time.minute = fields.tm_min;
  time.second = fields.tm_sec;
  time.millis = rest;
  time.weekday = fields.tm_wday;
  time.year_day = fields.tm_yday + 1;
  time.utc_offset_seconds = static_cast<int>(fields.tm_gmtoff);
  time.zone = is_local_ ? fields.tm_zone : "UTC";
  return time;
}

std::string_view weekday_name(const LocalTime& time) {
  constexpr std::array<std::string_view, 7> kNames{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
  return kNames[static_cast<size_t>(time.weekday)];
}

std::string_view month_name(const LocalTime& time) {
  constexpr std::array<std::string_view, 12> kNames{"January",   "February", "March",    "April",
                                                    "May",       "June",     "July",     "August",
                                                    "September", "October",  "November", "December"};
  return kNames[static_cast<size_t>(time.month - 1)];
}

void append_padded(std::string& out, int64_t number, int width) {
  std::array<char, 24> digits{};
  if (number < 0) {
    out.push_back('-');
  }
  uint64_t rest = number < 0 ? ~static_cast<uint64_t>(number) + 1 : static_cast<uint64_t>(number);
  size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  for (size_t used = digits.size() - at; used < static_cast<size_t>(width); ++used) {
    out.push_back('0');
  }
  out.append(&digits[at], digits.size() - at);
}

}  // namespace flume

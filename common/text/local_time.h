// Calendar fields of a moment, in the machine's time zone (TZ, /etc/localtime) or in UTC. For paths with dates, output
// formats and pages. Thread-safe; the zone is read once (tzset).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flume {

struct LocalTime {
  int64_t year = 1970;
  int month = 1;     // 1..12
  int day = 1;       // 1..31
  int hour = 0;      // 0..23
  int minute = 0;    // 0..59
  int second = 0;    // 0..60
  int millis = 0;    // 0..999
  int weekday = 4;   // 0 = Sunday
  int year_day = 1;  // 1..366
  int utc_offset_seconds = 0;
  std::string_view zone = "UTC";  // abbreviation, lives for ever
};

class TimeZone {
 public:
  static TimeZone local() { return TimeZone(true); }
  static TimeZone utc() { return TimeZone(false); }
  LocalTime at(int64_t millis) const;  // since 1970-01-01 UTC

 private:
  explicit TimeZone(bool is_local) : is_local_(is_local) {}
  bool is_local_;
};

std::string_view weekday_name(const LocalTime& time);  // "Thursday"
std::string_view month_name(const LocalTime& time);    // "January"
// `number` with leading zeros up to `width` digits.
void append_padded(std::string& out, int64_t number, int width);

}  // namespace flume

// Syslog records as they come over the network: "<PRI>text". PRI is facility * 8 + severity; the text is the event's
// body, untouched (date, host and tag stay in it). What is not of that form is refused.
//
// Pure but for SyslogFramer, which belongs to one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/event/event.h"

namespace flume {

constexpr size_t kSyslogPriBytes = 5;  // "<191>"

struct SyslogRecord {
  uint8_t facility = 0;   // 0..23
  uint8_t severity = 0;   // 0..7
  std::string_view body;  // into the record
};
// Nothing: it does not begin with "<", one to three digits up to 191, and ">".
std::optional<SyslogRecord> parse_syslog(std::string_view record);

// Emergency, alert, critical: FATAL; error: ERROR; warning: WARN; notice, informational: INFO; debug: DEBUG.
Priority priority_of_severity(uint8_t severity);

// Cuts a connection's bytes into records at newlines, however they arrive. Of a record longer than `limit` bytes the
// first `limit` are kept.
class SyslogFramer {
 public:
  // `cut`: how many bytes of the record were thrown away.
  using OnRecord = std::function<void(std::string_view record, uint64_t cut)>;

  explicit SyslogFramer(size_t limit) : limit_(limit) {}
  void feed(std::string_view bytes, const OnRecord& on_record);
  void finish(const OnRecord& on_record);  // the connection ended: a last record without newline counts

 private:
  void keep(std::string_view bytes);
  void hand_out(const OnRecord& on_record);

  const size_t limit_;
  std::string begun_;  // of the record that has no end yet
  uint64_t cut_ = 0;   // likewise
};

}  // namespace flume

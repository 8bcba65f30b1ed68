#include "common/event/syslog_record.h"

#include <algorithm>

#include "common/base/text.h"

namespace flume {

std::optional<SyslogRecord> parse_syslog(std::string_view record) {
  constexpr uint32_t kMostPri = 191;
  const size_t close = record.substr(0, kSyslogPriBytes).find('>');
  if (record.empty() || record[0] != '<' || close == std::string_view::npos) {
    return std::nullopt;
  }
  const auto pri = parse_number<uint32_t>(record.substr(1, close - 1));
  if (!pri || *pri > kMostPri) {
    return std::nullopt;
  }
  return SyslogRecord{static_cast<uint8_t>(*pri / 8), static_cast<uint8_t>(*pri % 8), record.substr(close + 1)};
}

Priority priority_of_severity(uint8_t severity) {
  switch (severity) {
    case 0:
    case 1:
    case 2: return Priority::kFatal;
    case 3: return Priority::kError;
    case 4: return Priority::kWarn;
    case 7: return Priority::kDebug;
    default: return Priority::kInfo;
  }
}

void SyslogFramer::feed(std::string_view bytes, const OnRecord& on_record) {
  for (size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    if (begun_.empty() && end <= limit_) {
      on_record(bytes.substr(0, end), 0);  // the usual case: nothing is copied
    } else {
      keep(bytes.substr(0, end));
      hand_out(on_record);
    }
    bytes.remove_prefix(end + 1);
  }
  keep(bytes);
}

void SyslogFramer::finish(const OnRecord& on_record) {
  if (!begun_.empty()) {
    hand_out(on_record);
  }
}

void SyslogFramer::keep(std::string_view bytes) {
  const size_t kept = std::min(bytes.size(), limit_ - begun_.size());
  begun_.append(bytes.substr(0, kept));
  cut_ += bytes.size() - kept;
}

void SyslogFramer::hand_out(const OnRecord& on_record) {
  on_record(begun_, cut_);
  begun_.clear();
  cut_ = 0;
}

}  // namespace flume

// Escape templates: "%{host}/%Y-%m-%d/%{service}". Parsed once into pieces; what knows event batches and fills the
// pieces in is event/event_escape.h. Value; immutable after parsing.
//
//   %{name}  an attribute, or host, hostname, priority, nanos, body        %%  a percent sign
//   %X       a part of the event's time in the local zone: a A b B c d D H I j k l m M p s S t y Y z
//   Any other letter gives nothing (as in the classic system) and a warning; text that only looks alike stays as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/text/local_time.h"

namespace flume {

class EscapeTemplate {
 public:
  struct Piece {
    enum class Kind : uint8_t { kLiteral, kTime, kHost, kPriority, kNanos, kBody, kAttribute } kind;
    char letter = 0;   // of kTime
    std::string text;  // of kLiteral; the name of kAttribute
  };

  EscapeTemplate() = default;  // of the empty text
  // kInvalid: longer than 64 KiB, or a zero byte.
  static Result<EscapeTemplate> parse(std::string_view text);

  const std::string& text() const { return text_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  bool has_escapes() const { return has_escapes_; }  // the classic containsTag: %% and unknown letters count
  // How long a time expands to the same text: 0 = no time in it, else 1 (%t), 1000 (seconds) or 60000 ms, within one
  // local minute.
  int64_t time_step_millis() const { return time_step_millis_; }
  // "%q is not known and gives nothing", one for each.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void add_literal(std::string_view text);
  void add_letter(char letter);
  void add_name(std::string_view name);

  std::string text_;
  std::vector<Piece> pieces_;
  std::vector<std::string> warnings_;
  bool has_escapes_ = false;
  int64_t time_step_millis_ = 0;
};

// The text of one time escape, e.g. 'Y'; `millis` is the moment that `time` shows.
void append_time_escape(std::string& out, char letter, const LocalTime& time, int64_t millis);

}  // namespace flume

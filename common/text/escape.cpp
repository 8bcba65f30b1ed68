#include "common/text/escape.h"

#include <algorithm>

#include "common/base/text.h"

namespace flume {

namespace {

constexpr size_t kMaxTemplateBytes = 64 << 10;
constexpr std::string_view kTimeLetters = "aAbBcdDHIjklmMpsStyYz";

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_name(char c) { return is_word(c) || c == '.' || c == '-'; }

int hour_12(const LocalTime& time) { return time.hour % 12 == 0 ? 12 : time.hour % 12; }

void append_clock(std::string& out, const LocalTime& time) {
  append_padded(out, time.hour, 2);
  out.push_back(':');
  append_padded(out, time.minute, 2);
  out.push_back(':');
  append_padded(out, time.second, 2);
}

}  // namespace

void EscapeTemplate::add_literal(std::string_view text) {
  if (text.empty()) {
    return;
  }
  if (!pieces_.empty() && pieces_.back().kind == Piece::Kind::kLiteral) {
    pieces_.back().text.append(text);
  } else {
    pieces_.push_back({Piece::Kind::kLiteral, 0, std::string(text)});
  }
}

void EscapeTemplate::add_letter(char letter) {
  has_escapes_ = true;
  if (letter == '%') {
    add_literal("%");
  } else if (kTimeLetters.find(letter) == std::string_view::npos) {
    warnings_.push_back(str_cat("%", letter, " is not known and gives nothing"));
  } else {
    const int64_t step = letter == 't' ? 1 : letter == 's' || letter == 'S' || letter == 'c' ? 1000 : 60'000;
    time_step_millis_ = time_step_millis_ == 0 ? step : std::min(time_step_millis_, step);
    pieces_.push_back({Piece::Kind::kTime, letter, ""});
  }
}

void EscapeTemplate::add_name(std::string_view name) {
  using enum Piece::Kind;
  has_escapes_ = true;
  const auto kind = name == "host" || name == "hostname" ? kHost
                    : name == "priority"                 ? kPriority
                    : name == "nanos"                    ? kNanos
                    : name == "body"                     ? kBody
                                                         : kAttribute;
  pieces_.push_back({kind, 0, kind == kAttribute ? std::string(name) : std::string()});
}

Result<EscapeTemplate> EscapeTemplate::parse(std::string_view text) {
  if (text.size() > kMaxTemplateBytes) {
    return invalid(str_cat("template of ", text.size(), " bytes: longer than ", kMaxTemplateBytes));
  }
  if (text.find('\0') != std::string_view::npos) {
    return invalid(str_cat("template ", quoted(text), ": a zero byte"));
  }
  EscapeTemplate parsed;
  parsed.text_ = text;
  for (size_t i = 0; i < text.size();) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '%' && (is_word(next) || next == '%')) {
      parsed.add_letter(next);
      i += 2;
      continue;
    }
    if (text[i] == '%' && next == '{') {
      size_t end = i + 2;
      while (end < text.size() && is_name(text[end])) {
        ++end;
      }
      if (end > i + 2 && end < text.size() && text[end] == '}') {
        parsed.add_name(text.substr(i + 2, end - i - 2));
        i = end + 1;
        continue;
      }
    }
    parsed.add_literal(text.substr(i, 1));
    ++i;
  }
  return parsed;
}

void append_time_escape(std::string& out, char letter, const LocalTime& time, int64_t millis) {
  switch (letter) {
    case 'a': out.append(weekday_name(time).substr(0, 3)); break;
    case 'A': out.append(weekday_name(time)); break;
    case 'b': out.append(month_name(time).substr(0, 3)); break;
    case 'B': out.append(month_name(time)); break;
    case 'c':
      str_append(out, weekday_name(time).substr(0, 3), " ", month_name(time).substr(0, 3), " ", time.day, " ");
      append_clock(out, time);
      str_append(out, " ");
      append_padded(out, time.year, 4);
      break;
    case 'd': append_padded(out, time.day, 2); break;
    case 'D':
      append_padded(out, time.month, 2);
      out.push_back('/');
      append_padded(out, time.day, 2);
      out.push_back('/');
      append_padded(out, time.year % 100, 2);
      break;
    case 'H': append_padded(out, time.hour, 2); break;
    case 'I': append_padded(out, hour_12(time), 2); break;
    case 'j': append_padded(out, time.year_day, 3); break;
    case 'k': str_append(out, time.hour); break;
    case 'l': str_append(out, hour_12(time)); break;
    case 'm': append_padded(out, time.month, 2); break;
    case 'M': append_padded(out, time.minute, 2); break;
    case 'p': out.append(time.hour < 12 ? "AM" : "PM"); break;
    case 's': str_append(out, millis / 1000); break;
    case 'S': append_padded(out, time.second, 2); break;
    case 't': str_append(out, millis); break;
    case 'y': append_padded(out, time.year % 100, 2); break;
    case 'Y': append_padded(out, time.year, 4); break;
    case 'z': {
      const int minutes = (time.utc_offset_seconds < 0 ? -time.utc_offset_seconds : time.utc_offset_seconds) / 60;
      out.push_back(time.utc_offset_seconds < 0 ? '-' : '+');
      append_padded(out, minutes / 60, 2);
      append_padded(out, minutes % 60, 2);
      break;
    }
    default: break;
  }
}

}  // namespace flume

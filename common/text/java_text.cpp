#include "common/text/java_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "common/base/text.h"

namespace flume {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr char kHex[] = "0123456789ABCDEF";

struct Character {
  uint32_t code = 0;
  size_t bytes = 1;
  bool is_valid = false;
};

// The character at the start of `bytes` (not empty). A broken one spans its longest valid start, as Java counts them.
Character next_character(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  const uint32_t lead = at(0);
  if (lead < 0x80) {
    return {lead, 1, true};
  }
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0) {
    return {};
  }
  uint32_t code = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const uint32_t low = i > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint32_t high = i > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (i >= bytes.size() || at(i) < low || at(i) > high) {
      return {0, i, false};
    }
    code = code << 6 | (at(i) & 0x3F);
  }
  return {code, length, true};
}

void append_unicode_escape(std::string& out, uint32_t unit) {
  const std::array<char, 6> text{'\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
                                 kHex[unit & 15]};
  out.append(text.data(), text.size());
}

void append_three_bytes(std::string& out, uint32_t code) {
  out.push_back(static_cast<char>(0xE0 | code >> 12));
  out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

// A UTF-16 unit as modified UTF-8 writes it: one to three bytes. bytes = 0: there is none.
struct Unit {
  uint32_t code = 0;
  size_t bytes = 0;
};

Unit next_unit(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  const auto follows = [&](size_t i) { return i < bytes.size() && (at(i) & 0xC0) == 0x80; };
  const uint32_t lead = at(0);
  if (lead < 0x80) {
    return {lead, 1};
  }
  if ((lead & 0xE0) == 0xC0 && follows(1)) {
    return {(lead & 0x1F) << 6 | (at(1) & 0x3F), 2};
  }
  if ((lead & 0xF0) == 0xE0 && follows(1) && follows(2)) {
    return {(lead & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F), 3};
  }
  return {};
}

// The letter of a short escape such as \n, or 0.
char short_escape(uint32_t code) {
  switch (code) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

}  // namespace

void append_utf8(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const Character c = next_character(bytes);
    out.append(c.is_valid ? bytes.substr(0, c.bytes) : kReplacement);
    bytes.remove_prefix(c.bytes);
  }
}

void append_java_escaped(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    Character c = next_character(bytes);
    bytes.remove_prefix(c.bytes);
    const uint32_t code = c.is_valid ? c.code : 0xFFFD;
    if (const char letter = short_escape(code); letter != 0) {
      out.push_back('\\');
      out.push_back(letter);
    } else if (code >= 0x20 && code < 0x80) {
      out.push_back(static_cast<char>(code));
    } else if (code < 0x10000) {
      append_unicode_escape(out, code);
    } else {
      append_unicode_escape(out, 0xD800 + ((code - 0x10000) >> 10));
      append_unicode_escape(out, 0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
}

void append_clock(std::string& out, const LocalTime& time) {
  append_padded(out, time.hour, 2);
  out.push_back(':');
  append_padded(out, time.minute, 2);
  out.push_back(':');
  append_padded(out, time.second, 2);
}

void append_java_date(std::string& out, const LocalTime& time) {
  str_append(out, weekday_name(time).substr(0, 3), " ", month_name(time).substr(0, 3), " ");
  append_padded(out, time.day, 2);
  out.push_back(' ');
  append_clock(out, time);
  str_append(out, " ", time.zone, " ");
  append_padded(out, time.year, 4);
}

void append_java_double(std::string& out, double number) {
  if (std::isnan(number)) {
    out.append("NaN");
    return;
  }
  if (std::signbit(number)) {
    out.push_back('-');
    number = -number;
  }
  if (std::isinf(number)) {
    out.append("Infinity");
    return;
  }
  std::array<char, 400> buffer{};
  const bool is_plain = number == 0 || (number >= 1e-3 && number < 1e7);
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 is_plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = std::min(text.find('e'), text.size());
  out.append(text.substr(0, e));
  if (text.substr(0, e).find('.') == std::string_view::npos) {
    out.append(".0");
  }
  if (e < text.size()) {  // e+161 -> E161, e-09 -> E-9
    const bool is_negative = text[e + 1] == '-';
    std::string_view digits = text.substr(e + 2);
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
    str_append(out, is_negative ? "E-" : "E", digits);
  }
}

void append_modified_utf8(std::string& out, std::string_view bytes, size_t limit) {
  const size_t end = out.size() + limit;
  while (!bytes.empty()) {
    const Character c = next_character(bytes);
    const size_t size = c.is_valid && c.code == 0 ? 2 : c.is_valid && c.bytes == 4 ? 6 : c.is_valid ? c.bytes : 3;
    if (out.size() + size > end) {
      return;
    }
    if (!c.is_valid) {
      out.append(kReplacement);
    } else if (c.code == 0) {
      out.append("\xC0\x80");
    } else if (c.bytes == 4) {
      append_three_bytes(out, 0xD800 + ((c.code - 0x10000) >> 10));
      append_three_bytes(out, 0xDC00 + ((c.code - 0x10000) & 0x3FF));
    } else {
      out.append(bytes.substr(0, c.bytes));
    }
    bytes.remove_prefix(c.bytes);
  }
}

bool append_from_modified_utf8(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const Unit unit = next_unit(bytes);
    if (unit.bytes == 0) {
      return false;
    }
    bytes.remove_prefix(unit.bytes);
    const bool is_high = unit.code >= 0xD800 && unit.code < 0xDC00;
    const Unit low = is_high && !bytes.empty() ? next_unit(bytes) : Unit{};
    if (is_high && low.code >= 0xDC00 && low.code < 0xE000) {
      bytes.remove_prefix(low.bytes);
      const uint32_t code = 0x10000 + ((unit.code - 0xD800) << 10) + (low.code - 0xDC00);
      out.push_back(static_cast<char>(0xF0 | code >> 18));
      out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else if (unit.code >= 0xD800 && unit.code < 0xE000) {
      out.append(kReplacement);
    } else if (unit.code < 0x80) {
      out.push_back(static_cast<char>(unit.code));
    } else if (unit.code < 0x800) {
      out.push_back(static_cast<char>(0xC0 | unit.code >> 6));
      out.push_back(static_cast<char>(0x80 | (unit.code & 0x3F)));
    } else {
      append_three_bytes(out, unit.code);
    }
  }
  return true;
}

void append_json_latin1(std::string& out, std::string_view bytes) {
  out.push_back('"');
  size_t plain = 0;  // start of the bytes that can be copied as they are
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<uint8_t>(bytes[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      continue;
    }
    out.append(bytes, plain, i - plain);
    plain = i + 1;
    if (c >= 0x80) {
      out.push_back(static_cast<char>(0xC0 | c >> 6));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    } else if (const char letter = short_escape(c); letter != 0) {
      out.push_back('\\');
      out.push_back(letter);
    } else {
      append_unicode_escape(out, c);
    }
  }
  out.append(bytes, plain, bytes.size() - plain);
  out.push_back('"');
}

}  // namespace flume

#include "node/torture/line.h"

#include <array>
#include <charconv>

#include "common/base/text.h"
#include "common/io/crc32c.h"

namespace flume::torture {
namespace {

constexpr std::string_view kMark = "~F";
constexpr size_t kHexDigits = 8;

void append_hex(std::string& out, uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 28; shift >= 0; shift -= 4) {
    out.push_back(kDigits[(value >> shift) & 15]);
  }
}

bool take_hex(std::string_view& rest, uint32_t& value) {
  if (rest.size() <= kHexDigits || rest[kHexDigits] != '.') {
    return false;
  }
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + kHexDigits, value, 16);
  if (error != std::errc() || end != rest.data() + kHexDigits) {
    return false;
  }
  rest.remove_prefix(kHexDigits + 1);
  return true;
}

template <class T>
bool take_number(std::string_view& rest, T& value) {
  const size_t dot = rest.substr(0, 24).find('.');
  if (dot == std::string_view::npos) {
    return false;
  }
  const auto number = parse_number<T>(rest.substr(0, dot));
  if (!number) {
    return false;
  }
  value = *number;
  rest.remove_prefix(dot + 1);
  return true;
}

}  // namespace

void append_line(std::string& out, const LineKey& key, std::string_view payload) {
  const size_t start = out.size();
  out.append(kMark);
  append_hex(out, key.run);
  str_append(out, '.', key.source, '.', key.life, '.', key.number, '.');
  const uint32_t crc = crc32c(payload, crc32c(std::string_view(out).substr(start)));
  append_hex(out, crc);
  out.push_back('.');
  out.append(payload);
}

LineForm parse_line(std::string_view line, LineKey& key) {
  if (!line.starts_with(kMark)) {
    return line.find(kMark) == std::string_view::npos ? LineForm::kForeign : LineForm::kDamaged;
  }
  std::string_view rest = line.substr(kMark.size());
  LineKey found;
  uint32_t crc = 0;
  if (!take_hex(rest, found.run) || !take_number(rest, found.source) || !take_number(rest, found.life) ||
      !take_number(rest, found.number)) {
    return LineForm::kDamaged;
  }
  const std::string_view head = line.substr(0, line.size() - rest.size());
  if (!take_hex(rest, crc) || crc32c(rest, crc32c(head)) != crc) {
    return LineForm::kDamaged;
  }
  key = found;
  return LineForm::kWhole;
}

}  // namespace flume::torture

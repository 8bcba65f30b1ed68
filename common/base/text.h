// Small text helpers used everywhere: concatenate, quote, split, nearest known name, hex.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace flume {

namespace internal {

inline void append_piece(std::string& out, std::string_view piece) { out.append(piece); }
inline void append_piece(std::string& out, char piece) { out.push_back(piece); }

template <class T>
requires std::is_same_v<T, bool>
void append_piece(std::string& out, T piece) {  // a template: no pointer may turn into a bool here
  out.append(piece ? "true" : "false");
}

template <class T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, char> &&
         !std::is_same_v<T, bool>) void append_piece(std::string& out, T piece) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, piece).ptr;
  out.append(buffer, end);
}

}  // namespace internal

// str_cat("port ", 35853, " in use"): strings, characters, bools and numbers, in order.
template <class... Pieces>
std::string str_cat(const Pieces&... pieces) {
  std::string out;
  (internal::append_piece(out, pieces), ...);
  return out;
}

template <class... Pieces>
void str_append(std::string& out, const Pieces&... pieces) {
  (internal::append_piece(out, pieces), ...);
}

// In double quotes, with \n, \t, \r, \", \\ and \xNN for other control bytes; bytes >= 0x80 stay.
std::string quoted(std::string_view text);
inline std::string quoted(const std::string& text) { return quoted(std::string_view(text)); }  // before std::quoted
inline std::string quoted(std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(const char* text) { return quoted(std::string_view(text)); }

std::vector<std::string_view> split(std::string_view text, char separator);  // "" -> {""}; views into text
std::string_view trim(std::string_view text);                                // ASCII white space at both ends
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view what, std::string_view by);  // what is not empty

// The whole text as a number, or nothing: no sign tricks, no trailing bytes, no overflow.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// The candidate with the smallest edit distance to `name` (ASCII case ignored), if it is near enough to be a likely
// slip of the fingers: at most one third of the length, at least one. The first of equals.
std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> candidates);

std::string to_hex(std::span<const uint8_t> bytes);
std::optional<std::vector<uint8_t>> from_hex(std::string_view text);

bool is_valid_utf8(std::string_view text);

}  // namespace flume

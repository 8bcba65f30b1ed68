// SourceText: a text in the dataflow language with the name under which errors show it and a table of its lines. Turns
// byte offsets into what people and editors count in. Immutable after construction.
//
// Spans are bytes of UTF-8, begin included, end not. Lines and columns count from 1; a column is a code point (a byte
// that is not valid UTF-8 counts as one). Lines end at \n, \r\n or \r.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flume::lang {

inline constexpr size_t kMaxTextBytes = 1U << 20;
inline constexpr uint32_t kMaxDepth = 64;  // of sinks in sinks and functions in functions, each

struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const Span&) const = default;
};

struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
  bool operator==(const Place&) const = default;
};

class SourceText {
 public:
  // Longer text than kMaxTextBytes may be held; the parser refuses it.
  explicit SourceText(std::string text, std::string name = "text");

  const std::string& text() const { return text_; }
  const std::string& name() const { return name_; }
  std::string_view at(Span span) const;

  Place place(uint32_t offset) const;            // offsets past the end are the end
  std::string_view line(uint32_t number) const;  // without its end; "" when there is no such line
  uint32_t line_begin(uint32_t number) const;    // offset
  uint32_t utf16_offset(uint32_t offset) const;  // what JavaScript counts in

 private:
  std::string text_;
  std::string name_;
  std::vector<uint32_t> lines_;  // offset of each line's first byte
};

// How many code points stand in these bytes (an invalid byte is one), and how many UTF-16 units.
uint32_t count_code_points(std::string_view bytes);
uint32_t count_utf16_units(std::string_view bytes);

}  // namespace flume::lang

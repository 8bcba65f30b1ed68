#include "dataflow-lang/source_text.h"

#include <algorithm>

#include "common/base/check.h"

namespace flume::lang {
namespace {

// Bytes of the code point at the front of `bytes`; 1 where they are not valid UTF-8. Overlong forms and surrogates need
// no special care here: this only counts columns.
uint32_t code_point_bytes(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const uint32_t wanted = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (wanted > bytes.size() || lead > 0xf4) {
    return 1;
  }
  for (uint32_t i = 1; i < wanted; ++i) {
    if ((static_cast<unsigned char>(bytes[i]) & 0xc0) != 0x80) {
      return 1;
    }
  }
  return wanted;
}

}  // namespace

uint32_t count_code_points(std::string_view bytes) {
  uint32_t count = 0;
  for (; !bytes.empty(); ++count) {
    bytes.remove_prefix(code_point_bytes(bytes));
  }
  return count;
}

uint32_t count_utf16_units(std::string_view bytes) {
  uint32_t count = 0;
  while (!bytes.empty()) {
    const uint32_t length = code_point_bytes(bytes);
    count += length == 4 ? 2 : 1;
    bytes.remove_prefix(length);
  }
  return count;
}

SourceText::SourceText(std::string text, std::string name) : text_(std::move(text)), name_(std::move(name)) {
  FLUME_CHECK(text_.size() < UINT32_MAX, "offsets have 32 bits");
  lines_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    const bool ends_line = text_[i] == '\n' || (text_[i] == '\r' && (i + 1 == text_.size() || text_[i + 1] != '\n'));
    if (ends_line) {
      lines_.push_back(static_cast<uint32_t>(i + 1));
    }
  }
}

std::string_view SourceText::at(Span span) const {
  const std::string_view all = text_;
  const size_t begin = std::min<size_t>(span.begin, all.size());
  return all.substr(begin, std::max(span.begin, span.end) - span.begin);
}

Place SourceText::place(uint32_t offset) const {
  offset = std::min(offset, static_cast<uint32_t>(text_.size()));
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const auto line = static_cast<uint32_t>(after - lines_.begin());
  const uint32_t begin = *std::prev(after);
  return {line, count_code_points(std::string_view(text_).substr(begin, offset - begin)) + 1};
}

std::string_view SourceText::line(uint32_t number) const {
  if (number == 0 || number > lines_.size()) {
    return {};
  }
  const size_t begin = lines_[number - 1];
  size_t end = number < lines_.size() ? lines_[number] : text_.size();
  while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) {
    --end;
  }
  return std::string_view(text_).substr(begin, end - begin);
}

uint32_t SourceText::line_begin(uint32_t number) const {
  return number == 0 || number > lines_.size() ? static_cast<uint32_t>(text_.size()) : lines_[number - 1];
}

uint32_t SourceText::utf16_offset(uint32_t offset) const {
  return count_utf16_units(std::string_view(text_).substr(0, std::min<size_t>(offset, text_.size())));
}

}  // namespace flume::lang

#include "node/tailing/record_cutter.h"

#include <array>

#include "common/base/text.h"

namespace flume::node {

Result<RecordCutter> RecordCutter::make(std::string_view pattern, DelimMode mode) {
  auto regex = Regex::compile(pattern, {.bytes = true});
  if (!regex.ok()) {
    return regex.status().with_context("delim");
  }
  if (regex->matches_somewhere("")) {
    return invalid(str_cat("delim: regular expression ", quoted(pattern), " matches the empty text"));
  }
  // Without repetition, choice or anchors every match is as long as it can be. More may be said to grow than does:
  // that only makes the last record wait for the byte after its delimiter.
  const bool grows = pattern.find_first_of("*+?{|$") != std::string_view::npos;
  return RecordCutter(std::move(*regex), mode, grows);
}

std::optional<RecordCutter::Record> RecordCutter::first(std::string_view text, bool at_end) const {
  std::array<std::string_view, 1> match;
  if (!regex_.find(text, 0, match)) {
    return std::nullopt;
  }
  if (mode_ == DelimMode::kNext && match[0].data() == text.data() && !match[0].empty()) {
    // The delimiter that begins this record; the next one ends it.
    if (!regex_.find(text, match[0].size(), match)) {
      return std::nullopt;
    }
  }
  const auto begin = static_cast<size_t>(match[0].data() - text.data());
  const size_t end = begin + match[0].size();
  if (match[0].empty() || (grows_ && end == text.size() && !at_end)) {
    return std::nullopt;
  }
  switch (mode_) {
    case DelimMode::kExclude: return Record{0, begin, end};
    case DelimMode::kPrev: return Record{0, end, end};
    case DelimMode::kNext: return Record{0, begin, begin};
  }
  return std::nullopt;
}

}  // namespace flume::node

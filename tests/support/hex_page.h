// The worked example of a page of docs/formats, as bytes: its block "```hex", whose lines are an offset of four
// digits, hex digits, and after a bar what they mean.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "common/base/text.h"
#include "tests/support/temp_dir.h"

namespace flume::test {

// Of "wal.md", for example; empty when there is no such block.
inline std::string bytes_on_page(const std::string& name) {
  const std::string page = contents_of(FLUME_SOURCE_DIR "/docs/formats/" + name);
  constexpr std::string_view kBegin = "```hex\n";
  const size_t fence = page.find(kBegin);
  if (fence == std::string::npos) {
    return {};
  }
  const size_t begin = fence + kBegin.size();
  const std::string block = page.substr(begin, page.find("```", begin) - begin);
  std::string hex;
  for (const std::string_view line : split(block, '\n')) {
    for (const char c : line.substr(std::min<size_t>(4, line.size()), line.find('|') - 4)) {
      if (c != ' ') {
        hex.push_back(c);
      }
    }
  }
  const auto bytes = from_hex(hex);
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
}

}  // namespace flume::test

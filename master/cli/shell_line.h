// One line of `flume shell`, cut into words as the classic shell cuts it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace flume::master {

// Words are bare, "with \n escapes" or 'as they are'; # begins a comment at the start of a line. Empty: nothing to do.
// kInvalid: a quote that is not closed, with its column.
Result<std::vector<std::string>> shell_words(std::string_view line);

// "host[:adminport[:reportport]]". The report port of the classic shell is read and not used.
struct ShellTarget {
  std::string host;
  uint16_t port = 35873;
};
Result<ShellTarget> parse_shell_target(std::string_view text, uint16_t default_port);

}  // namespace flume::master

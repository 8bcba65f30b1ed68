#include "master/cli/shell_line.h"

#include <optional>

#include "common/base/text.h"

namespace flume::master {
namespace {

char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    default: return c;
  }
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

Result<std::vector<std::string>> shell_words(std::string_view line) {
  std::vector<std::string> words;
  if (trim(line).starts_with('#')) {
    return words;
  }
  std::optional<std::string> word;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (is_blank(c)) {
      if (word) {
        words.push_back(std::move(*word));
        word.reset();
      }
      continue;
    }
    word = word.value_or("");
    if (c != '"' && c != '\'') {
      word->push_back(c);
      continue;
    }
    const size_t open = i;
    for (++i; i < line.size() && line[i] != c; ++i) {
      const bool escape = c == '"' && line[i] == '\\' && i + 1 < line.size();
      word->push_back(escape ? unescaped(line[++i]) : line[i]);
    }
    if (i >= line.size()) {
      return invalid(str_cat("the ", c, " at column ", open + 1, " is not closed"));
    }
  }
  if (word) {
    words.push_back(std::move(*word));
  }
  return words;
}

Result<ShellTarget> parse_shell_target(std::string_view text, uint16_t default_port) {
  const auto parts = split(text, ':');
  ShellTarget target{std::string(parts[0]), default_port};
  if (target.host.empty() || parts.size() > 3) {
    return invalid(str_cat(quoted(text), ": expected host[:adminport[:reportport]]"));
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto port = parse_number<uint16_t>(parts[i]);
    if (!port || *port == 0) {
      return invalid(str_cat(quoted(text), ": ", quoted(parts[i]), " is no port"));
    }
    target.port = i == 1 ? *port : target.port;
  }
  return target;
}

}  // namespace flume::master

// Regex: a compiled regular expression with time linear in the text. RE2 does the matching and is seen in regex.cpp
// only. Used by the checker (compile), by decorators and by custom delimiters of tail. Immutable and cheap to copy;
// thread-safe.
//
// Patterns are written as for the classic system (Java). What RE2 cannot do (look-around, back references, possessive
// and atomic groups, class intersection) is an error that names it; what is only spelt otherwise is translated;
// docs/language.md lists what differs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace flume {

class Regex {
 public:
  static constexpr size_t kMaxGroups = 64;

  struct Options {
    // True: the text is bytes and each is one character. False: UTF-8; a text that is not valid UTF-8 is matched as
    // bytes.
    bool bytes = false;
  };
  // kInvalid: regular expression "a(?=b)": at 1: look-ahead (?=...) is not supported
  static Result<Regex> compile(std::string_view pattern, Options options);
  static Result<Regex> compile(std::string_view pattern) { return compile(pattern, Options()); }

  const std::string& pattern() const;  // as it was written
  size_t group_count() const;          // without group 0, the whole match

  // The leftmost match at or after `from`. groups[0] is the match, then as many groups as there is room for; one that
  // took no part has data() == nullptr. Views into `text`. Allocates nothing.
  bool find(std::string_view text, size_t from, std::span<std::string_view> groups) const;
  bool matches_somewhere(std::string_view text) const;

  // Java's String.split: the pieces between matches, without empty ones at the end; no match gives the text itself; an
  // empty match at the start gives no empty first piece. Views into `text`; `out` is cleared first.
  void split(std::string_view text, std::vector<std::string_view>& out) const;

 private:
  struct Impl;
  explicit Regex(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;  // shared: copies are values of one compiled program
};

}  // namespace flume

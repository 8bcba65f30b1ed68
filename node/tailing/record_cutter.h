// RecordCutter: cuts bytes into records where a regular expression matches (tail's delim and delimMode). What it finds
// does not depend on how much of the file it is shown at a time: a match that more bytes could make longer is not used
// before they are there. Immutable.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/base/status.h"
#include "common/text/regex.h"

namespace flume::node {

enum class DelimMode : uint8_t {
  kExclude,  // the delimiter is dropped
  kPrev,     // it ends the record before it
  kNext,     // it begins the record after it
};

class RecordCutter {
 public:
  // kInvalid: not a regular expression, or one that matches the empty text.
  static Result<RecordCutter> make(std::string_view pattern, DelimMode mode);

  struct Record {
    size_t begin = 0;
    size_t end = 0;
    size_t consumed = 0;  // the next record is looked for here
  };
  // The first record of `text`, if its end is known. `at_end`: nothing will follow.
  std::optional<Record> first(std::string_view text, bool at_end) const;

 private:
  RecordCutter(Regex regex, DelimMode mode, bool grows) : regex_(std::move(regex)), mode_(mode), grows_(grows) {}

  Regex regex_;
  DelimMode mode_;
  bool grows_;  // a match may become longer when more follows
};

}  // namespace flume::node

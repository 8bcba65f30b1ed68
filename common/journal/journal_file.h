// The bytes of a delivery journal (docs/formats/journal.md): records that say which rows are durable in which files of
// a store. Encoding and bounds-checked reading; pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/random.h"
#include "common/io/storage.h"

namespace flume::journal {

inline constexpr std::string_view kMagic{"FLJRNL2\0", 8};
inline constexpr size_t kRecordHeadBytes = 8;
inline constexpr size_t kMaxText = 64 << 10;    // of a path
inline constexpr size_t kMaxRanges = 10'000;    // in one record
inline constexpr size_t kMaxRecord = 1U << 20;  // its body, at most

// Rows [first, below) of a stream that a write-ahead log numbered.
struct Range {
  Id128 stream{};
  uint64_t first = 0;
  uint64_t below = 0;
  uint64_t chain = 0;  // the stream's running hash at `below`; 0: not known (R6)
  bool operator==(const Range&) const = default;
};

// From now on the file is under the journal: its first `length` bytes are durable, what is behind them was promised to
// nobody unless a later record says so.
struct Begin {
  std::string file;
  FileIdentity identity;
  uint64_t length = 0;
  bool in_place = false;  // it has its own name while it grows
  int64_t millis = 0;     // wall time
  bool operator==(const Begin&) const = default;
};

// These rows, written by the sink at this place of the plan, are durable in the first `length` bytes of the file. With
// an empty file name: somewhere.
struct Durable {
  std::string sink;
  std::string file;
  uint64_t length = 0;
  std::vector<Range> ranges;  // at most kMaxRanges
  int64_t millis = 0;
  bool operator==(const Durable&) const = default;
};

// The file is no longer under the journal: published, or given up.
struct Gone {
  std::string file;
  bool operator==(const Gone&) const = default;
};

using Record = std::variant<Begin, Durable, Gone>;

void append_record(std::string& out, const Record& record);

// Reads the records of a file that lies in memory, and what is whole behind damaged bytes too.
class Reader {
 public:
  explicit Reader(std::string_view file);
  std::optional<Record> next();  // nothing: the end
  // After the end: bytes that are no records and that whole records follow; a torn tail is none.
  uint64_t damaged_bytes() const { return damaged_; }

 private:
  std::string_view file_;
  size_t at_ = 0;
  uint64_t damaged_ = 0;
};

}  // namespace flume::journal

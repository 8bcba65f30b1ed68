// A log's folder as tools look at it from outside: nothing in it is changed, and a node may write it meanwhile. What
// they find is what a recovery would (recovery.h); rows of a segment whose header is damaged are read all the same.
// One thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/wal/segment.h"

namespace flume::wal {

struct LogSegment {
  std::string path;
  SegmentName name;
  uint64_t rows_below = UINT64_MAX;  // rows from this number on are the next file's
};
struct KeptBytes {
  std::string path;
  uint64_t bytes = 0;
};
struct LogFolder {
  std::vector<LogSegment> segments;  // by ordinal
  std::vector<KeptBytes> kept;       // what recoveries set aside in error/
};

// As it is now. kNotFound: there is no such folder, or nothing of a log in it.
Result<LogFolder> look_at_folder(const std::string& folder, FileSystem& files);

// Something in a folder that is no rows, or rows that should be there and are not.
struct Finding {
  enum class Kind : uint8_t {
    kDamage,
    kTorn,  // the end of a file that was not closed: nothing was promised of it
    kHole,  // rows between those before and those behind
  };
  Kind kind = Kind::kDamage;
  std::string path;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string why;

  bool is_damage() const { return kind != Kind::kTorn; }
  std::string text() const;  // "\"path\", byte 64, 128 bytes: why"
};

// Reads all rows of a folder in order, each once, and says what is in the way. Every byte is checked. Bounded: one
// record in memory.
class LogWalk {
 public:
  enum class Kind : uint8_t { kRows, kFinding, kEnd };
  struct Item {
    Kind kind = Kind::kEnd;
    size_t segment = 0;  // in folder().segments
    uint64_t end_offset = 0;
    EventBatch batch;
    Finding finding;
  };

  LogWalk(LogFolder folder, FileSystem& files, const BatchLimits& limits);
  const LogFolder& folder() const { return folder_; }

  // Goes to the row of this number, or the first behind it. Segments that end before it are not looked at.
  void seek(uint64_t ordinal);
  // An error only when a file cannot be read.
  Result<Item> next();

 private:
  Status open_segment();
  void end_segment(const SegmentReader::Item& item);
  void take(SegmentReader::Item item);
  void take_footer(const SegmentReader::Item& item);
  void find(Finding::Kind kind, uint64_t offset, uint64_t bytes, std::string why);
  const LogSegment& segment() const { return folder_.segments[at_]; }

  const LogFolder folder_;
  FileSystem& files_;
  const BatchLimits limits_;
  size_t at_ = 0;
  uint64_t from_ = 0;                 // rows before it are not wanted
  std::optional<uint64_t> expected_;  // number of the next row; none: any
  std::deque<Item> found_;            // to be handed out; at most three

  // The segment that is being read.
  std::unique_ptr<LogFile> file_;
  std::unique_ptr<SegmentReader> reader_;  // null: the next one has to be opened
  SegmentTotals totals_;
  bool has_footer_ = false;
  bool is_damaged_ = false;
};

// One segment in a few reads: header and footer, and where there is no footer all records.
struct SegmentSummary {
  std::string path;  // the name that it has by now
  SegmentName name;
  std::optional<SegmentHeader> header;
  uint64_t rows = 0;
  uint64_t end_ordinal = 0;  // of the last row, plus one
  uint64_t bytes = 0;
  std::vector<Finding> findings;
};
// Nothing: it was removed meanwhile.
Result<std::optional<SegmentSummary>> summarize(const LogSegment& segment, FileSystem& files,
                                                const BatchLimits& limits);

}  // namespace flume::wal

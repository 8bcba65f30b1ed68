// FileReader: turns the bytes of one open file into batches: one preadv() straight into the builder's blob, lines found
// there, no work per line. The same call reads again the few bytes before the place and compares them, so a file that
// was truncated or rewritten is noticed at the very read that would have gone wrong, at no extra system call.
//
// A line that has no end yet stays in memory and is no row; finish() makes it one. A line longer than the event limit
// is split at the limit into several rows or cut there (its rest is skipped), as the options say, and counted.
//
// Owned by FollowedFile or TailDir. Thread: driver. After an error the reader is of no more use.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/event/batch.h"
#include "common/event/blob_pool.h"
#include "common/metrics/metrics.h"
#include "node/tailing/read_progress.h"
#include "node/tailing/record_cutter.h"

namespace flume::node {

struct ReaderOptions {  // the same for all files of a source; must outlive the readers
  Clock* clock = nullptr;
  Id128 node{};
  uint32_t boot_epoch = 0;
  std::string host;
  BatchLimits limits;
  std::shared_ptr<BlobPool> pool;  // shared: thousands of files are mostly idle
  Oversize oversize = Oversize::kSplit;
  std::optional<RecordCutter> cutter;  // none: lines
  Counter* long_lines = nullptr;
  Counter* cut_bytes = nullptr;
};

class FileReader {
 public:
  enum class State : uint8_t {
    kRows,
    kEnd,       // nothing more now
    kReplaced,  // the bytes before the place are not those that were read: truncated or rewritten
  };

  // The caller has checked that the file begins with point.mark.print, and begun the point in `progress`.
  static Result<std::unique_ptr<FileReader>> open(const ReaderOptions& options, ReadProgress& progress, UniqueFd fd,
                                                  ReadPoint point);

  Result<State> read(EventBatch& out);
  // The unfinished line becomes a row of its own. False: there is none.
  bool finish(EventBatch& out);
  Status go_to(const ReadMark& mark);  // back to what was settled

  const ReadPoint& point() const { return point_; }
  void set_path(const std::string& path);
  int fd() const { return fd_.fd(); }
  UniqueFd take_fd() { return std::move(fd_); }
  // Of everything read, the unfinished line too.
  Fingerprint read_print() const;
  // The file was cut to `size` bytes: how many of them were read before. None when it was written anew.
  Result<uint64_t> known_part(uint64_t size) const;

 private:
  // The last bytes before some offset of the file.
  class Recent {
   public:
    void clear() { size_ = 0; }
    void append(std::string_view bytes);
    std::string_view view() const { return {bytes_.data(), size_}; }

   private:
    std::array<char, kRecentBytes> bytes_{};
    size_t size_ = 0;
  };
  enum class Fill : uint8_t { kBytes, kEnd, kReplaced };

  FileReader(const ReaderOptions& options, ReadProgress& progress, UniqueFd fd, ReadPoint point);
  BatchBuilder& builder();
  uint64_t head_hash(uint64_t offset) const;  // of the first bytes as they were read
  Result<Fill> fill(char* to, size_t want, size_t& got);
  Result<State> read_lines(EventBatch& out);
  Result<State> read_records(EventBatch& out);
  Result<State> skip_rest();
  uint32_t commit(size_t bytes);
  void pass_over(std::string_view bytes);
  void issue(EventBatch& out, const EventBatch& batch);
  void hand_out_lines(EventBatch& out);
  bool cut_records(bool at_end);
  bool add_record(std::string_view body, size_t consumed);  // false: no room
  void hand_out_records(EventBatch& out);
  void drop_cut_records();

  const ReaderOptions& options_;
  ReadProgress& progress_;
  UniqueFd fd_;
  ReadPoint point_;  // after the last row handed out
  std::optional<BatchBuilder> builder_;
  uint64_t read_to_ = 0;          // file offset of the next byte to read
  std::string head_;              // first bytes of the file, up to kHeadBytes, as far as they were read
  Recent read_recent_;            // before read_to_
  Recent row_recent_;             // before point_.mark.print.offset
  std::string held_;              // records only: bytes from the end of the last row to read_to_
  bool skip_first_ = false;       // the rest of a cut line comes before anything else
  uint64_t oversized_rows_ = 0;   // of the builder, seen so far
  uint64_t discarded_bytes_ = 0;  // likewise
  size_t cut_to_ = 0;             // records only: bytes of held_ that are in the builder's rows
};

}  // namespace flume::node

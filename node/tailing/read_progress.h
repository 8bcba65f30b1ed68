// ReadProgress: which files a source has read how far, what of it is settled, and what is on disk about it. One per
// source. Every batch gets a token from here; checkpoint() moves a file's position only over rows that the AckTracker
// says are settled; rewind() tells where to read again. Before the first rows of a file are handed out, what it begins
// with is on disk: so that after a kill its copy is known (copytruncate), and its stream (R4). One tracker for all
// files of the source: rows settle in about the order they were read, and what a stuck batch holds back is repeated
// after a kill, never skipped.
//
// Thread: driver (the tracker itself is thread-safe).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/event/ack.h"
#include "node/runtime/positions.h"
#include "node/tailing/fingerprint.h"

namespace flume::node {

// Where reading stands in one file. The stream is random and new for each content of a file: a file that was truncated
// is another stream.
struct ReadMark {
  Fingerprint print;      // print.offset: everything before it is in rows
  uint64_t rows = 0;      // handed out from this stream
  bool skipping = false;  // at print.offset the rest of a cut line follows
};
struct ReadPoint {
  std::string path;  // where it was last seen
  FileIdentity identity;
  Id128 stream{};
  ReadMark mark;
  uint64_t order = 0;  // files of one source in the order they were begun
  // What was read before a restart, behind `mark`: by what was saved, or by what a log says. Reading goes on at the
  // mark (a log drops what it has, R4), but a file that does not begin so is another one.
  std::optional<Fingerprint> seen;

  const Fingerprint& last_known() const { return seen && seen->offset > mark.print.offset ? *seen : mark.print; }
  std::string encoded() const;
  static Result<ReadPoint> decode(std::string_view bytes);
};

class ReadProgress {
 public:
  // Keys in `positions` are "<prefix>/<stream>" and "<prefix>#begun".
  ReadProgress(Positions& positions, std::string prefix);

  // True at the very first call for this prefix ever; durable with the next checkpoint.
  bool is_first_time();
  std::vector<ReadPoint> saved() const;  // by order; a record that does not decode is logged and forgotten
  // Registers a file: its position counts from here. Durable with the next checkpoint.
  void begin(ReadPoint point);
  // Rows up to `after` were read from this file: the token for them.
  AckToken issue(const Id128& stream, const ReadMark& after, uint32_t rows, uint64_t bytes);
  // Forgets a file once everything read from it is settled.
  void end(const Id128& stream);
  bool is_settled(const Id128& stream);  // nothing of it is under way
  void moved(const Id128& stream, const std::string& path);
  // A stream that begins at `offset` of the open file; with offset 0 the file is not looked at.
  Result<ReadPoint> new_point(const std::string& path, const FileIdentity& identity, int fd, uint64_t offset);

  Status checkpoint();
  // Everything unsettled counts as not read: the point to go on from, for each file that has such rows.
  std::vector<ReadPoint> rewind();
  const std::shared_ptr<AckTracker>& tracker() const { return tracker_; }

 private:
  struct File {
    ReadPoint settled;
    uint64_t under_way = 0;  // entries of issued_
    bool ended = false;
    bool dirty = true;
    bool known = false;  // stream and beginning are on disk
  };
  struct Issued {
    uint64_t end;  // of the tracker's numbering
    Id128 stream;
    ReadMark after;
  };
  void collect();
  void save_beginning(const File& file);
  std::string key(const Id128& stream) const;

  Positions& positions_;
  const std::string prefix_;
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);  // shared: tokens keep it
  uint64_t issued_rows_ = 0;
  uint64_t order_ = 0;
  std::map<Id128, File> files_;
  std::deque<Issued> issued_;
};

}  // namespace flume::node

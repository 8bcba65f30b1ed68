// FollowedFile: one path followed over rotations, for tail and multitail. What the path means now is read last; files
// that were rotated away are read to their end first, and for some seconds longer, because their writer may not have
// noticed yet. A truncated file is a new content; what of the old one was not read yet is looked for in a copy beside
// it. After a restart the saved position finds the file again, by what it is, not by its name.
//
// Owned by the source. Thread: driver.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "node/tailing/file_reader.h"
#include "node/tailing/file_watch.h"
#include "node/tailing/read_progress.h"
#include "node/tailing/rotation.h"

namespace flume::node {

class FollowedFile {
 public:
  FollowedFile(std::string path, bool from_end, const ReaderOptions& options, Positions& positions,
               FileWatch::Watcher& watcher);
  ~FollowedFile();

  // A missing file is no error. kInvalid: a folder; kPermission: may not be read.
  Status open();
  // True: `out` has rows. False: nothing now.
  Result<bool> read(EventBatch& out);
  Status rewind();
  Status checkpoint();
  void close();

  // False: the kernel will not tell of changes; look again every poll period.
  bool is_watched() const { return folder_watched_ && (current_ == nullptr || current_watched_); }
  // When read() should be called again though nothing changed: a rotated file's time is over.
  TimePoint due() const;
  const std::shared_ptr<AckTracker>& tracker() const { return progress_->tracker(); }
  const std::string& path() const { return path_; }

 private:
  struct Old {
    std::unique_ptr<FileReader> reader;
    TimePoint quiet_since;  // the last time that it gave something
    bool still = false;     // nobody writes it any more: its end is the end
    bool done = false;      // read to its end; kept until that is settled
  };

  Status resume(std::vector<ReadPoint> saved);
  Status resume_rotated(const ReadPoint& point, const std::vector<Sibling>& siblings, const Sibling*& newest);
  Status add_unseen(const std::vector<Sibling>& siblings, const Sibling& newest);
  Status add_old(const std::string& path, ReadPoint point, bool still);
  Status begin_current(UniqueFd fd, const FileIdentity& identity, uint64_t offset);
  Result<bool> open_current(bool from_end);
  Result<bool> read_old(EventBatch& out);
  Result<bool> read_current(EventBatch& out);
  Result<bool> at_end(EventBatch& out, bool& again);
  Result<bool> replaced(EventBatch& out);
  void rotate_away();
  void watch_current();
  TimePoint now() const { return options_.clock->now(); }

  const std::string path_;
  const bool from_end_;
  const ReaderOptions& options_;
  Positions& positions_;
  FileWatch::Watcher& watcher_;
  std::unique_ptr<ReadProgress> progress_;  // from open() on
  std::deque<Old> old_;                     // oldest first
  std::unique_ptr<FileReader> current_;     // null: no file under the name
  int64_t seen_modified_ = 0;               // of current_, when it was last found at its end
  bool read_since_end_ = false;
  bool replaced_ = false;  // current_'s content is gone, its half line was delivered
  TimePoint removed_since_ = TimePoint::max();
  TimePoint refused_since_ = TimePoint::max();
  bool folder_watched_ = false;
  bool current_watched_ = false;
  bool said_missing_ = false;
};

}  // namespace flume::node

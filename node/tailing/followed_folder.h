// FollowedFolder: the files of a folder, for tailDir: those that are there, those that come, over rotations among and
// out of them. Files are known by what they are, so a rename is no new file and the copy of a truncated one is not read
// twice. Only files with something to read are open, at most kOpenFiles and those that were removed and are not read to
// their end; a folder of ten thousand idle files costs a watch and memory.
//
// Owned by the source. Thread: driver.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/text/regex.h"
#include "node/tailing/file_reader.h"
#include "node/tailing/file_watch.h"
#include "node/tailing/read_progress.h"
#include "node/tailing/rotation.h"

namespace flume::node {

struct FolderOptions {
  std::string path;
  Regex names;  // of files, without their folder; matched from end to end by whoever made it
  bool from_end = false;
  int64_t depth = 0;  // levels of folders below it
};

class FollowedFolder {
 public:
  static constexpr size_t kOpenFiles = 128;
  // A file that was removed or renamed away is read until nothing came for so long: its writer may not know yet.
  static constexpr Duration kLinger = std::chrono::seconds(5);

  FollowedFolder(FolderOptions options, const ReaderOptions& reader_options, Positions& positions,
                 FileWatch::Watcher& watcher, const Metrics& metrics);
  ~FollowedFolder();

  // A missing folder is no error. kInvalid: it is none.
  Status open();
  // What changed, or everything where the kernel does not tell.
  void look(const FileWatch::Changes& changes);
  // True: `out` has rows. False: nothing now.
  Result<bool> read(EventBatch& out);
  Status rewind();
  Status checkpoint() { return progress_.checkpoint(); }

  bool is_watched() const { return unwatched_.empty(); }
  TimePoint due() const;  // when read() should be called though nothing changed
  const std::shared_ptr<AckTracker>& tracker() const { return progress_.tracker(); }
  size_t open_files() const { return open_.size(); }

 private:
  struct File {
    ReadPoint point;  // counts while there is no reader
    std::unique_ptr<FileReader> reader;
    bool present = true;                       // under point.path
    bool queued = false;                       // in ready_
    bool replaced = false;                     // its content is gone, its half line was delivered
    TimePoint quiet_since = TimePoint::max();  // not present: since when nothing came
    int64_t seen_modified = 0;                 // when it was last found at its end
    uint64_t seen_size = 0;                    // likewise
    bool read_since_end = false;
    std::list<File*>::iterator place;  // in open_, while there is a reader
  };

  void scan(const std::string& folder, int64_t depth, std::set<std::string>& seen);
  void scan_all();
  // `told`: the kernel said that something changed; else it is looked for.
  void note(const std::string& path, const FileFacts& facts, bool told);
  void note_changed(const std::string& folder, const std::string& name);
  const ReadMark* base_of(const std::string& path) const;
  bool may_be_copy(const std::string& path, const FileFacts& facts) const;
  void add_new(const std::string& path, const FileFacts& facts, uint64_t offset);
  void settle_copies();
  void add_unseen(const std::string& path, const FileIdentity& now_there);
  void unlist(const File& file);
  void vanish(File& file);
  void resume(const std::vector<ReadPoint>& saved);
  bool resume_at(const ReadPoint& point, const std::string& path, const FileIdentity& identity, bool present);
  void watch(const std::string& folder);

  Result<bool> read_file(File& file, EventBatch& out);
  Result<bool> at_end(File& file, EventBatch& out);
  Result<bool> replaced(File& file, EventBatch& out);
  bool open_reader(File& file);  // false: it cannot be read now
  void begin_anew(File& file, UniqueFd fd, uint64_t offset);
  void continue_in_copy(const ReadPoint& point, const Sibling& copy);
  void close_reader(File& file);
  void close_least_used();
  void enqueue(File& file);
  void forget(File& file);
  File* file_of(const FileIdentity& identity);
  TimePoint now() const { return reader_options_.clock->now(); }
  int64_t depth_of(const std::string& folder) const;

  const FolderOptions options_;
  const ReaderOptions& reader_options_;
  FileWatch::Watcher& watcher_;
  Counter& refused_files_;
  ReadProgress progress_;
  std::map<FileIdentity, std::unique_ptr<File>> files_;
  std::map<std::string, File*, std::less<>> by_path_;         // those that are present
  std::map<std::string, FileIdentity, std::less<>> last_at_;  // paths that lost their file: which one that was
  std::deque<FileIdentity> ready_;                            // may have something to read
  std::map<std::string, TimePoint, std::less<>> copies_;      // paths that may be copies being made, and since when
  std::set<FileIdentity> gone_;                               // not present, not read to their end
  std::map<FileIdentity, TimePoint> refused_since_;           // could not be opened: tried again after kLinger
  std::set<std::string> folders_;                             // seen, with those below
  std::set<std::string> unwatched_;                           // the kernel does not tell of these
  bool from_end_ = false;                                     // files found now begin at their end
  std::list<File*> open_;                                     // with a reader, the one used last at the back
  bool said_missing_ = false;
};

}  // namespace flume::node

// Journal: what a logical node's sinks have made durable, written down beside their output, so that a row that a
// write-ahead log sends again is written once (docs/formats/journal.md). It keeps, for each sink and stream of rows,
// the ordinals that are durable, and for each file that is being written how much of it counts. Rules R16 to R19 of
// docs/reliability.md are kept here and in node/storing; each is named where it is kept.
//
// A record is a fact when it is committed: the data was synced before (R16). From then on files() and known() tell it,
// and it will be on disk when its ticket is done, whatever fails meanwhile; only then may anybody rely on it after a
// crash. Writing happens on the journal's own thread, everything that waits together. A write or a sync that fails ends
// that file's life (R19): all that is known is written into a new file, with growing pauses for as long as it takes.
//
// Bounded: streams that were silent for `keep`, or the oldest when there are too many, are forgotten; their rows would
// be written again. Thread-safe, but for open().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/interval_set.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/sync.h"
#include "common/base/thread.h"
#include "common/io/file_system.h"
#include "common/journal/journal_file.h"

namespace flume::journal {

struct JournalOptions {
  std::string folder;  // the logical node's own: the files journal-1, journal-2 ... in it
  size_t streams = 100'000;
  Duration keep = std::chrono::hours(24 * 30);
  size_t parts = 10'000;  // intervals of one stream; the lowest are forgotten
};

struct JournalStatus {
  size_t streams = 0;  // of all sinks
  size_t files = 0;
  uint64_t file_bytes = 0;  // of the journal itself
  uint64_t forgotten = 0;   // streams, and intervals of streams, since the start
  std::string error;        // of the last write or sync; "" once one succeeded
};

class Journal {
 public:
  Journal(JournalOptions options, FileSystem& files, Clock& clock);
  ~Journal();  // tries once more to write what is queued
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Reads what is there; makes nothing. Every sink calls it before anything else; it does something once. Errors are
  // the disk's; damage is none: it is said, set aside, and what is whole counts.
  Status open() FLUME_EXCLUDES(mutex_);

  // Takes the fact and gives its ticket; tickets are done in order. Ranges may be as many as they are.
  uint64_t commit(const Record& record) FLUME_EXCLUDES(mutex_);
  bool done(uint64_t ticket) const FLUME_EXCLUDES(mutex_);
  // kTimeout or kStopped, with the last error, when the wait is over first.
  Status wait(uint64_t ticket, const Wait& wait) FLUME_EXCLUDES(mutex_);

  // Which ordinals of [first, below) are durable for this sink; they may be called so once the ticket is done.
  struct Known {
    IntervalSet rows;
    uint64_t ticket = 0;
  };
  Known known(std::string_view sink, const Id128& stream, uint64_t first, uint64_t below) const FLUME_EXCLUDES(mutex_);

  // How far, of all sinks, the stream's rows are known by their running hash, and that hash (R6). 0: not at all.
  struct Mark {
    uint64_t below = 0;
    uint64_t chain = 0;
  };
  Mark mark(const Id128& stream) const FLUME_EXCLUDES(mutex_);

  // Files under the journal. One that is on its way out of it (Gone, ticket not done) is `leaving`.
  struct File {
    std::string path;
    FileIdentity identity;
    uint64_t length = 0;
    bool in_place = false;
    bool leaving = false;
    uint64_t ticket = 0;  // of the last record about it
    int64_t millis = 0;
  };
  std::optional<File> file(std::string_view path) const FLUME_EXCLUDES(mutex_);
  std::vector<File> files() const FLUME_EXCLUDES(mutex_);  // without the leaving ones

  JournalStatus status() const FLUME_EXCLUDES(mutex_);

 private:
  struct Stream {
    IntervalSet rows;
    Mark mark;
    uint64_t ticket = 0;
    int64_t millis = 0;  // when something was last added
  };
  using Streams = std::map<Id128, Stream>;

  Status load() FLUME_REQUIRES(mutex_);
  Status load_file(const std::string& path) FLUME_REQUIRES(mutex_);
  void apply(const Record& record, uint64_t ticket) FLUME_REQUIRES(mutex_);
  void apply_ranges(const Durable& durable, uint64_t ticket) FLUME_REQUIRES(mutex_);
  void forget_silent() FLUME_REQUIRES(mutex_);
  void forget_oldest() FLUME_REQUIRES(mutex_);
  void drop_streams(int64_t until_millis) FLUME_REQUIRES(mutex_);
  static std::vector<Range> ranges_of(const Id128& id, const Stream& stream);
  std::string snapshot() FLUME_REQUIRES(mutex_);

  struct Work {
    std::string bytes;
    uint64_t ticket = 0;
    bool whole = false;  // all that is known, for a new file; else only what is new
  };
  void run() FLUME_EXCLUDES(mutex_);
  std::optional<Work> next_work() FLUME_EXCLUDES(mutex_);
  Status write(const Work& work) FLUME_EXCLUDES(mutex_);
  Status write_new_file(const Work& work);
  Status append(const std::string& bytes);
  void set_damaged_aside();
  std::string file_name(uint64_t number) const;

  const JournalOptions options_;
  FileSystem& disk_;
  Clock& clock_;
  Thread thread_;  // started by the first commit()
  StopSource stop_;

  // Of open(), then of the journal's thread.
  std::unique_ptr<LogFile> file_;     // null: the next write begins a new one
  uint64_t last_number_ = 0;          // in the name of the newest file
  std::vector<std::string> older_;    // files that go when a newer one is durable
  std::vector<std::string> damaged_;  // of them, kept under another name

  mutable Mutex mutex_;
  CondVar changed_;
  bool is_open_ FLUME_GUARDED_BY(mutex_) = false;
  bool begin_anew_ FLUME_GUARDED_BY(mutex_) = true;  // the next work is a whole one
  std::map<std::string, Streams, std::less<>> sinks_ FLUME_GUARDED_BY(mutex_);
  std::map<std::string, File, std::less<>> files_ FLUME_GUARDED_BY(mutex_);
  std::string queue_ FLUME_GUARDED_BY(mutex_);         // encoded, not being written
  uint64_t accepted_ FLUME_GUARDED_BY(mutex_) = 0;     // the last ticket given
  uint64_t synced_ FLUME_GUARDED_BY(mutex_) = 0;       // tickets up to here are done
  uint64_t whole_bytes_ FLUME_GUARDED_BY(mutex_) = 0;  // of the last whole work
  JournalStatus status_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume::journal

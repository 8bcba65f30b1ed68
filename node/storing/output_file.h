// OutputFile: one file being written by a sink: rows -> format -> Storage, and the promise that goes with them. Rows
// are settled when they are durable: after a sync of the file (ack=sync) or after it is published (ack=commit).
//
// Syncs are grouped: one is started when the first unsettled row is `sync_every` old, on the store's own thread, so the
// driver goes on writing meanwhile; the rows written before it started are settled when it is done. flush() and close()
// sync at once. At high rates the batches themselves are not kept until then, only what they owe: what a failed disk
// loses is then "not delivered" and read again by the source; at low rates take_back() gives the rows themselves.
//
// A file with rows that carry a hop is under the delivery journal (file_journal.h): each sync is followed by a record
// in it, and only when that is durable too are the rows settled (R16). Their sender waits, so a sync starts as soon as
// none is under way. What was recorded is never taken back: rows of it that come again are known.
//
// After take_back() or a failure the file is cut back to what was synced before it is published, so that rows which
// come again are not in it twice. Thread: driver.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/event/format.h"
#include "common/io/compressed_file.h"
#include "common/io/storage.h"
#include "node/runtime/component.h"
#include "node/storing/file_journal.h"
#include "node/storing/look_times.h"

namespace flume::node {

// The ledger of one sink, over all its files.
class RowAccount {
 public:
  explicit RowAccount(const Metrics& metrics) : ledger_(metrics) {}
  void took(const EventBatch& batch);
  void delivered(uint64_t rows, uint64_t bytes);
  void returned(uint64_t rows);
  RowLedger& ledger() { return ledger_; }

 private:
  RowLedger ledger_;
  int64_t held_ = 0;
};

class OutputFile {
 public:
  enum class Ack : uint8_t { kSync, kCommit };
  struct Options {
    Ack ack = Ack::kSync;
    Duration sync_every = std::chrono::seconds(1);
    FileCodec codec = FileCodec::kNone;
    size_t held_bytes = 2 << 20;                        // of batches kept for take_back(), at most
    Duration ack_every = std::chrono::milliseconds(2);  // syncs for rows with a hop, at most
    JournalPlace journal;
  };

  // A new file that gets its name at close(). If the name is taken, ".1", ".2" ... is put behind it. `account` outlives
  // the file.
  static Result<std::unique_ptr<OutputFile>> create(std::shared_ptr<Storage> storage, const StorePath& path,
                                                    std::unique_ptr<OutputFormat> format, const Options& options,
                                                    RowAccount& account, const Wait& wait);
  // A file that grows under its own name. A last line without its end, which a crash left, gets one.
  static Result<std::unique_ptr<OutputFile>> append_to(std::shared_ptr<Storage> storage, const StorePath& path,
                                                       std::unique_ptr<OutputFormat> format, const Options& options,
                                                       RowAccount& account, const Wait& wait);

  // The first row with a hop: puts the file under the journal, which takes a sync or two. append() does it itself; kept
  // apart for stage(). kTimeout, kStopped: not yet.
  Status prepare(const EventBatch& rows, const Wait& wait);
  // All rows or none, in one write. kNoSpace: none, and it may be tried again; any other error: the file is dead.
  Status append(const EventBatch& batch, TimePoint now, const Wait& wait);
  // The same in two steps, for rows of one batch that go to several files: takes the rows; then writes them all at
  // once. When that fails the file is dead and take_back() has them.
  void stage(const EventBatch& rows, TimePoint now);
  Status write_staged(const Wait& wait);
  TimePoint due() const;
  Status tick(TimePoint now);
  Status flush(const Wait& wait);  // OK: all rows are settled, unless settles_at_close()
  // Publishes the file and settles all rows; a file without rows is removed. kTimeout, kStopped: not yet, call it
  // again. After another failure the file is dead. A dead file, and one that gave rows back, is cut to what was synced
  // and that published: call take_back() and close() again.
  Status close(const Wait& wait);
  std::vector<EventBatch> take_back();
  bool settles_at_close() const { return options_.ack == Ack::kCommit || !can_sync_; }
  bool has_unsettled() const { return !pending_.empty(); }

  const StorePath& path() const { return path_; }
  TimePoint last_append() const { return last_append_; }

 private:
  struct Pending {
    uint32_t rows;
    uint64_t bytes;
    AckToken token;
    journal::Range hop;
    EventBatch batch;  // empty once let go
  };
  enum class Phase : uint8_t { kIdle, kSyncing, kJournalling };
  OutputFile(std::shared_ptr<Storage> storage, StorePath path, std::unique_ptr<StoredFile> file,
             std::unique_ptr<OutputFormat> format, const Options& options, RowAccount& account, bool has_name);

  Status write(std::string_view bytes, const Wait& wait);
  void clear_buffer();
  void remember(const EventBatch& batch, TimePoint now);
  void let_go_of_batches();
  void settle(size_t count);
  Status begin_journal(const Wait& wait);
  void synced(uint64_t length, size_t count);
  void record(uint64_t length, size_t count);
  void journalled();
  Status record_rest(const Wait& wait);
  Status failed(Status status);
  Status give_up();
  Status publish_synced(const Wait& wait);

  const std::shared_ptr<Storage> storage_;
  const StorePath path_;
  std::unique_ptr<StoredFile> file_;
  const std::unique_ptr<OutputFormat> format_;
  const Options options_;
  RowAccount& account_;
  const bool has_name_;  // append_to: nothing to publish
  FileJournal journal_;

  std::string start_;   // what the file starts with, until it is written
  std::string buffer_;  // bytes of the batch at hand, or of staged rows
  Status dead_;         // why nothing more can be written
  bool wrote_rows_ = false;
  bool cut_back_ = false;       // rows in the file beyond synced_ come again
  uint64_t synced_ = 0;         // bytes that survive a crash, and that the journal was told
  bool rest_recorded_ = false;  // of a file that is being closed

  std::deque<Pending> pending_;  // rows in the file, not settled, in order
  size_t held_ = 0;              // bytes of batches in pending_
  bool holds_all_ = true;        // no batch in pending_ was let go
  size_t in_sync_ = 0;           // how many of pending_ the sync or record under way covers, at least
  bool hop_waits_ = false;       // some of pending_ have a hop
  Phase phase_ = Phase::kIdle;
  TimePoint sync_started_{};
  bool can_sync_ = true;
  TimePoint oldest_ = TimePoint::max();  // when the first row of the next sync was written
  TimePoint next_look_ = TimePoint::max();
  LookTimes sync_looks_;
  LookTimes journal_looks_;
  TimePoint last_append_{};
};

}  // namespace flume::node

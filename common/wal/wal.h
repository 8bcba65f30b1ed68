// Wal: a write-ahead log, one numbered stream of rows in a folder of segments (segment.h, docs/formats/wal.md). It
// takes responsibility for rows by syncing them: only then are their tokens settled as delivered, and only then can
// they be read from here to be sent. Rules R1 to R4 and R15 of docs/reliability.md are its own; each is named where it
// is kept.
//
// Life of a batch: append() numbers its rows and queues it -> the log's thread writes what has come together (4 MiB, or
// 2 ms after the first) and syncs -> tokens settle, readers see it -> release() when the far end holds it -> its
// segment is removed once nothing in it is wanted.
//
// A write or a sync that fails ends that file's life (R3): what was not synced is written again, with the same
// numbers, to a new file, with growing pauses for as long as it takes; nothing of it is settled meanwhile.
// append(), flush(), release() and status() from any thread; a WalReader is used by one.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "common/base/thread.h"
#include "common/wal/log_times.h"
#include "common/wal/missing.h"
#include "common/wal/place_table.h"
#include "common/wal/segment.h"
#include "common/wal/stream_names.h"

namespace flume::wal {

struct WalOptions {
  std::string folder;
  uint64_t segment_bytes = 64U << 20;
  uint64_t max_bytes = uint64_t{10} << 30;             // of all segments; then append() takes nothing
  uint64_t free_bytes = 256U << 20;                    // left to others on that disk
  uint64_t group_bytes = 4U << 20;                     // synced together ...
  Duration group_time = std::chrono::milliseconds(2);  // ... or what came this long after the first
  uint64_t queue_bytes = 16U << 20;                    // appended and not yet synced
  BatchLimits limits = {};
  Id128 stream{};  // for tests, of a live copy; zero: a new one (R2)
};

// Bytes of the folder that are no rows: kept in error/, said once, never in the way.
struct Damage {
  std::string file;     // where they are kept now; empty: there are none, only an end too soon
  std::string segment;  // where they were
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string why;
};

struct Recovered {
  uint64_t rows = 0;  // not released; of sealed segments whose footer says so, and of those that were read
  uint64_t body_bytes = 0;
  uint64_t segments = 0;
  uint64_t released = 0;  // as far as the log wrote it down: rows below are not read again
  std::vector<Damage> damage;
  std::vector<Missing> missing;   // as far as segments had to be read; also what earlier starts found. Sorted
  uint64_t missing_at_end = 0;    // of them: rows behind the last that is there; their numbers are given out again
  std::map<Id128, Place> places;  // by origin stream: what the log holds, for a source that goes on
};

struct WalStatus {
  uint64_t next_ordinal = 0;  // of the next row
  uint64_t synced = 0;        // rows below are durable here
  uint64_t released = 0;      // rows below are durable at the far end
  uint64_t repeated = 0;      // rows appended that the log had already
  uint64_t bytes = 0;         // of all segments
  size_t segments = 0;
  int64_t oldest_millis = 0;  // when the oldest row that waits was synced; 0: none waits
  // Since it was opened; rows that were numbered, as against numbers: some are of no row.
  uint64_t first_ordinal = 0;     // of the first row that came since
  uint64_t accepted = 0;          // rows synced
  uint64_t accepted_bytes = 0;    // of their bodies
  uint64_t settling = 0;          // of these rows, those whose tokens are being settled just now
  uint64_t repeated_settled = 0;  // of `repeated`, those that were settled
  std::string error;              // of the last write or sync; "" once one succeeded
};

class WalReader;

class Wal {
 public:
  // Takes up what is in the folder, which it makes if need be: an unfinished segment's good records are copied into a
  // new, synced one (R3), damaged bytes are set aside. The stream is new (R2). Errors are the disk's; damage is none.
  static Result<std::unique_ptr<Wal>> open(WalOptions options, FileSystem& files, Clock& clock, Recovered& recovered);
  ~Wal();  // writes and syncs nothing more: call close()
  Wal(const Wal&) = delete;
  Wal& operator=(const Wal&) = delete;

  const Id128& stream() const { return stream_; }

  // Numbers the rows and queues them; their token is settled once they are synced. Rows that the log has or had already
  // (by origin stream and position: a source that went back, a sender that sends again) are not written a second time;
  // their token is settled when the first ones are synced. kBusy: the queue is full, or the log is (WalStatus tells);
  // nothing was taken, and it is worth trying again.
  Status append(const EventBatch& batch) FLUME_EXCLUDES(mutex_);
  // Until all that was appended is synced and settled; kTimeout or kStopped when the wait is over first.
  Status flush(const Wait& wait) FLUME_EXCLUDES(mutex_);
  // Until append() may take a batch again; kTimeout or kStopped when the wait is over first.
  Status wait_for_room(const Wait& wait) FLUME_EXCLUDES(mutex_);
  // Until row `ordinal` is synced and can be read; kTimeout or kStopped when the wait is over first.
  Status wait_for(uint64_t ordinal, const Wait& wait) FLUME_EXCLUDES(mutex_);
  // For the far end's word on what it has of the log's streams (R6): those that have rows to send, and that of new
  // rows. Reads a record of some segments. Errors are the disk's.
  Result<std::vector<Id128>> unreleased_streams() FLUME_EXCLUDES(mutex_);
  // Whether the rows of a stream below this ordinal are those with this running hash. kOther: another log gave these
  // numbers to other rows, or has more of them. kUnknown: they are gone.
  enum class History : uint8_t { kSame, kOther, kUnknown };
  Result<History> compare(const Id128& stream, uint64_t below, uint64_t chain) FLUME_EXCLUDES(mutex_);
  // Under which stream rows of this one are sent; a new one, that nobody knows, durable when this is OK.
  Id128 sent_as(const Id128& stream) const FLUME_EXCLUDES(mutex_);
  Status rename_stream(const Id128& stream) FLUME_EXCLUDES(mutex_);
  // Until all that is synced is released; kTimeout or kStopped when the wait is over first.
  Status wait_released(const Wait& wait) FLUME_EXCLUDES(mutex_);
  // Rows below `ordinal` are wanted no more. Segments go when all of them are, but for the newest: it says what the log
  // held.
  void release(uint64_t ordinal) FLUME_EXCLUDES(mutex_);
  WalStatus status() const FLUME_EXCLUDES(mutex_);
  // The far end has taken responsibility for rows below `ordinal`: only noted, for how long it took. From any thread,
  // never waits for the disk.
  void acknowledged(uint64_t ordinal) { times_.acknowledged(ordinal, clock_.now()); }
  AckTimes ack_times() const { return times_.acks(clock_.now()); }
  // Synced rows in order, from the first that is not released. It may be made while the log is written, many times.
  std::unique_ptr<WalReader> reader() FLUME_EXCLUDES(mutex_);
  // Waits for the disk as long as `wait` allows, seals the open segment and ends the thread. May be repeated.
  Status close(const Wait& wait) FLUME_EXCLUDES(mutex_);

 private:
  friend class WalReader;
  class Recovery;
  struct Segment {
    std::shared_ptr<LogFile> file;  // shared with readers; null: not being written
    std::string path;
    uint64_t first_ordinal = 0;
    uint64_t end_ordinal = 0;  // of what is synced
    uint64_t end_offset = 0;   // likewise; readers stop here
    int64_t created_millis = 0;
    bool is_open = false;
    // First ordinals of groups, about a MiB apart, and where they begin: readers need not start at the segment's start.
    std::vector<std::pair<uint64_t, uint64_t>> groups = {};
  };
  struct Queued {
    EventBatch batch;  // stamped; holds the token
    EventBatch::Encoded encoded;
    uint64_t bytes = 0;  // of the record; 0: rows that the log has already, only to be settled
    uint64_t call = 0;   // which append() it came with
  };

  Wal(WalOptions options, FileSystem& files, Clock& clock);
  static WalOptions sound(WalOptions options);
  Status streams_from(std::span<const uint64_t> starts, std::vector<Id128>& out) FLUME_EXCLUDES(mutex_);
  Result<Id128> stream_at(uint64_t ordinal) FLUME_EXCLUDES(mutex_);
  Status room() const FLUME_REQUIRES(mutex_);
  Status recover(Recovered& recovered) FLUME_EXCLUDES(mutex_);
  void run() FLUME_EXCLUDES(mutex_);
  std::vector<Queued> next_group() FLUME_EXCLUDES(mutex_);
  Status write(const std::vector<Queued>& group) FLUME_EXCLUDES(mutex_);
  Status begin_segment(uint64_t first_ordinal) FLUME_EXCLUDES(mutex_);
  Status try_write(const std::vector<Queued>& group) FLUME_EXCLUDES(mutex_);
  Places held() const FLUME_EXCLUDES(mutex_);
  Places announced(const std::vector<Queued>& group) const FLUME_EXCLUDES(mutex_);
  bool drop_released() FLUME_REQUIRES(mutex_);
  void remove_unwanted() FLUME_EXCLUDES(removing_, mutex_);
  std::optional<std::string> first_unwanted() const FLUME_EXCLUDES(mutex_);
  void end_file() FLUME_EXCLUDES(mutex_);
  void seal() FLUME_EXCLUDES(mutex_);
  void synced(const std::vector<Queued>& group) FLUME_EXCLUDES(mutex_);

  const WalOptions options_;
  FileSystem& files_;
  Clock& clock_;
  Id128 stream_{};
  Thread thread_;
  StopSource stop_;

  // The log's thread.
  std::shared_ptr<LogFile> file_;  // open segment; null: the next group begins one
  uint64_t file_bytes_ = 0;
  SegmentTotals totals_;
  uint64_t group_places_ = 0;  // bytes of the record of places before the group that was written last
  PlaceTable held_;            // of synced rows

  LogTimes times_;
  std::vector<Missing> missing_;  // that recovery found; constant once the log is open

  Mutex removing_;  // one removes files at a time; taken before mutex_
  mutable Mutex mutex_;
  CondVar queued_;                                             // for the writer: a group begins or is large enough
  CondVar changed_;                                            // for all others
  std::deque<std::string> unwanted_ FLUME_GUARDED_BY(mutex_);  // segments that are to be removed, by ordinal
  std::deque<Segment> segments_ FLUME_GUARDED_BY(mutex_);      // by ordinal; the open one is the last
  std::deque<Queued> queue_ FLUME_GUARDED_BY(mutex_);
  TimePoint first_queued_ FLUME_GUARDED_BY(mutex_){};   // when the oldest of these came
  uint64_t queued_bytes_ FLUME_GUARDED_BY(mutex_) = 0;  // with what is being written
  uint64_t appended_ FLUME_GUARDED_BY(mutex_) = 0;      // calls of append() that took rows ...
  uint64_t settled_ FLUME_GUARDED_BY(mutex_) = 0;       // ... and those of them that are synced and settled
  PlaceTable accepted_ FLUME_GUARDED_BY(mutex_);        // of numbered rows
  uint64_t chain_ FLUME_GUARDED_BY(mutex_) = 0;
  StreamNames names_ FLUME_GUARDED_BY(mutex_);
  WalStatus status_ FLUME_GUARDED_BY(mutex_);
  bool closing_ FLUME_GUARDED_BY(mutex_) = false;
};

// Reads synced rows in order. next() gives nothing at the end of what is synced; rows that are damaged or gone are a
// hole in the ordinals, said once in `hole`.
class WalReader {
 public:
  explicit WalReader(Wal& wal, uint64_t from);
  struct Item {
    EventBatch batch;
    std::string hole;                // why there are rows missing before it; empty: none are
    std::optional<Missing> missing;  // which; also when nothing is known of them
    uint64_t damaged = 0;            // bytes before it that are no record, whether rows were in them or not
  };
  Result<std::optional<Item>> next();
  void seek(uint64_t ordinal);

 private:
  Result<bool> find_segment();
  void end_segment(const SegmentReader::Item& last);
  std::optional<Missing> missing_before(uint64_t ordinal, uint64_t offset);

  Wal& wal_;
  const std::shared_ptr<BlobPool> pool_;
  uint64_t at_;                            // ordinal of the next row
  uint64_t expected_;                      // likewise, holes not left out
  uint64_t first_ = 0;                     // of the segment that is being read
  std::shared_ptr<LogFile> file_;          // shared with the log while it is written
  std::unique_ptr<SegmentReader> reader_;  // null: no segment is being read
  std::string hole_;
  std::optional<Missing> place_;  // of the hole that was met last
  uint64_t damaged_ = 0;          // bytes since the last batch
};

}  // namespace flume::wal

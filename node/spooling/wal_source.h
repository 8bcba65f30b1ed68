// WalSource: reads a write-ahead log and gives out its rows, to be sent. A row is released in the log once whatever it
// was given to is settled; rows that were not delivered are read again. Its tracker's positions are the log's ordinals.
// Thread: the sending driver's.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "common/base/sync.h"
#include "common/wal/wal.h"
#include "node/runtime/component.h"

namespace flume::node {

// How far a log was read, for its account; kept while sources come and go. Thread-safe.
class WalProgress {
 public:
  struct State {
    uint64_t start = 0;               // ordinal of the first row it held when it was opened
    uint64_t first_new = 0;           // and of the first that came since
    uint64_t next = 0;                // of the next row to give out ...
    uint64_t high = 0;                // ... and of the first that never was
    uint64_t skipped_old = 0;         // numbers below `high` that no row has: of rows it held ...
    uint64_t skipped_new = 0;         // ... and of those that came since
    uint64_t missing = 0;             // rows below `high` that cannot be read
    uint64_t damaged = 0;             // bytes among them that are no record, whether rows were in them or not
    std::deque<wal::Missing> places;  // the newest of them
  };

  WalProgress(uint64_t start, uint64_t first_new);
  State state() const;
  void back_to(uint64_t ordinal);
  // A batch is given out.
  void passed(const wal::WalReader::Item& item);

 private:
  mutable Mutex mutex_;
  State state_ FLUME_GUARDED_BY(mutex_);
};

class WalSource final : public Source {
 public:
  // Both outlive the source.
  WalSource(wal::Wal& wal, WalProgress& progress) : wal_(wal), progress_(progress) {}
  ~WalSource() override;

  Status open(Context& context, const Wait& wait) override;
  Result<Next> next(EventBatch& out, const Wait& wait) override;
  Result<bool> rewind() override;
  Status checkpoint() override;
  Status close(const Wait& wait) override;
  std::vector<std::shared_ptr<AckTracker>> trackers() const override { return {tracker_}; }

 private:
  void say_damage(const wal::WalReader::Item& item);
  void forget_tracker();

  wal::Wal& wal_;
  WalProgress& progress_;
  std::string node_;
  Counter* missing_ = nullptr;
  Counter* damaged_ = nullptr;
  std::shared_ptr<AckTracker> tracker_;  // shared: tokens keep it
  std::unique_ptr<wal::WalReader> reader_;
  uint64_t next_ = 0;  // ordinal behind the last row given out
};

}  // namespace flume::node

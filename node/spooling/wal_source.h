// WalSource: reads a write-ahead log and gives out its rows, to be sent. A row is released in the log once whatever it
// was given to is settled; rows that were not delivered are read again. Its tracker's positions are the log's ordinals.
// Thread: the sending driver's.
#pragma once

#include <memory>
#include <vector>

#include "common/wal/wal.h"
#include "node/runtime/component.h"

namespace flume::node {

class WalSource final : public Source {
 public:
  // The log outlives the source.
  explicit WalSource(wal::Wal& wal) : wal_(wal) {}

  Status open(Context& context, const Wait& wait) override;
  Result<Next> next(EventBatch& out, const Wait& wait) override;
  Result<bool> rewind() override;
  Status checkpoint() override;
  Status close(const Wait& wait) override;
  std::vector<std::shared_ptr<AckTracker>> trackers() const override { return {tracker_}; }

 private:
  void say_hole(const wal::WalReader::Item& item, uint64_t ordinal);

  wal::Wal& wal_;
  std::string node_;
  Counter* missing_ = nullptr;
  std::shared_ptr<AckTracker> tracker_;  // shared: tokens keep it
  std::unique_ptr<wal::WalReader> reader_;
  uint64_t next_ = 0;  // ordinal behind the last row given out
};

}  // namespace flume::node

// KnownRows: rows that the delivery journal has for a sink already: they are settled as delivered and not written
// again. Those whose record is still on its way to the disk are held until it is there. Thread: driver.
#pragma once

#include <functional>
#include <vector>

#include "node/runtime/component.h"
#include "node/storing/output_file.h"

namespace flume::node {

class KnownRows {
 public:
  Status open(Context& context);  // reads the journal, if that was not done yet
  // Gives the rows that are not known to `write`, in order, which is AppendResult(const EventBatch&). The others count
  // in the account too.
  AppendResult append(const EventBatch& batch, RowAccount& account, TimePoint now,
                      const std::function<AppendResult(const EventBatch&)>& write);
  TimePoint due() const { return held_.empty() ? TimePoint::max() : next_look_; }
  void tick(TimePoint now, RowAccount& account);
  Status flush(const Wait& wait, RowAccount& account);
  void take_back(std::vector<EventBatch>& out, RowAccount& account);

 private:
  struct Held {
    EventBatch rows;
    uint64_t ticket;
  };
  void settle_done(RowAccount& account);

  journal::Journal* journal_ = nullptr;
  std::string sink_;
  Counter* repeated_ = nullptr;
  std::vector<Held> held_;  // by ticket
  TimePoint next_look_ = TimePoint::max();
};

}  // namespace flume::node

// Base of decorators that put other events in the place of some rows: unbatch (many for one) and gunzip (one for one).
// Rows in a run are replaced together. Where their number changes, the rows' token is joined: a row is settled when all
// that came of it is. Keeps the law of component.h. Thread: driver.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/runtime/outbox.h"

namespace flume::node {

class RowExpand : public Decorator {
 public:
  using Decorator::Decorator;
  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;
  // What was made of rows must not be made of them twice, so it is let go: the rows are then not delivered, and the
  // source or the driver offers them again as they were read.
  std::vector<EventBatch> take_back() override;
  Status close(const Wait& wait) override;

 protected:
  // Looks at the names of columns only.
  virtual bool concerns(const EventBatch& batch) const = 0;
  // Appends the events, at least one, that stand for this row. False: the row is none of ours and passes. An error: it
  // passes too, because what cannot be understood must not be lost; it is counted and logged.
  virtual Result<bool> expand(const EventBatch& batch, uint32_t row, std::vector<Event>& out) = 0;
  const BatchLimits& limits() const { return limits_; }

 private:
  bool replaces(const EventBatch& batch, uint32_t row);
  // Replaces the run of rows that begins at `from`; the first row's events are in events_. Returns its end.
  uint32_t replace_run(const EventBatch& batch, uint32_t from);
  void make(const EventBatch& rows);
  Status drain(const Wait& wait);

  BatchLimits limits_;
  std::vector<Event> events_;  // of the run at hand
  Outbox outbox_;
  std::optional<RowLedger> ledger_;
  Counter* not_understood_ = nullptr;
};

}  // namespace flume::node

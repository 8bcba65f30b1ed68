// Bases for decorators that look at rows one by one. Both keep the law of component.h: the result does not depend on
// how rows are cut into batches. Thread: driver.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "node/runtime/component.h"

namespace flume::node {

// Every row becomes one row: attributes or bodies change, the number does not. The token stays the same.
class RowMap : public Decorator {
 public:
  using Decorator::Decorator;
  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  // What comes back from below is changed already and must not be changed twice, so it is let go: its rows are then not
  // delivered, and the source or the driver offers them again as they were read.
  std::vector<EventBatch> take_back() override;

 protected:
  // The same rows, changed. Called again for rows that were not taken.
  virtual EventBatch map(const EventBatch& batch) = 0;

 private:
  std::optional<RowLedger> ledger_;
};

// Every row is passed on or left out; what is left out is settled as dropped for `reason`.
class RowFilter : public Decorator {
 public:
  RowFilter(std::unique_ptr<Sink> sub, std::string reason) : Decorator(std::move(sub)), reason_(std::move(reason)) {}
  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;

 protected:
  // Which rows pass, ascending. Must not change state: rows may be asked about again.
  virtual void choose(const EventBatch& batch, std::vector<uint32_t>& pass) const = 0;
  // The first `rows` rows of the batch last asked about are decided for good.
  virtual void advance(uint32_t rows) = 0;

 private:
  const std::string reason_;
  std::vector<uint32_t> pass_;  // kept to save the allocation
  std::optional<RowLedger> ledger_;
};

}  // namespace flume::node

// BestEffort: what makes a sink best effort. Around a sink that may be unreachable or slow, it lets the flow wait for a
// stated time and then drops rows, counted by reason, until the sink takes some again:
//
//   unreachable  the sink has failed, again and again, for `patience`. Until then its failures are passed on, so that
//                the driver shows them, keeps the rows and tries again; after it the sink here is tried again now and
//                then, and rows that come meanwhile are dropped at once.
//   slow         the sink has taken nothing for `patience`. It is offered rows now and then, and takes or leaves them.
//
// Rows stay in order: none is kept back. With a backup (Build::has_backup()) nobody needs this: the sink just fails.
// Thread: driver.
#pragma once

#include <memory>
#include <optional>

#include "dataflow-lang/catalog.h"
#include "node/runtime/component.h"
#include "node/runtime/registry.h"
#include "node/runtime/retry.h"

namespace flume::node {

// wait=, which says the patience.
lang::ArgSpec best_effort_argument();
// `sub`, best effort as these arguments say; itself where there is a backup.
std::unique_ptr<Sink> best_effort(std::unique_ptr<Sink> sub, const lang::Args& args, const Build& build);

class BestEffort final : public Decorator {
 public:
  // patience 0: drops at once.
  BestEffort(std::unique_ptr<Sink> sub, Duration patience) : Decorator(std::move(sub)), patience_(patience) {}

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;
  Status close(const Wait& wait) override;
  bool reads_bodies() const override { return false; }

 private:
  bool reopen(const Wait& wait);
  AppendResult drop(const EventBatch& batch, uint32_t taken, std::string_view reason);
  bool is_out_of_patience();  // after a failure
  Status pass_on_or_let_go(Status failure, const Wait& wait);
  void let_go(const Status& failure);

  const Duration patience_;
  Context* context_ = nullptr;
  std::optional<RowLedger> ledger_;  // of what is dropped here; the sink counts the rest
  std::optional<Backoff> backoff_;
  bool is_open_ = false;  // false while this is open: rows are dropped
  TimePoint next_try_{};
  std::optional<TimePoint> failing_since_;  // none: it has worked since
  TimePoint last_failure_{};
  std::optional<TimePoint> stuck_since_;  // the sink has taken nothing
  TimePoint next_offer_{};                // until then rows are dropped as slow without asking
};

}  // namespace flume::node

// DiskFailoverSink: store on failure. Rows go straight to a sink; when that fails, what it had not confirmed and all
// that follows goes through a log on this machine (write_ahead_sink.h) until that is empty again, so that the order
// stays (R25); or, where order is not asked for, only until the sink works again, and what is in the log is sent beside
// the new rows. Rows that were on their way when a link died may arrive twice; none is lost once it was taken. What is
// sent for the first time comes in order even then, because all of what was not confirmed is sent again before it. A
// sink that failed is left alone for a growing pause (branch.h).
// Thread: driver; the log's sending thread is its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "dataflow-lang/catalog.h"
#include "node/runtime/branch.h"
#include "node/runtime/component.h"
#include "node/spooling/write_ahead_sink.h"

namespace flume::node {

class DiskFailoverSink final : public Sink {
 public:
  static constexpr char kFolder[] = "dfo";
  enum class Order : uint8_t { kKept, kNotKept };

  // `straight` is for rows that go straight; `from_log` makes the sink for those of the log. `text` as
  // WriteAheadSink's.
  DiskFailoverSink(std::unique_ptr<Sink> straight, std::function<std::unique_ptr<Sink>()> from_log, std::string text,
                   Order order);

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;
  std::vector<EventBatch> take_back() override;
  Status close(const Wait& wait) override;

 private:
  void go_straight_if_possible(const Wait& wait);
  bool is_log_empty(const Wait& wait);
  void spool_from_now_on(const Status& why);
  Status spool_waiting(const Wait& wait);

  Branch straight_;
  WriteAheadSink log_;
  const Order order_;
  Context* context_ = nullptr;  // given to open(); outlives the component
  Gauge* spooling_gauge_ = nullptr;
  Counter* doubled_ = nullptr;
  bool spooling_ = false;  // new rows go through the log
  TimePoint next_look_{};  // whether they can go straight
  uint64_t spooled_since_look_ = 0;
  std::deque<EventBatch> waiting_;  // came back from straight_ and are not in the log yet, in order
};

// ordered=, which all sinks that store on failure have.
lang::ArgSpec ordered_argument();
DiskFailoverSink::Order order_of(const lang::Args& args);

}  // namespace flume::node

// DiskFailoverSink: store on failure. Rows go straight to a sink; when that fails, what it had not confirmed and all
// that follows goes through a log on this machine (write_ahead_sink.h) until that is empty again, so that the order
// stays (R25). Rows that were on their way when a link died may arrive twice; none is lost once it was taken. Thread:
// driver; the log's sending thread is its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "node/runtime/component.h"
#include "node/spooling/write_ahead_sink.h"

namespace flume::node {

class DiskFailoverSink final : public Sink {
 public:
  static constexpr char kFolder[] = "dfo";

  // `make` makes the sink, once for rows that go straight and once for those of the log. `text` as WriteAheadSink's.
  DiskFailoverSink(const std::function<std::unique_ptr<Sink>()>& make, std::string text);

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;
  std::vector<EventBatch> take_back() override;
  Status close(const Wait& wait) override;

 private:
  void go_straight_if_possible(const Wait& wait);
  void spool_from_now_on(const Status& why);
  Status spool_waiting(const Wait& wait);

  const std::unique_ptr<Sink> straight_;
  WriteAheadSink log_;
  Context* context_ = nullptr;  // given to open(); outlives the component
  Gauge* spooling_gauge_ = nullptr;
  Counter* doubled_ = nullptr;
  bool spooling_ = false;
  TimePoint next_try_{};
  std::deque<EventBatch> waiting_;  // came back from straight_ and are not in the log yet, in order
};

}  // namespace flume::node

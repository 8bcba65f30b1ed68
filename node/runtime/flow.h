// Flow: a source, a sink and the rows between them; what a driver thread runs. It holds no thread and no policy: each
// call does one piece of work and says how it went, the driver decides about back-off and configuration.
//
// Life of a batch: next() of the source -> pending_ -> append() of the sink. Rows that a failed or replaced sink gives
// back return to the front of pending_. When rows were not delivered the source goes back to them; for a source that
// cannot, the flow keeps copies until they are settled, at most Limits::kept_bytes, and reads no further beyond that.
// Thread: the driver's (status pages read the ledger, which is thread-safe).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "node/runtime/component.h"
#include "node/runtime/ledger.h"

namespace flume::node {

struct FlowParts {
  std::unique_ptr<Source> source;
  std::unique_ptr<Sink> sink;
  bool replayable = false;  // the source's rewind() works, or its sender sends again: no copies are kept
};

class Flow {
 public:
  enum class Step : uint8_t {
    kMoved,         // rows went on
    kIdle,          // nothing to do before the deadline, or stopped
    kBlocked,       // the sink took nothing before the deadline
    kEnded,         // the source is at its end, everything is settled and the sink closed
    kSinkFailed,    // fail_sink() has to follow
    kSourceFailed,  // fail_source() has to follow
  };
  struct Report {
    Step step = Step::kIdle;
    Status status;
  };

  struct Limits {
    size_t kept_bytes = 8 << 20;
    Duration close_timeout = std::chrono::seconds(30);
  };

  Flow(Context& context, LedgerBook& book, Limits limits, FlowParts parts);

  // The sink opens first. A failure leaves that side closed.
  Status open_sink(const Wait& wait);
  Status open_source(const Wait& wait);
  bool sink_is_open() const { return sink_open_; }
  bool source_is_open() const { return source_open_; }
  bool source_has_ended() const { return source_ended_; }
  bool has_pending() const { return !pending_.empty(); }

  // One round: ticks, then hands on one batch, pending before new. Waits for the source until `wait` or what is due.
  Report step(const Wait& wait);
  // Only ticks, while the source is not open. Waiting is the caller's.
  Status tick();
  TimePoint due() const;

  // Closes one side after it failed; what it had taken and not settled comes back to the front.
  void fail_sink(const Wait& wait);
  void fail_source(const Wait& wait);

  // Flushes and closes the sink, keeping what comes back, and returns it, closed. The source stays as it is.
  std::unique_ptr<Sink> detach_sink(const Wait& wait);
  void attach_sink(std::unique_ptr<Sink> sink) { sink_ = std::move(sink); }
  // Returns the source as it is, open or not; with its positions saved. What it read and was not handed on goes.
  FlowParts detach_source();
  void attach_source(std::unique_ptr<Source> source, bool replayable, bool open);

  // Before close(): nothing more is read.
  void end_intake();
  // Rows that nobody can bring again are not delivered yet.
  bool holds_rows() const;
  // One attempt to deliver those, opening the sink and closing it again. A failure leaves them here, the sink closed.
  Status deliver_rest(const Wait& wait);

  // Source first, then flush, then sink; all of it even when parts fail. The first failure is returned.
  Status close(const Wait& wait);

  // Makes the source's positions durable and brings the ledger up to date.
  Status checkpoint();

 private:
  struct Kept {
    EventBatch batch;  // with the source's token
    uint64_t start = 0;
  };

  EventBatch hand_out(EventBatch batch);
  void settle_kept();
  bool is_full() const { return kept_bytes_ >= limits_.kept_bytes || source_->is_full(); }
  Report next(const Wait& wait);
  Report append(const Wait& wait);
  Report finish(const Wait& wait);
  Report make_room(const Wait& wait);
  // After rows came back undelivered: the source goes back, or the copies are offered again.
  Status redeliver(const Wait& wait);
  bool copies_came_back() const;
  bool source_rows_came_back();
  Status rewind_source(const Wait& wait);
  Status hand_on_rest(const Wait& wait);
  Status append_pending(const Wait& wait);
  void offer_kept_again();
  void put_back(const std::vector<EventBatch>& batches);
  void watch_trackers();

  Context& context_;
  LedgerBook& book_;
  const Limits limits_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
  bool replayable_;
  bool sink_open_ = false;
  bool source_open_ = false;
  bool source_ended_ = false;
  std::deque<EventBatch> pending_;
  // Copies for a source that cannot go back; positions of own_ are row numbers.
  std::shared_ptr<AckTracker> own_;
  std::deque<Kept> kept_;
  size_t kept_bytes_ = 0;
  uint64_t next_row_ = 0;
  uint64_t came_back_ = 0;  // not delivered rows seen so far, of all trackers
  bool look_back_ = false;  // the source has to go back before it is read again
};

}  // namespace flume::node

// Driver: the thread of one logical node. It runs a Flow, closes and reopens what failed with back-off, and changes the
// configuration between two batches. Nobody else touches source or sink.
//
// States (node_set.h): a temporary error shows BACKOFF with the next try, a permanent one ERROR and is tried again
// every 60 s; what this machine is short of (space, descriptors, a disk that works) is looked for every 2 s at least; a
// sink that takes nothing shows BLOCKED; a source at its end IDLE. A new configuration with the same source text swaps
// the sink under the running source: stop feeding, flush, take back, close, open the new one, append there what came
// back. If what is new does not open, the old is opened again and the error shown; a temporary error is tried again
// with back-off, a permanent one when it is given again.
//
// want(), refresh() and stop() may be called from any thread and only leave word; status() reads a snapshot.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/sync.h"
#include "common/base/thread.h"
#include "node/runtime/flow.h"
#include "node/runtime/node_set.h"
#include "node/runtime/program.h"
#include "node/runtime/retry.h"

namespace flume::node {

struct DriverOptions {
  BackoffOptions backoff;
  Duration permanent_retry = std::chrono::seconds(60);
  Flow::Limits limits;
  // Between checkpoints; the first ones come sooner. Twenty times that when nothing moves.
  Duration heartbeat = std::chrono::seconds(1);
  bool one_shot = false;  // the first error ends it
  // Called by the driver's thread while the sink is open: after each change of the configuration, and at each
  // checkpoint.
  std::function<void()> tend;
};

// What the driver says about itself; NodeSet adds the rest of a LogicalStatus.
struct DriverStatus {
  NodeState state = NodeState::kHello;
  int64_t since_millis = 0;
  ProgramPtr running;  // null: nothing yet
  std::string error;
  int64_t error_millis = 0;
  int64_t next_try_millis = 0;
  bool done = false;  // nothing more will happen without a new configuration
  bool source_ended = false;
};

class Driver {
 public:
  // `context` and `book` outlive the driver. on_change: any state, error or program changed; must only notify.
  Driver(Context& context, LedgerBook& book, DriverOptions options, std::function<void()> on_change);
  ~Driver();  // stopped and joined
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void want(ProgramPtr program);
  void refresh();
  void wake();  // looks at the clock and for rows that came back; tests move the clock
  void request_stop();
  void join();  // after request_stop(); within the close timeout if the components obey their waits
  DriverStatus status() const;

 private:
  void run();
  void round();
  // Waits until something is asked for or the time is reached.
  void rest(TimePoint until);
  void open();
  void step();
  void take(const Flow::Report& report);
  void failed(Flow::Step side, const Status& status);
  void finished();
  void reconfigure(const ProgramPtr& wanted, bool refresh);
  void replace(const Program& program);
  Status swap_sink(const Program& program);
  Status swap_both(const Program& program);
  Status open_other_source(const Program& program, FlowParts& old);
  void back_to(std::unique_ptr<Sink> old_sink);
  void accepted(const ProgramPtr& program);
  void refused(const ProgramPtr& program, const Status& status);
  void deliver_rest();
  void close_flow();
  void tend();
  void checkpoint_if_due();
  void checkpoint();

  void set_state(NodeState state, TimePoint next_try = TimePoint::max());
  void set_errors(std::string running, std::string refused);
  void publish_errors();
  void publish(const std::function<void(DriverStatus&)>& change);
  Wait interruptible(Duration within);
  Wait closing() const { return Wait::for_duration(options_.limits.close_timeout, stop_.token()); }

  Context& context_;
  LedgerBook& book_;
  const DriverOptions options_;
  const std::function<void()> on_change_;

  // Driver thread only.
  std::unique_ptr<Flow> flow_;
  ProgramPtr running_;
  ProgramPtr refused_;                          // the wanted program that did not open; tried again at refused_retry_
  TimePoint refused_retry_ = TimePoint::max();  // max: not by itself
  Backoff backoff_;
  Backoff refused_backoff_;
  TimePoint next_try_{};
  std::optional<TimePoint> active_since_;  // none: something failed since
  TimePoint next_checkpoint_{};
  Duration beat_;       // until the next one
  bool moved_ = false;  // since the last checkpoint
  bool done_ = false;   // source at its end, or a one-shot node failed
  NodeState state_ = NodeState::kHello;
  std::string error_;          // of what runs
  std::string refused_error_;  // of what was refused
  std::string unsaved_error_;  // of the last checkpoint

  StopSource stop_;  // once
  mutable Mutex mutex_;
  CondVar changed_;
  StopSource interrupt_ FLUME_GUARDED_BY(mutex_);  // ends the call that the driver is in; renewed after each use
  ProgramPtr wanted_ FLUME_GUARDED_BY(mutex_);
  bool refresh_ FLUME_GUARDED_BY(mutex_) = false;
  bool woken_ FLUME_GUARDED_BY(mutex_) = false;
  DriverStatus status_ FLUME_GUARDED_BY(mutex_);
  Thread thread_;  // last: starts when everything else is there
};

}  // namespace flume::node

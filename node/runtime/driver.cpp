#include "node/runtime/driver.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"

namespace flume::node {

namespace {

constexpr Duration kFailedClose = std::chrono::seconds(2);   // a side that failed gets no more time to close
constexpr Duration kOpenTimeout = std::chrono::seconds(30);  // components have shorter ones of their own
constexpr Duration kBlockedPause = std::chrono::milliseconds(5);
constexpr Duration kOwnMachine = std::chrono::seconds(2);        // longest pause for what this machine is short of
constexpr Duration kLastTries = std::chrono::milliseconds(100);  // between them, while it stops
constexpr int kFirstBeats = 16;  // so much shorter is the first one: a process that is killed soon keeps its place too
constexpr int kIdleBeats = 20;   // heartbeats to sleep when nothing moves and nothing is under way

}  // namespace

Driver::Driver(Context& context, LedgerBook& book, DriverOptions options, std::function<void()> on_change)
    : context_(context),
      book_(book),
      options_(std::move(options)),
      on_change_(std::move(on_change)),
      backoff_(options_.backoff),
      refused_backoff_(options_.backoff),
      beat_(options_.heartbeat / kFirstBeats) {
  status_.since_millis = context_.clock.wall_millis();
  thread_ = Thread(str_cat("driver-", context_.logical_node), [this] { run(); });
}

Driver::~Driver() = default;

void Driver::want(ProgramPtr program) {
  {
    const MutexLock lock(mutex_);
    wanted_ = std::move(program);
    interrupt_.request_stop();
  }
  changed_.notify_all();
}

void Driver::refresh() {
  {
    const MutexLock lock(mutex_);
    refresh_ = true;
    interrupt_.request_stop();
  }
  changed_.notify_all();
}

void Driver::wake() {
  {
    const MutexLock lock(mutex_);
    woken_ = true;
    interrupt_.request_stop();
  }
  changed_.notify_all();
}

void Driver::request_stop() {
  stop_.request_stop();
  wake();
}

void Driver::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

DriverStatus Driver::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

void Driver::run() {
  while (!stop_.stop_requested()) {
    ProgramPtr wanted;
    bool refresh = false;
    bool woken = false;
    {
      const MutexLock lock(mutex_);
      wanted = wanted_;
      refresh = std::exchange(refresh_, false);
      woken = std::exchange(woken_, false);
      if (interrupt_.stop_requested() && !stop_.stop_requested()) {  // else the stop would be forgotten with it
        interrupt_ = StopSource();
      }
    }
    const bool waits = wanted == refused_ && context_.clock.now() < refused_retry_;
    if (wanted != nullptr && (refresh || (wanted != running_ && !waits))) {
      reconfigure(wanted, refresh);
    }
    if (woken && flow_ != nullptr && !done_) {
      checkpoint();
    }
    round();
  }
  if (flow_ != nullptr) {
    set_state(NodeState::kClosing);
    deliver_rest();
    close_flow();
  }
  set_state(NodeState::kIdle);
}

// Its sink may fail just now. Rows that a sender counts as delivered, or that came from where nothing is read twice,
// would go with this process; so it is tried as long as closing may take.
void Driver::deliver_rest() {
  const Wait wait = Wait::for_duration(options_.limits.close_timeout);
  flow_->end_intake();
  while (!done_ && flow_->holds_rows() && !wait.over()) {
    const Status status = flow_->deliver_rest(wait);
    if (!flow_->holds_rows()) {
      return;
    }
    FLUME_LOG_EVERY(60'000, kWarn, "stopping waits for a sink that fails", kv("node", context_.logical_node),
                    kv("error", status));
    const MutexLock lock(mutex_);
    changed_.wait(mutex_, wait.at_most(std::chrono::steady_clock::now() + kLastTries));
  }
}

void Driver::round() {
  if (flow_ == nullptr || done_) {
    rest(refused_ != nullptr ? refused_retry_ : TimePoint::max());
    return;
  }
  if (flow_->sink_is_open() && flow_->source_is_open()) {
    step();
    return;
  }
  if (context_.clock.now() >= next_try_) {
    open();
    return;
  }
  rest(std::min({next_try_, flow_->due(), refused_retry_}));
  if (const Status status = flow_->tick(); !status.ok()) {
    failed(Flow::Step::kSinkFailed, status);
  }
}

void Driver::rest(TimePoint until) {
  Wait wait;
  const TimePoint now = context_.clock.now();
  const MutexLock lock(mutex_);
  wait.stop = interrupt_.token();
  if (until != TimePoint::max()) {
    wait.until = std::chrono::steady_clock::now() + (until <= now ? Duration::zero() : until - now);
  }
  changed_.wait(mutex_, wait);
}

void Driver::open() {
  set_state(NodeState::kOpening);
  const Wait wait = interruptible(kOpenTimeout);
  if (!flow_->sink_is_open()) {
    if (const Status status = flow_->open_sink(wait); !status.ok()) {
      failed(Flow::Step::kSinkFailed, status);
      return;
    }
  }
  if (!flow_->source_is_open()) {
    if (const Status status = flow_->open_source(wait); !status.ok()) {
      failed(Flow::Step::kSourceFailed, status);
      return;
    }
  }
  active_since_ = context_.clock.now();
  if (!flow_->has_pending()) {
    set_errors({}, refused_error_);  // else not before rows really move: a full disk opens well
  }
  set_state(NodeState::kActive);
  tend();
}

void Driver::tend() {
  if (options_.tend && flow_ != nullptr && flow_->sink_is_open()) {
    options_.tend();
  }
}

void Driver::step() {
  const bool quiet = !moved_ && !book_.has_in_flight();
  const Flow::Report report = flow_->step(interruptible(quiet ? options_.heartbeat * kIdleBeats : beat_));
  take(report);
  checkpoint_if_due();
}

void Driver::take(const Flow::Report& report) {
  switch (report.step) {
    case Flow::Step::kMoved:
      moved_ = true;
      backoff_.reset();
      if (state_ != NodeState::kActive) {
        set_state(NodeState::kActive);
      }
      if (!error_.empty()) {
        set_errors({}, refused_error_);
      }
      return;
    case Flow::Step::kIdle:
      if (state_ == NodeState::kBlocked && !flow_->has_pending()) {
        set_state(NodeState::kActive);
      }
      return;
    case Flow::Step::kBlocked:
      moved_ = true;  // rows are under way: checkpoints go on
      set_state(NodeState::kBlocked);
      rest(context_.clock.now() + kBlockedPause);
      return;
    case Flow::Step::kEnded: finished(); return;
    case Flow::Step::kSinkFailed:
    case Flow::Step::kSourceFailed: failed(report.step, report.status); return;
  }
}

void Driver::failed(Flow::Step side, const Status& status) {
  const Wait wait = Wait::for_duration(kFailedClose, stop_.token());
  if (side == Flow::Step::kSinkFailed) {
    flow_->fail_sink(wait);
  } else {
    flow_->fail_source(wait);
  }
  const TimePoint now = context_.clock.now();
  if (status.kind() == Kind::kClosed) {
    next_try_ = now;  // interrupted; the loop looks why
    return;
  }
  if (status.message() != error_ && !options_.one_shot) {  // else the command says it at its end
    FLUME_LOG(kError, "logical node failed", kv("node", context_.logical_node), kv("error", status));
  }
  set_errors(std::string(status.message()), refused_error_);
  if (options_.one_shot) {
    done_ = true;
    close_flow();
    set_state(NodeState::kError);
    return;
  }
  if (active_since_ && now - *active_since_ > options_.backoff.cap) {
    backoff_.reset();
  }
  active_since_.reset();
  // After EIO the file is dead, not the disk for ever: the next try makes a new one, and may well succeed.
  const bool temporary = status.is_temporary() || status.code() == Code::kIo;
  Duration pause = temporary ? backoff_.next() : options_.permanent_retry;
  if (status.code() == Code::kIo || status.code() == Code::kNoSpace) {
    pause = std::min(pause, kOwnMachine);
  }
  next_try_ = now + pause;
  set_state(temporary ? NodeState::kBackoff : NodeState::kError, next_try_);
}

void Driver::finished() {
  set_state(NodeState::kClosing);
  done_ = true;
  close_flow();
  publish([](DriverStatus& status) { status.source_ended = true; });
  set_state(error_.empty() ? NodeState::kIdle : NodeState::kError);
}

void Driver::close_flow() {
  const Status status = flow_->close(Wait::for_duration(options_.limits.close_timeout));
  book_.publish();
  if (!status.ok() && status.kind() != Kind::kClosed) {
    FLUME_LOG(kError, "closing a logical node failed", kv("node", context_.logical_node), kv("error", status));
    if (error_.empty()) {
      set_errors(std::string(status.message()), refused_error_);
    }
  }
}

void Driver::checkpoint_if_due() {
  if (done_ || context_.clock.now() < next_checkpoint_ || (!moved_ && !book_.has_in_flight())) {
    return;
  }
  checkpoint();
}

void Driver::checkpoint() {
  moved_ = false;
  next_checkpoint_ = context_.clock.now() + beat_;
  beat_ = std::min(options_.heartbeat, 2 * beat_);
  const Status status = flow_->checkpoint();
  if (!status.ok()) {
    moved_ = true;  // again at the next heartbeat
    FLUME_LOG_EVERY(60'000, kError, "read positions could not be saved", kv("node", context_.logical_node),
                    kv("error", status));
  }
  const Status shown = status.with_context("read positions are not saved");
  if (shown.message() != unsaved_error_) {
    unsaved_error_ = std::string(shown.message());
    publish_errors();
  }
  tend();
}

void Driver::set_state(NodeState state, TimePoint next_try) {
  if (state == state_ && next_try == TimePoint::max()) {
    return;
  }
  state_ = state;
  const int64_t wall = context_.clock.wall_millis();
  int64_t next_try_millis = 0;
  if (next_try != TimePoint::max()) {
    next_try_millis =
        wall + std::chrono::duration_cast<std::chrono::milliseconds>(next_try - context_.clock.now()).count();
  }
  publish([&](DriverStatus& status) {
    if (status.state != state) {
      status.since_millis = wall;
    }
    status.state = state;
    status.next_try_millis = next_try_millis;
    status.done = done_;
  });
}

void Driver::set_errors(std::string running, std::string refused) {
  if (running == error_ && refused == refused_error_) {
    return;
  }
  error_ = std::move(running);
  refused_error_ = std::move(refused);
  publish_errors();
}

void Driver::publish_errors() {
  publish([&](DriverStatus& status) {
    status.error = !refused_error_.empty() ? refused_error_ : !error_.empty() ? error_ : unsaved_error_;
    status.error_millis = status.error.empty() ? 0 : context_.clock.wall_millis();
  });
}

void Driver::publish(const std::function<void(DriverStatus&)>& change) {
  {
    const MutexLock lock(mutex_);
    change(status_);
    status_.running = running_;
  }
  on_change_();
}

Wait Driver::interruptible(Duration within) {
  const MutexLock lock(mutex_);
  return Wait::for_duration(within, interrupt_.token());
}

}  // namespace flume::node

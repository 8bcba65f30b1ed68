// The part of Driver that changes the configuration of a running node (see driver.h).
#include <utility>

#include "common/base/log.h"
#include "node/runtime/driver.h"

namespace flume::node {

namespace {

constexpr Duration kOpenTimeout = std::chrono::seconds(30);

}  // namespace

void Driver::reconfigure(const ProgramPtr& wanted, bool refresh) {
  const bool same_source = running_ != nullptr && running_->source_text == wanted->source_text;
  const bool same_sink = running_ != nullptr && running_->sink_text == wanted->sink_text;
  if (!refresh && same_source && same_sink) {
    accepted(wanted);
    return;
  }
  const bool runs = flow_ != nullptr && !done_ && flow_->sink_is_open() && flow_->source_is_open();
  if (refresh || !runs) {
    replace(*wanted);
    accepted(wanted);
    return;
  }
  FLUME_LOG(kInfo, "changing a logical node", kv("node", context_.logical_node), kv("revision", wanted->revision));
  const bool keep_source = same_source && !flow_->source_has_ended();
  const Status status = keep_source ? swap_sink(*wanted) : swap_both(*wanted);
  if (status.ok()) {
    accepted(wanted);
  } else {
    refused(wanted, status);
  }
}

void Driver::accepted(const ProgramPtr& program) {
  running_ = program;
  refused_.reset();
  refused_retry_ = TimePoint::max();
  refused_backoff_.reset();
  set_errors(error_, {});
  publish([](DriverStatus&) {});
  tend();
}

// What is given stays wanted: a temporary reason is tried again by and by, a permanent one when it is given again.
void Driver::refused(const ProgramPtr& program, const Status& status) {
  refused_ = program;
  refused_retry_ = status.is_temporary() ? context_.clock.now() + refused_backoff_.next() : TimePoint::max();
  FLUME_LOG(kError, "new configuration refused, the old one goes on", kv("node", context_.logical_node),
            kv("revision", program->revision), kv("error", status));
  set_errors(error_, std::string(status.message()));
}

// Nothing runs, or all of it is to be made anew. Rows that came from a source that cannot go back stay.
void Driver::replace(const Program& program) {
  FlowParts parts{program.source(), program.sink(), program.replayable};
  if (flow_ == nullptr) {
    flow_ = std::make_unique<Flow>(context_, book_, options_.limits, std::move(parts));
  } else {
    set_state(NodeState::kClosing);
    const std::unique_ptr<Sink> old_sink = flow_->detach_sink(closing());
    const bool was_open = flow_->source_is_open();
    const FlowParts old = flow_->detach_source();
    if (was_open) {
      (void)old.source->close(closing());
    }
    flow_->attach_sink(std::move(parts.sink));
    flow_->attach_source(std::move(parts.source), parts.replayable, false);
  }
  done_ = false;
  next_try_ = context_.clock.now();
  backoff_.reset();
  error_.clear();
  publish([](DriverStatus& status) {
    status.source_ended = false;
    status.done = false;
    status.error.clear();
    status.error_millis = 0;
  });
}

Status Driver::swap_sink(const Program& program) {
  std::unique_ptr<Sink> old = flow_->detach_sink(closing());
  flow_->attach_sink(program.sink());
  Status status = flow_->open_sink(Wait::for_duration(kOpenTimeout, stop_.token()));
  if (!status.ok()) {
    back_to(std::move(old));
  }
  return status;
}

// The old source stays open, but is not read, until the new one has opened; only where both want the same port it is
// closed first.
Status Driver::swap_both(const Program& program) {
  std::unique_ptr<Sink> old_sink = flow_->detach_sink(closing());
  flow_->attach_sink(program.sink());
  Status status = flow_->open_sink(Wait::for_duration(kOpenTimeout, stop_.token()));
  if (!status.ok()) {
    back_to(std::move(old_sink));
    return status;
  }
  FlowParts old = flow_->detach_source();
  status = open_other_source(program, old);
  if (status.ok()) {
    return {};
  }
  (void)flow_->detach_sink(closing());
  back_to(std::move(old_sink));
  return status;
}

Status Driver::open_other_source(const Program& program, FlowParts& old) {
  const Wait wait = Wait::for_duration(kOpenTimeout, stop_.token());
  bool old_is_open = true;
  flow_->attach_source(program.source(), program.replayable, false);
  Status status = flow_->open_source(wait);
  if (status.code() == Code::kBusy) {
    (void)old.source->close(closing());
    old_is_open = false;
    status = flow_->open_source(wait);
  }
  if (status.ok()) {
    if (old_is_open) {
      if (const Status closed = old.source->close(closing()); !closed.ok()) {
        FLUME_LOG(kWarn, "closing the old source failed", kv("node", context_.logical_node), kv("error", closed));
      }
    }
    return {};
  }
  flow_->attach_source(std::move(old.source), old.replayable, old_is_open);
  if (!old_is_open) {
    next_try_ = context_.clock.now();  // the loop opens it again
  }
  return status;
}

// The old sink again, in place of one that did not open or is not wanted.
void Driver::back_to(std::unique_ptr<Sink> old) {
  flow_->attach_sink(std::move(old));
  const Status status = flow_->open_sink(Wait::for_duration(kOpenTimeout, stop_.token()));
  if (!status.ok()) {
    failed(Flow::Step::kSinkFailed, status);
  }
}

}  // namespace flume::node

// A sink that does what a test tells it to, and shows what it was given. The script is shared with the test, so that it
// can be changed while the sink is inside something else, and outlives sinks that are built anew.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/component.h"

namespace flume::test {

struct SinkScript {
  // What the next calls answer, first come first served; with none left they work.
  std::deque<Status> opens;
  std::deque<Status> closes;
  std::deque<Status> flushes;
  std::deque<Status> ticks;
  // How many rows the next appends take, and with which status; beyond it everything is taken.
  std::deque<node::AppendResult> appends;
  bool settles = true;  // false: keeps the rows until flush(), which settles them, or take_back()
  TimePoint due = TimePoint::max();

  // What happened.
  std::vector<std::string> rows;  // bodies, as taken
  std::vector<EventBatch> taken;
  std::vector<EventBatch> unsettled;
  int open_calls = 0;
  Duration open_wait{};  // time that the last open was given
  int close_calls = 0;
  bool is_open = false;
};

class ScriptedSink final : public node::Sink {
 public:
  explicit ScriptedSink(std::shared_ptr<SinkScript> script) : script_(std::move(script)) {}

  Status open(node::Context&, const Wait& wait) override {
    ++script_->open_calls;
    script_->open_wait = wait.until - std::chrono::steady_clock::now();
    Status status = take(script_->opens);
    script_->is_open = status.ok();
    return status;
  }
  node::AppendResult append(const EventBatch& batch, const Wait&) override {
    node::AppendResult result{{}, batch.rows()};
    if (!script_->is_open) {
      return {Status(Code::kInternal, "append to a closed sink"), 0};
    }
    if (!script_->appends.empty()) {
      result = std::move(script_->appends.front());
      script_->appends.pop_front();
    }
    if (result.taken > 0) {
      const EventBatch part = batch.slice(0, result.taken);
      for (uint32_t row = 0; row < part.rows(); ++row) {
        script_->rows.emplace_back(part.body(row));
      }
      if (script_->settles) {
        part.settle(Outcome::kDelivered);
        script_->taken.push_back(part.with_token({}));
      } else {
        script_->taken.push_back(part.with_token({}));
        script_->unsettled.push_back(part);
      }
    }
    return result;
  }
  TimePoint due() const override { return script_->due; }
  Status tick(TimePoint) override { return take(script_->ticks); }
  Status flush(const Wait&) override {
    Status status = take(script_->flushes);
    if (status.ok()) {
      settle();
    }
    return status;
  }
  std::vector<EventBatch> take_back() override { return std::exchange(script_->unsettled, {}); }
  Status close(const Wait&) override {
    if (!std::exchange(script_->is_open, false)) {
      return {};
    }
    ++script_->close_calls;
    Status status = take(script_->closes);
    if (status.ok()) {
      settle();
    }
    return status;
  }

 private:
  static Status take(std::deque<Status>& answers) {
    if (answers.empty()) {
      return {};
    }
    Status status = std::move(answers.front());
    answers.pop_front();
    return status;
  }
  void settle() {
    for (const EventBatch& batch : std::exchange(script_->unsettled, {})) {
      batch.settle(Outcome::kDelivered);
    }
  }

  const std::shared_ptr<SinkScript> script_;
};

// Rows with these bodies, owed to the tracker.
inline EventBatch rows_of(const std::vector<std::string>& bodies, AckTracker& tracker, uint64_t& position) {
  BatchBuilder builder({});
  uint64_t bytes = 0;
  for (const std::string& body : bodies) {
    Event event;
    event.body = body;
    FLUME_CHECK(builder.add(event), "a test's rows fit one batch");
    bytes += body.size();
  }
  position += bodies.size();
  return builder.seal(tracker.issue(position, static_cast<uint32_t>(bodies.size()), bytes));
}

}  // namespace flume::test

// Sources and sinks that do what a test tells them while a driver's thread runs them. One mutex guards every script;
// the test looks and tells under it, and waits for what it expects: nothing depends on how long anything takes.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/sync.h"
#include "node/runtime/component.h"
#include "tests/support/node_world.h"
#include "tests/support/scripted_sink.h"

namespace flume::test {

using Strings = std::vector<std::string>;

struct SourceScript {
  std::deque<Status> opens;    // what the next opens answer; with none left they work
  std::deque<Status> reads;    // failures of the next reads
  std::deque<Status> saves;    // what the next checkpoints answer
  std::vector<Strings> given;  // batches, all that were ever given
  bool ends = false;           // at the end of them; else the source waits for more

  size_t cursor = 0;  // next of `given`
  int open_calls = 0;
  int close_calls = 0;
  int rewinds = 0;
  int checkpoints = 0;
  bool is_open = false;
};

// What scripts share: the mutex, the news, and the order in which things were opened and closed.
class Stage {
 public:
  // Waits until `holds` does, under the mutex.
  void until(const std::function<bool()>& holds) {
    const Wait patience = Wait::for_duration(std::chrono::seconds(60));
    const MutexLock lock(mutex);
    while (!holds()) {
      if (!changed.wait(mutex, patience)) {
        ADD_FAILURE() << "waited in vain";
        return;
      }
    }
  }
  void tell(const std::function<void()>& change) {
    {
      const MutexLock lock(mutex);
      change();
    }
    changed.notify_all();
  }
  void news() {
    tell([] {});
  }
  void note(std::string what) { story.push_back(std::move(what)); }

  Mutex mutex;
  CondVar changed;
  Strings story;
};

class StagedSource final : public node::Source {
 public:
  StagedSource(Stage& stage, std::string name, std::shared_ptr<SourceScript> script, bool can_rewind)
      : stage_(stage), name_(std::move(name)), script_(std::move(script)), can_rewind_(can_rewind) {}

  Status open(node::Context&, const Wait&) override {
    Status status;
    stage_.tell([&] {
      ++script_->open_calls;
      if (!script_->opens.empty()) {
        status = std::exchange(script_->opens.front(), Status());
        script_->opens.pop_front();
      }
      stage_.note(name_ + (status.ok() ? " opens" : " does not open"));
      script_->is_open = status.ok();
      tracker_ = AckTracker::create(0);
      position_ = 0;
      starts_.clear();
      first_ = script_->cursor;
    });
    return status;
  }
  Result<Next> next(EventBatch& out, const Wait& wait) override {
    const MutexLock lock(stage_.mutex);
    while (true) {
      if (!script_->reads.empty()) {
        Status status = std::move(script_->reads.front());
        script_->reads.pop_front();
        return status;
      }
      if (script_->cursor < script_->given.size()) {
        starts_.push_back(position_);
        out = rows_of(script_->given[script_->cursor++], *tracker_, position_);
        return Next::kBatch;
      }
      if (script_->ends) {
        return Next::kEnd;
      }
      if (!stage_.changed.wait(stage_.mutex, wait)) {
        return Next::kNothingYet;
      }
    }
  }
  Result<bool> rewind() override {
    if (!can_rewind_) {
      return false;
    }
    stage_.tell([this] {
      ++script_->rewinds;
      position_ = tracker_->settled();
      while (!starts_.empty() && starts_.back() >= position_) {
        starts_.pop_back();
      }
      script_->cursor = first_ + starts_.size();
    });
    tracker_->rewound();
    return true;
  }
  Status checkpoint() override {
    Status status;
    stage_.tell([&] {
      ++script_->checkpoints;
      if (!script_->saves.empty()) {
        status = std::move(script_->saves.front());
        script_->saves.pop_front();
      }
    });
    return status;
  }
  Status close(const Wait&) override {
    stage_.tell([this] {
      if (std::exchange(script_->is_open, false)) {
        ++script_->close_calls;
        stage_.note(name_ + " closes");
      }
    });
    return {};
  }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ == nullptr ? std::vector<std::shared_ptr<AckTracker>>() : std::vector{tracker_};
  }

 private:
  Stage& stage_;
  const std::string name_;
  const std::shared_ptr<SourceScript> script_;
  const bool can_rewind_;
  std::shared_ptr<AckTracker> tracker_;
  uint64_t position_ = 0;
  std::vector<uint64_t> starts_;  // of the batches given since the opening
  size_t first_ = 0;
};

// ScriptedSink under the stage's mutex.
class StagedSink final : public node::Sink {
 public:
  StagedSink(Stage& stage, std::string name, std::shared_ptr<SinkScript> script)
      : stage_(stage), name_(std::move(name)), script_(script), sink_(script) {}

  Status open(node::Context& context, const Wait& wait) override {
    Status status;
    stage_.tell([&] {
      status = sink_.open(context, wait);
      stage_.note(name_ + (status.ok() ? " opens" : " does not open"));
    });
    return status;
  }
  node::AppendResult append(const EventBatch& batch, const Wait& wait) override {
    node::AppendResult result;
    stage_.tell([&] { result = sink_.append(batch, wait); });
    return result;
  }
  TimePoint due() const override {
    const MutexLock lock(stage_.mutex);
    return script_->due;
  }
  Status tick(TimePoint now) override {
    Status status;
    stage_.tell([&] {
      script_->due = TimePoint::max();
      stage_.note(name_ + " ticks");
      status = sink_.tick(now);
    });
    return status;
  }
  Status flush(const Wait& wait) override {
    Status status;
    stage_.tell([&] { status = sink_.flush(wait); });
    return status;
  }
  std::vector<EventBatch> take_back() override {
    std::vector<EventBatch> back;
    stage_.tell([&] { back = sink_.take_back(); });
    return back;
  }
  Status close(const Wait& wait) override {
    Status status;
    stage_.tell([&] {
      if (script_->is_open) {
        stage_.note(name_ + " closes");
      }
      status = sink_.close(wait);
    });
    return status;
  }

 private:
  Stage& stage_;
  const std::string name_;
  const std::shared_ptr<SinkScript> script_;
  ScriptedSink sink_;
};

}  // namespace flume::test

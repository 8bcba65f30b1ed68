// A place for one sink to run in without a node: sinks from a name and arguments, batches whose tokens are watched, and
// the life of a driver around a failure.
#pragma once

#include <poll.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/io/file_storage.h"
#include "tests/support/batches.h"
#include "tests/support/source_rig.h"

namespace flume::test {

inline lang::Value format_value(const std::string& name) {
  return std::make_shared<const lang::FunctionValue>(lang::FunctionValue{.name = name, .args = {}});
}

class StoringRig : public SourceRig {
 public:
  explicit StoringRig(void (*register_sink)(node::Registry&)) : SourceRig(register_sink), register_(register_sink) {
    restart_storage();
  }

  // As a new process has it.
  void restart_storage() {
    registry = node::Registry();
    register_(registry);
    storage = StorageSet();
    storage.add("file", std::make_shared<FileStorage>());
  }

  std::unique_ptr<node::Sink> make_sink(const std::string& name, const GivenArgs& given) {
    const lang::ComponentSpec* spec = registry.catalog().find(lang::ComponentSpec::Kind::kSink, name);
    FLUME_CHECK(spec != nullptr, "a sink of this name");
    auto plan = std::make_shared<lang::Plan>();
    plan->kind = lang::Plan::Kind::kSink;
    plan->name = spec->name;
    plan->path = "sink";
    for (const lang::ArgSpec& arg : spec->args) {
      if (!arg.default_text.empty()) {
        lang::Value value = default_value(arg, settings);
        if (arg.type == lang::ArgType::kFormat) {
          value = format_value(std::get<std::string>(value));
        }
        plan->args.set(arg.name, {std::move(value)}, false);
      }
    }
    for (const auto& [key, values] : given) {
      plan->args.set(key, values, true);
    }
    return node::Build(registry).sink(plan);
  }

  Status open(node::Sink& sink) { return sink.open(*context, wait()); }
  static Wait wait() { return Wait::for_duration(std::chrono::seconds(10)); }

  // A batch of these lines, owed to tracker().
  EventBatch lines(std::string_view text, int64_t timestamp = 1) {
    BuilderOptions options;
    options.host = "h1";
    BatchBuilder builder(options);
    support::feed(builder, text, timestamp);
    return owed(builder.seal({}));
  }
  EventBatch events(const std::vector<Event>& all) { return owed(support::batch_of(all)); }
  EventBatch owed(const EventBatch& batch) {
    issued_ += batch.rows();
    return batch.with_token(tracker_->issue(issued_, batch.rows(), batch.body_bytes()));
  }
  AckTracker& tracker() { return *tracker_; }
  uint64_t settled() const { return tracker_->settled(); }  // rows

  // What a driver does with a sink that failed: takes back, closes, takes back.
  static std::vector<EventBatch> fail(node::Sink& sink) {
    std::vector<EventBatch> rows = sink.take_back();
    (void)sink.close(wait());
    for (EventBatch& batch : sink.take_back()) {
      rows.push_back(std::move(batch));
    }
    return rows;
  }

  // Lets `time` pass and ticks as a driver does, until nothing is due: what runs in the background has ended then.
  Status pass(node::Sink& sink, Duration time) {
    clock.advance(time);
    for (const Wait end = wait(); !end.over();) {
      if (sink.due() > clock.now()) {
        return {};
      }
      FLUME_RETURN_IF_ERROR(sink.tick(clock.now()));
      if (sink.due() > clock.now() && sink.due() <= clock.now() + std::chrono::milliseconds(5)) {
        poll(nullptr, 0, 1);  // the disk's time, not the clock's
        clock.advance(std::chrono::milliseconds(5));
      }
    }
    return {Code::kInternal, "the sink is always due"};
  }

 private:
  void (*const register_)(node::Registry&);
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
  uint64_t issued_ = 0;
};

}  // namespace flume::test

// A logical node's state and output on one folder, as a process has them: read positions, a write-ahead log, its driver
// and chain, the delivery journal, output files that roll. The source is numbered rows, of which those below the
// position that it starts at never come again. Real time, threads of the product; no network.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "common/io/file_storage.h"
#include "common/io/file_system.h"
#include "common/journal/journal.h"
#include "dataflow-lang/checker.h"
#include "node/runtime/formats.h"
#include "node/runtime/program.h"
#include "node/runtime/registry.h"
#include "node/torture/oracle.h"
#include "tests/support/node_world.h"
#include "tests/support/temp_dir.h"
#include "tests/torture/disk_record.h"

namespace flume::node {
void register_decorator_acked_write_ahead(Registry& registry);
void register_decorator_ack_framing(Registry& registry);
void register_decorator_batch(Registry& registry);
void register_decorator_disk_failover(Registry& registry);
void register_decorator_gzip(Registry& registry);
void register_compose_failover(Registry& registry);
void register_compose_roll(Registry& registry);
void register_sink_collector_sink(Registry& registry);
void register_sink_dfs(Registry& registry);
void register_sink_fail(Registry& registry);
void register_source_null(Registry& registry);
}  // namespace flume::node

namespace flume::test {

// A tenth of all there are: it is done at each start.
inline void register_used(node::Registry& registry) {
  node::register_decorator_acked_write_ahead(registry);
  node::register_decorator_ack_framing(registry);
  node::register_decorator_batch(registry);
  node::register_decorator_disk_failover(registry);
  node::register_decorator_gzip(registry);
  node::register_compose_failover(registry);
  node::register_compose_roll(registry);
  node::register_sink_collector_sink(registry);
  node::register_sink_dfs(registry);
  node::register_sink_fail(registry);
  node::register_source_null(registry);
  node::register_formats(registry);
}

// What all of a test's processes share: building it takes longer than a recovery.
struct SharedParts {
  SharedParts() {
    const auto set = [this](const char* key, const char* value) {
      FLUME_CHECK(settings.set(key, value, "test").ok(), key);
    };
    set("flume.wal.segment.bytes", "4096");
    set("flume.wal.group.millis", "0");
    set("flume.storage.sync.millis", "5");
    set("flume.storage.ack.millis", "1");
  }
  SystemClock clock;
  Settings settings = Settings::defaults();
  node::Capabilities capabilities;
  node::Identity identity{"p1", "host1", {1}, 7};
  node::FileWatch watch{/*use_inotify=*/false};
  node::NetServer net{settings};
};

class LogAndOutput {
 public:
  static constexpr const char* kPlace = "source 1";  // its read position

  enum class Log { kWriteAhead, kDiskFailover };  // the latter behind a sink that never works

  LogAndOutput(SharedParts& parts, const std::string& root, Log log = Log::kWriteAhead)
      : parts_(parts), root_(root), log_(log) {}

  // Each step must succeed whatever is in the folder.
  Status open() {
    FLUME_ASSIGN_OR_RETURN(positions_, node::Positions::open(root_ + "/state/positions"));
    journal_ = std::make_unique<journal::Journal>(journal::JournalOptions{.folder = root_ + "/state"}, local_files(),
                                                  parts_.clock);
    register_used(registry_);
    storage_.add("file", std::make_shared<FileStorage>());
    context_ = std::make_unique<node::Context>(node::Context{
        "n1", "sink", parts_.clock, Metrics(metrics_, {}), parts_.settings, parts_.capabilities, parts_.identity,
        parts_.watch, *positions_, storage_, parts_.net, BatchLimits(), logs_, root_ + "/state", journal_.get()});
    const std::string output = str_cat("collectorSink(\"file://", root_, "/out\", \"part-\", 25, raw)");
    const std::string text = log_ == Log::kWriteAhead ? str_cat("{ ackedWriteAhead => ", output, " }")
                                                      : str_cat("< fail ? { diskFailover => ", output, " } >");
    const lang::CheckedNode checked =
        lang::check_node("n1", "null", text, registry_.catalog(), node::check_options(parts_.settings));
    FLUME_CHECK(checked.ok(), lang::to_text(checked.diagnostics));
    sink_ = node::Build(registry_).sink(checked.plan.sink);
    return sink_->open(*context_, long_wait());
  }

  uint64_t saved() const { return parse_number<uint64_t>(positions_->find(kPlace).value_or("0")).value_or(0); }
  Status save(uint64_t rows) {
    positions_->set(kPlace, std::to_string(rows));
    return positions_->sync();
  }

  void start_at(uint64_t row) {
    next_ = row;
    tracker_ = AckTracker::create(row);
  }
  Status append(uint32_t rows, uint64_t padding) {
    BuilderOptions options;
    options.origin.stream = Id128{42};
    options.origin.position = next_;
    BatchBuilder builder(options);
    for (uint32_t i = 0; i < rows; ++i) {
      Event event;
      torture::append_line(event.body, {1, 0, 0, next_ + i}, std::string((next_ + i) * 37 % padding, 'x'));
      FLUME_CHECK(builder.add(event), "room in a batch");
    }
    next_ += rows;
    const EventBatch batch =
        builder.seal(tracker_->issue(next_, rows, 0, std::make_shared<const std::string>(str_cat("at ", next_))));
    return sink_->append(batch, long_wait()).status;
  }
  uint64_t next() const { return next_; }
  // In the log for good; what is promised by then.
  Result<uint64_t> flush() {
    FLUME_RETURN_IF_ERROR(sink_->flush(long_wait()));
    return tracker_->settled();
  }
  // All that the log holds is in output files for good.
  Status wait_delivered() {
    const Wait wait = long_wait();
    while (!wait.over()) {
      const auto logs = logs_.list();
      if (logs.size() == 1 && logs[0].rows == 0) {
        return {};
      }
      poll(nullptr, 0, 1);
    }
    return {Code::kTimeout, str_cat("rows stay in the log: ", logs_.list()[0].chain_error)};
  }
  Status close() { return sink_->close(long_wait()); }

  torture::Account account(uint64_t rows) const {
    torture::Expectation expected;
    expected.run = 1;
    expected.sources = {{0, "rows", rows}};
    auto found = torture::check_files(torture::output_files(root_ + "/out"), expected);
    FLUME_CHECK(found.ok(), found.status().to_string());
    return *found;
  }

 private:
  static Wait long_wait() { return Wait::for_duration(std::chrono::seconds(60)); }

  SharedParts& parts_;
  const std::string root_;
  const Log log_;
  MetricRegistry metrics_;
  std::unique_ptr<node::Positions> positions_;
  std::unique_ptr<journal::Journal> journal_;
  StorageSet storage_;
  node::LogBook logs_;
  node::Registry registry_;
  std::unique_ptr<node::Context> context_;
  uint64_t next_ = 0;
  std::shared_ptr<AckTracker> tracker_;
  std::unique_ptr<node::Sink> sink_;  // before all that it uses
};

}  // namespace flume::test

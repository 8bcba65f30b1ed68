// What every sink and every decorator keeps, whatever it does: the law of node/runtime/component.h, its ledger, its
// life, and that it stops.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/event/format.h"
#include "tests/contract/node/subjects.h"

namespace flume::contract {
namespace {

// All that a sink did with the rows, as far as it can be seen.
struct Seen {
  std::vector<std::string> kept;  // events as avrojson
  std::string console;
  std::map<std::string, std::string> files;  // or their sizes
  std::map<std::string, uint64_t> settled;
};

class Trial {
 public:
  explicit Trial(const SinkSubject& subject) : subject_(subject) {
    rig.world.context.state_folder = state.path();
    sink = rig.build(with_folder(subject.text, dir.path()));
  }

  // Rows in pieces, each a batch of its own; what is not taken is offered again.
  void append(const std::vector<Event>& events, const std::vector<size_t>& pieces) {
    size_t at = 0;
    for (const size_t n : pieces) {
      const auto first = events.begin() + static_cast<ptrdiff_t>(at);
      EventBatch batch = rig.issued(std::vector<Event>(first, first + static_cast<ptrdiff_t>(n)));
      for (int tries = 0; !batch.empty(); ++tries) {
        ASSERT_LT(tries, 200) << "the sink takes nothing";
        if (tries == 0) {
          batch = batch.compressed(codec).value();
        }
        if (sink->due() <= rig.world.clock.now()) {
          (void)sink->tick(rig.world.clock.now());
        }
        const node::AppendResult result = sink->append(batch, rig.wait);
        ASSERT_EQ(result.status.ok(), result.taken == batch.rows()) << result.status.to_string();
        batch = batch.from(result.taken);
      }
      at += n;
    }
    ASSERT_EQ(at, events.size());
  }

  Seen outcome() {
    Seen seen;
    const std::unique_ptr<OutputFormat> format = make_format("avrojson", {}).value();
    for (Event event : rig.kept()) {
      event.attributes.erase("rolltag");  // differs from run to run
      format->append(event, seen.kept.emplace_back());
    }
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) {
      if (entry.is_regular_file()) {
        const std::string contents = test::contents_of(entry.path());
        const std::string name = entry.path().lexically_relative(dir.path());
        seen.files[subject_.random_bytes ? "file" : name] += subject_.random_bytes ? "" : contents;
        bytes_ += contents.size();
      }
    }
    if (subject_.random_bytes) {
      seen.files["bytes"] = std::to_string(bytes_);
    }
    const AckCounts counts = rig.tracker->counts();
    seen.settled["delivered"] = counts.delivered_rows;
    seen.settled["not delivered"] = counts.not_delivered_rows;
    for (const auto& [reason, amount] : counts.dropped) {
      seen.settled["dropped: " + reason] = amount.first;
    }
    seen.settled["owed"] =
        counts.issued_rows + counts.expected_rows - counts.delivered_rows - counts.not_delivered_rows;
    return seen;
  }

  test::SinkRig rig;
  test::TempDir dir;
  test::TempDir state;  // of sinks that keep a log
  std::unique_ptr<node::Sink> sink;
  BlobCodec codec = BlobCodec::kNone;

 private:
  const SinkSubject& subject_;
  size_t bytes_ = 0;
};

std::vector<size_t> all_at_once(size_t n) { return {n}; }
std::vector<size_t> one_by_one(size_t n) { return std::vector<size_t>(n, 1); }
std::vector<size_t> at_random(size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<size_t> pieces;
  while (n > 0) {
    pieces.push_back(std::min<size_t>(n, 1 + random() % 17));
    n -= pieces.back();
  }
  return pieces;
}

class SinkContract : public testing::TestWithParam<SinkSubject> {
 protected:
  Seen result_of(const std::vector<size_t>& pieces, BlobCodec codec = BlobCodec::kNone) {
    testing::internal::CaptureStdout();
    Trial run(GetParam());
    run.codec = codec;
    const Status opened = run.rig.open(*run.sink);
    EXPECT_TRUE(opened.ok()) << opened.to_string();
    if (opened.ok()) {
      run.append(test::numbered_events(100), pieces);
    }
    EXPECT_TRUE(run.sink->flush(run.rig.wait).ok());
    EXPECT_TRUE(run.sink->close(run.rig.wait).ok());
    EXPECT_TRUE(run.sink->take_back().empty());
    run.sink.reset();
    Seen seen = run.outcome();
    seen.console = testing::internal::GetCapturedStdout();
    return seen;
  }

  // in + added = out + held + dropped + filtered + returned, for each place in the plan that passes rows on.
  static void expect_balance(const MetricRegistry& metrics) {
    std::map<std::string, int64_t> difference, out;
    for (const MetricSample& sample : metrics.samples()) {
      std::string path;
      for (const auto& [label, value] : sample.labels) {
        path = label == "path" ? value : path;
      }
      if (sample.name == "flume_rows_in_total" || sample.name == "flume_rows_added_total") {
        difference[path] += sample.value;
      } else if (sample.name == "flume_rows_out_total" || sample.name == "flume_rows_held" ||
                 sample.name == "flume_rows_filtered_total" || sample.name == "flume_rows_dropped_total" ||
                 sample.name == "flume_rows_returned_total") {
        difference[path] -= sample.value;
        out[path] += sample.value;
      }
    }
    for (const auto& [path, rows] : difference) {
      if (out[path] != 0) {
        EXPECT_EQ(rows, 0) << path;
      }
    }
  }
};

// Of sinks that take rows here.
class RowsContract : public SinkContract {};

TEST_P(RowsContract, TheResultDoesNotDependOnHowRowsAreCutIntoBatches) {
  const size_t n = 100;
  const Seen whole = result_of(all_at_once(n));
  std::vector<std::vector<size_t>> cuts{one_by_one(n)};
  for (const uint64_t seed : {1U, 2U, 3U}) {
    cuts.push_back(at_random(n, seed));
  }
  for (const auto& pieces : cuts) {
    SCOPED_TRACE(std::to_string(pieces.size()) + " pieces");
    const Seen cut = result_of(pieces);
    ASSERT_NO_FATAL_FAILURE();
    EXPECT_EQ(cut.kept, whole.kept);
    EXPECT_EQ(cut.console, whole.console);
    EXPECT_EQ(cut.files, whole.files);
    EXPECT_EQ(cut.settled, whole.settled);
  }
}

TEST_P(RowsContract, CompressedBatchesGiveTheSameResult) {
  const Seen plain = result_of({50, 50});
  for (const BlobCodec codec : {BlobCodec::kZstd, BlobCodec::kLz4, BlobCodec::kGzip}) {
    const Seen compressed = result_of({50, 50}, codec);
    ASSERT_NO_FATAL_FAILURE();
    EXPECT_EQ(compressed.kept, plain.kept);
    EXPECT_EQ(compressed.console, plain.console);
    EXPECT_EQ(compressed.files, plain.files);
    EXPECT_EQ(compressed.settled, plain.settled);
  }
  ASSERT_EQ(test::SinkRig().issued(test::numbered_events(50)).compressed(BlobCodec::kLz4)->codec(), BlobCodec::kLz4);
}

TEST_P(RowsContract, EveryRowIsAccountedFor) {
  testing::internal::CaptureStdout();
  Trial run(GetParam());
  ASSERT_TRUE(run.rig.open(*run.sink).ok());
  run.append(test::numbered_events(100), at_random(100, 4));
  expect_balance(run.rig.world.metrics);
  ASSERT_TRUE(run.sink->flush(run.rig.wait).ok());
  expect_balance(run.rig.world.metrics);
  ASSERT_TRUE(run.sink->close(run.rig.wait).ok());
  run.sink.reset();
  expect_balance(run.rig.world.metrics);
  const AckCounts counts = run.rig.tracker->counts();
  uint64_t dropped = 0, dropped_bytes = 0;
  for (const auto& [reason, amount] : counts.dropped) {
    EXPECT_FALSE(reason.empty());
    dropped += amount.first;
    dropped_bytes += amount.second;
  }
  EXPECT_EQ(counts.issued_rows + counts.expected_rows, counts.delivered_rows + dropped);
  EXPECT_EQ(counts.not_delivered_rows, 0U);
  EXPECT_EQ(run.rig.tracker->settled(), run.rig.position);
  EXPECT_EQ(counts.issued_bytes, counts.delivered_bytes + dropped_bytes);
  (void)testing::internal::GetCapturedStdout();
}

TEST_P(SinkContract, CanBeClosedAtAnyTimeAndOpenedAgain) {
  testing::internal::CaptureStdout();
  Trial run(GetParam());
  EXPECT_TRUE(run.sink->close(run.rig.wait).ok());
  EXPECT_TRUE(run.sink->take_back().empty());
  for (int round = 0; round < 2; ++round) {
    const Status opened = run.rig.open(*run.sink);
    EXPECT_TRUE(opened.ok() || !GetParam().takes) << opened.to_string();
    if (opened.ok() && GetParam().takes) {
      run.append(test::numbered_events(10), all_at_once(10));
    }
    const Status closed = run.sink->close(run.rig.wait);
    EXPECT_TRUE(closed.ok()) << closed.to_string();
    EXPECT_TRUE(run.sink->take_back().empty());
    EXPECT_TRUE(run.sink->close(run.rig.wait).ok());
  }
  EXPECT_EQ(run.rig.tracker->settled(), run.rig.position);
  (void)testing::internal::GetCapturedStdout();
}

// Without a close: whatever it holds is then not delivered, and nothing else happens.
TEST_P(SinkContract, CanGoWhileItIsOpen) {
  testing::internal::CaptureStdout();
  Trial run(GetParam());
  if (run.rig.open(*run.sink).ok() && GetParam().takes) {
    run.append(test::numbered_events(10), all_at_once(10));
  }
  run.sink.reset();
  run.rig.below->unsettled.clear();
  const AckCounts counts = run.rig.tracker->counts();
  uint64_t settled = counts.delivered_rows + counts.not_delivered_rows;
  for (const auto& dropped : counts.dropped) {
    settled += dropped.second.first;
  }
  EXPECT_EQ(counts.issued_rows + counts.expected_rows, settled);
  (void)testing::internal::GetCapturedStdout();
}

// The sink below fails for ever, and whoever waits for it is told to stop.
TEST_P(SinkContract, StopsWhenItIsTold) {
  testing::internal::CaptureStdout();
  Trial run(GetParam());
  run.rig.below->appends.assign(10'000, {Status(Code::kUnavailable, "connection refused"), 0});
  StopSource stop;
  const Wait until_stop{TimePoint::max(), stop.token()};
  if (run.rig.open(*run.sink).ok()) {
    const std::jthread stopper([&stop] { stop.request_stop(); });
    const EventBatch batch = run.rig.issued(test::numbered_events(50));
    const node::AppendResult result = run.sink->append(batch, until_stop);
    EXPECT_EQ(result.status.ok(), result.taken == batch.rows());
    (void)run.sink->flush(until_stop);
  }
  stop.request_stop();
  (void)run.sink->open(run.rig.world.context, until_stop);
  (void)run.sink->flush(until_stop);
  (void)run.sink->close(until_stop);
  (void)run.sink->take_back();
  (void)run.sink->close(until_stop);
  (void)testing::internal::GetCapturedStdout();
}

std::vector<SinkSubject> subjects(bool only_takers) {
  const test::SinkRig rig;
  const lang::Catalog& catalog = rig.registry.catalog();
  std::vector<SinkSubject> all = registered(sink_subjects(), catalog, lang::ComponentSpec::Kind::kSink);
  for (SinkSubject& subject : decorator_subjects(catalog)) {
    subject.name = "decorator " + subject.name;
    all.push_back(std::move(subject));
  }
  if (only_takers) {
    std::erase_if(all, [](const SinkSubject& subject) { return !subject.takes; });
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<SinkSubject>& subject) { return test_name(subject.param.name); }

INSTANTIATE_TEST_SUITE_P(Every, RowsContract, testing::ValuesIn(subjects(true)), name_of);
INSTANTIATE_TEST_SUITE_P(Every, SinkContract, testing::ValuesIn(subjects(false)), name_of);

}  // namespace
}  // namespace flume::contract

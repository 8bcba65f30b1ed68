// What every source keeps: each row carries a token of one of its trackers, it can be opened again, it goes back to
// what was not delivered if it says that it can, and it stops.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/io/event_sequence.h"
#include "tests/contract/node/subjects.h"

namespace flume::contract {
namespace {

class SourceContract : public testing::TestWithParam<SourceSubject> {
 protected:
  SourceContract() {
    std::string lines, events, sequence;
    const auto format = make_sequence_format(SequenceCodec::kGzip);
    format->begin_file(sequence);
    for (int i = 0; i < 40; ++i) {
      lines += "line " + std::to_string(i) + "\n";
      events += R"({"body":"e)" + std::to_string(i) +
                R"(","timestamp":1600000000000,"pri":"INFO","nanos":1,"host":"h","fields":{}})" + "\n";
      Event event;
      event.body = "e" + std::to_string(i);
      format->append(event, sequence);
    }
    std::filesystem::create_directory(dir_ / "logs");
    for (const char* name : {"lines", "logs/a", "logs/b"}) {
      test::write_file(dir_ / name, lines);
    }
    test::write_file(dir_ / "events", events);
    test::write_file(dir_ / "events.seq", sequence);
    const lang::CheckedNode checked =
        lang::check_node("n1", with_folder(GetParam().text, dir_.path()), "null", rig_.registry.catalog(),
                         node::check_options(rig_.world.settings));
    EXPECT_TRUE(checked.ok()) << lang::to_text(checked.diagnostics);
    source_ = node::Build(rig_.registry).source(checked.plan.source);
  }

  Status open() { return source_->open(rig_.world.context, rig_.wait); }

  // What there is now, or all of it if it ends.
  std::vector<EventBatch> read() {
    std::vector<EventBatch> batches;
    for (int calls = 0; calls < 10'000; ++calls) {
      EventBatch batch;
      const Wait wait = GetParam().ends ? Wait::for_duration(std::chrono::seconds(10)) : Wait{TimePoint::min(), {}};
      const auto next = source_->next(batch, wait);
      EXPECT_TRUE(next.ok()) << next.status().to_string();
      if (!next.ok() || *next == node::Source::Next::kEnd ||
          (*next == node::Source::Next::kNothingYet && !GetParam().ends)) {
        return batches;
      }
      if (*next == node::Source::Next::kBatch) {
        EXPECT_FALSE(batch.empty());
        batches.push_back(std::move(batch));
      }
    }
    ADD_FAILURE() << "it goes on for ever";
    return batches;
  }

  static std::vector<std::string> bodies(const std::vector<EventBatch>& batches) {
    std::vector<std::string> all;
    for (const EventBatch& batch : batches) {
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        all.emplace_back(batch.body(row));
      }
    }
    std::sort(all.begin(), all.end());  // of several files the order is free
    return all;
  }

  bool replayable() const {
    return rig_.registry.catalog().find(lang::ComponentSpec::Kind::kSource, GetParam().name)->replayable;
  }

  test::TempDir dir_;
  test::SinkRig rig_;
  std::unique_ptr<node::Source> source_;
};

TEST_P(SourceContract, EveryRowIsOwedToOneOfItsTrackers) {
  ASSERT_TRUE(open().ok());
  const std::vector<EventBatch> batches = read();
  uint64_t rows = 0, bytes = 0;
  for (const EventBatch& batch : batches) {
    rows += batch.rows();
    bytes += batch.body_bytes();
  }
  EXPECT_TRUE(rows > 0 || !GetParam().ends);
  const auto trackers = source_->trackers();
  uint64_t issued = 0, issued_bytes = 0, delivered = 0;
  for (const auto& tracker : trackers) {
    issued += tracker->counts().issued_rows;
    issued_bytes += tracker->counts().issued_bytes;
  }
  EXPECT_EQ(issued, rows);
  EXPECT_EQ(issued_bytes, bytes);
  for (const EventBatch& batch : batches) {
    batch.settle(Outcome::kDelivered);
  }
  for (const auto& tracker : trackers) {
    delivered += tracker->counts().delivered_rows;
  }
  EXPECT_EQ(delivered, rows);
  EXPECT_TRUE(source_->checkpoint().ok());
  EXPECT_TRUE(source_->close(rig_.wait).ok());
}

TEST_P(SourceContract, GoesBackToWhatWasNotDeliveredIfItSaysThatItCan) {
  ASSERT_TRUE(open().ok());
  std::vector<std::string> lost;
  {
    const std::vector<EventBatch> batches = read();
    lost = bodies(batches);
  }  // the last copies go: not delivered
  const auto went_back = source_->rewind();
  ASSERT_TRUE(went_back.ok()) << went_back.status().to_string();
  if (replayable()) {
    EXPECT_TRUE(*went_back);
    EXPECT_EQ(bodies(read()), lost);
  } else {
    EXPECT_FALSE(*went_back);
  }
  EXPECT_TRUE(source_->close(rig_.wait).ok());
}

TEST_P(SourceContract, CanBeClosedAtAnyTimeAndOpenedAgain) {
  EXPECT_TRUE(source_->close(rig_.wait).ok());
  for (int round = 0; round < 2; ++round) {
    const Status opened = open();
    ASSERT_TRUE(opened.ok()) << opened.to_string();
    for (const EventBatch& batch : read()) {
      batch.settle(Outcome::kDelivered);
    }
    EXPECT_TRUE(source_->checkpoint().ok());
    EXPECT_TRUE(source_->close(rig_.wait).ok());
    EXPECT_TRUE(source_->close(rig_.wait).ok());
  }
  ASSERT_TRUE(open().ok());
  source_.reset();  // without a close
}

TEST_P(SourceContract, StopsWhenItIsTold) {
  ASSERT_TRUE(open().ok());
  StopSource stop;
  const Wait until_stop{TimePoint::max(), stop.token()};
  const std::jthread stopper([&stop] { stop.request_stop(); });
  for (int calls = 0; calls < 10'000; ++calls) {
    EventBatch batch;
    const auto next = source_->next(batch, until_stop);
    ASSERT_TRUE(next.ok()) << next.status().to_string();
    if (*next != node::Source::Next::kBatch) {
      break;
    }
  }
  (void)source_->close(until_stop);
  EXPECT_TRUE(source_->close(rig_.wait).ok());
}

TEST(SourceOfMasters, ASourceThatOnlyMastersUnderstandSaysSo) {
  const test::SinkRig rig;
  for (const SourceSubject& subject : source_subjects()) {
    if (subject.opens) {
      continue;
    }
    const lang::CheckedNode checked =
        lang::check_node("n1", subject.text, "null", rig.registry.catalog(), node::check_options(rig.world.settings));
    ASSERT_TRUE(checked.ok()) << lang::to_text(checked.diagnostics);
    const auto source = node::Build(rig.registry).source(checked.plan.source);
    test::SinkRig other;
    const Status opened = source->open(other.world.context, other.wait);
    EXPECT_FALSE(opened.is_temporary());
    EXPECT_NE(opened.message().find("only a master"), std::string::npos) << opened.to_string();
    EXPECT_TRUE(source->close(other.wait).ok());
  }
}

std::vector<SourceSubject> subjects() {
  const test::SinkRig rig;
  auto subjects = registered(source_subjects(), rig.registry.catalog(), lang::ComponentSpec::Kind::kSource);
  std::erase_if(subjects, [](const SourceSubject& subject) { return !subject.opens; });
  return subjects;
}

INSTANTIATE_TEST_SUITE_P(Every, SourceContract, testing::ValuesIn(subjects()),
                         [](const auto& subject) { return test_name(subject.param.name); });

}  // namespace
}  // namespace flume::contract

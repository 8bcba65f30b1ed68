#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/io/event_sequence.h"
#include "tests/support/storing_rig.h"

namespace flume::node {

void register_sink_seqfile(Registry& registry);

namespace {

class SeqfileSink : public ::testing::Test {
 protected:
  std::unique_ptr<Sink> opened(const std::string& codec, const std::string& ack = "sync") {
    auto sink = rig_.make_sink("seqfile", {{"file", {rig_.dir / "out"}}, {"codec", {codec}}, {"ack", {ack}}});
    const Status status = rig_.open(*sink);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return sink;
  }
  static void append(Sink& sink, const EventBatch& batch) {
    const AppendResult result = sink.append(batch, test::StoringRig::wait());
    EXPECT_TRUE(result.status.ok()) << result.status.to_string();
  }
  std::vector<Event> events_of(const std::string& name, SequenceCodec* codec = nullptr) {
    const std::string contents = test::contents_of(rig_.dir / name);
    auto reader = EventSequenceReader::open(sequence_input(contents), {});
    EXPECT_TRUE(reader.ok()) << reader.status().to_string();
    std::vector<Event> events;
    while (reader.ok()) {
      const auto item = reader->next().value();
      EXPECT_NE(item.kind, EventSequenceReader::Kind::kBad) << item.why;
      if (item.kind != EventSequenceReader::Kind::kEvent) {
        break;
      }
      events.push_back(item.event);
    }
    if (codec != nullptr && reader.ok()) {
      *codec = reader->header().codec;
    }
    return events;
  }
  bool exists(const std::string& name) { return std::filesystem::exists(rig_.dir / name); }

  test::StoringRig rig_{register_sink_seqfile};
};

TEST_F(SeqfileSink, WritesWholeEventsWithEachCodec) {
  for (const std::string codec : {"none", "deflate", "gzip", "bzip2"}) {
    const auto sink = opened(codec);
    append(*sink, rig_.events(support::mixed_events()));
    EXPECT_FALSE(exists("out"));
    ASSERT_TRUE(sink->close({}).ok());
    SequenceCodec written = SequenceCodec::kNone;
    EXPECT_EQ(events_of("out", &written), support::mixed_events()) << codec;
    EXPECT_EQ(sequence_codec_name(written), codec);
    std::filesystem::remove(rig_.dir / "out");
  }
}

TEST_F(SeqfileSink, NothingIsReplaced) {
  for (int i = 0; i < 2; ++i) {
    const auto sink = opened("none");
    append(*sink, rig_.events(support::mixed_events()));
    ASSERT_TRUE(sink->close({}).ok());
  }
  EXPECT_EQ(events_of("out"), support::mixed_events());
  EXPECT_EQ(events_of("out.1"), support::mixed_events());
}

TEST_F(SeqfileSink, RowsAreSettledWhenTheyAreSyncedOrWhenTheFileHasItsName) {
  auto sink = opened("gzip");
  append(*sink, rig_.events(support::mixed_events()));
  const uint64_t rows = support::mixed_events().size();
  ASSERT_TRUE(sink->flush({}).ok());
  EXPECT_EQ(rig_.settled(), rows);
  ASSERT_TRUE(sink->close({}).ok());
  sink = opened("gzip", "commit");
  append(*sink, rig_.events(support::mixed_events()));
  EXPECT_EQ(rig_.settled(), rows);
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_EQ(rig_.settled(), 2 * rows);
}

TEST_F(SeqfileSink, WhatACrashLeftIsPublishedAsFarAsItsRecordsAreWhole) {
  for (const std::string codec : {"none", "gzip", "bzip2"}) {
    const auto format = make_sequence_format(*parse_sequence_codec(codec));
    std::string contents;
    format->begin_file(contents);
    for (const Event& event : support::mixed_events()) {
      format->append(event, contents);
    }
    test::write_file(rig_.dir / "out.tmp", contents.substr(0, contents.size() - 1));
    rig_.restart_storage();
    const auto sink = opened(codec);
    std::vector<Event> expected = support::mixed_events();
    expected.pop_back();
    EXPECT_EQ(events_of("out"), expected) << codec;
    ASSERT_TRUE(sink->close({}).ok());
    std::filesystem::remove(rig_.dir / "out");
  }
}

}  // namespace
}  // namespace flume::node

#include <gtest/gtest.h>

#include "common/io/event_sequence.h"
#include "tests/support/batches.h"
#include "tests/support/golden.h"
#include "tests/support/sequence_blocks.h"
#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_seqfile(Registry& registry);

namespace {

constexpr SequenceCodec kAllCodecs[] = {SequenceCodec::kNone, SequenceCodec::kDeflate, SequenceCodec::kGzip,
                                        SequenceCodec::kBzip2};
constexpr std::string_view kEventClass = "com.cloudera.flume.handlers.hdfs.WriteableEvent";

std::string written(SequenceCodec codec, const std::vector<Event>& events) {
  std::string out;
  const auto format = make_sequence_format(codec);
  format->begin_file(out);
  for (const Event& event : events) {
    format->append(event, out);
  }
  return out;
}

// In blocks of seven.
std::string written_in_blocks(SequenceCodec codec, const std::vector<Event>& events) {
  const Id128 id = random_id();  // tells files apart
  const std::string mark(id.begin(), id.end());
  std::string out = test::sequence_block_header(codec, kEventClass, mark);
  std::vector<std::pair<std::string, std::string>> records;
  for (size_t i = 0; i < events.size(); ++i) {
    const std::string file = written(SequenceCodec::kNone, {events[i]});
    auto reader = SequenceReader::open(file, 1 << 20).value();
    records.emplace_back("k", (*reader.next())->value);
    if (records.size() == 7 || i + 1 == events.size()) {
      out += test::sequence_block(codec, mark, records);
      records.clear();
    }
  }
  return out;
}

// Large enough for several batches.
std::vector<Event> many_events(int count) {
  std::vector<Event> events;
  for (int i = 0; i < count; ++i) {
    Event event;
    event.body = std::to_string(i) + std::string(30'000, 'x');
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<std::string> bodies_of(const std::vector<Event>& events, size_t from = 0) {
  std::vector<std::string> bodies;
  for (size_t i = from; i < events.size(); ++i) {
    bodies.push_back(events[i].body);
  }
  return bodies;
}

class SeqfileSource : public ::testing::Test {
 protected:
  std::unique_ptr<Source> source() { return rig_.make("seqfile", {{"file", {rig_.dir / "in"}}}); }
  std::unique_ptr<Source> opened(const std::string& contents) {
    test::write_file(rig_.dir / "in", contents);
    auto made = source();
    const Status status = rig_.open(*made);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return made;
  }
  test::SourceRig rig_{register_source_seqfile};
};

TEST_F(SeqfileSource, EventsComeBackExactlyWithEveryCodec) {
  const std::vector<Event> events = support::mixed_events();
  for (const SequenceCodec codec : kAllCodecs) {
    EXPECT_EQ(rig_.events(*opened(written(codec, events))), events) << sequence_codec_name(codec);
    if (codec != SequenceCodec::kNone) {
      EXPECT_EQ(rig_.events(*opened(written_in_blocks(codec, events))), events) << sequence_codec_name(codec);
    }
  }
}

TEST_F(SeqfileSource, FilesOfTheClassicSystemAreRead) {
  for (const char* name : {"seqfile.seq", "dfs.seq", "format-seqfile.seq", "format-seqfile-bzip2.seq"}) {
    const auto events = rig_.events(*opened(support::golden_file(std::string("files/") + name)));
    ASSERT_FALSE(events.empty()) << name;
    EXPECT_EQ(events[0].body, "first line") << name;
    EXPECT_EQ(events[0].attributes.at("color"), "blue") << name;
  }
}

TEST_F(SeqfileSource, GoesBackToWhatWasNotDelivered) {
  const std::vector<Event> events = many_events(60);
  for (const std::string& contents :
       {written(SequenceCodec::kDeflate, events), written_in_blocks(SequenceCodec::kGzip, events)}) {
    const auto from = opened(contents);
    auto batches = rig_.batches(*from);
    ASSERT_GT(batches.size(), 3U);
    batches[0].settle(Outcome::kDelivered);
    batches[2].settle(Outcome::kDelivered);
    const size_t settled = batches[0].rows();
    const uint64_t position = batches[1].origin().position;
    batches.clear();
    ASSERT_TRUE(*from->rewind());
    batches = rig_.batches(*from);
    EXPECT_EQ(batches[0].origin().position, position);
    std::vector<std::string> bodies;
    for (const EventBatch& batch : batches) {
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        bodies.emplace_back(batch.body(row));
      }
      batch.settle(Outcome::kDelivered);
    }
    EXPECT_EQ(bodies, bodies_of(events, settled));
  }
}

TEST_F(SeqfileSource, GoesOnAfterARestartWhereItWasWithTheSameStream) {
  const std::vector<Event> events = many_events(60);
  for (const std::string& contents :
       {written(SequenceCodec::kNone, events), written_in_blocks(SequenceCodec::kDeflate, events)}) {
    auto from = opened(contents);
    auto batches = rig_.batches(*from);
    ASSERT_GT(batches.size(), 3U);
    const Id128 stream = batches[0].origin().stream;
    batches[0].settle(Outcome::kDelivered);
    batches[1].settle(Outcome::kDelivered);
    ASSERT_TRUE(from->checkpoint().ok());
    batches[2].settle(Outcome::kDelivered);  // known to nobody after the kill
    const size_t saved = batches[0].rows() + batches[1].rows();
    batches.clear();
    from.reset();
    rig_.reopen_positions();
    auto again = source();
    ASSERT_TRUE(rig_.open(*again).ok());
    auto rest = rig_.batches(*again);
    EXPECT_EQ(rest[0].origin().stream, stream);
    EXPECT_EQ(rest[0].origin().position, saved);
    std::vector<std::string> bodies;
    for (const EventBatch& batch : rest) {
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        bodies.emplace_back(batch.body(row));
      }
      batch.settle(Outcome::kDelivered);
    }
    EXPECT_EQ(bodies, bodies_of(events, saved));
    ASSERT_TRUE(again->close({}).ok());  // and at the end there is nothing left
    again.reset();
    rig_.reopen_positions();
    again = source();
    ASSERT_TRUE(rig_.open(*again).ok());
    EXPECT_TRUE(rig_.batches(*again).empty());
  }
}

TEST_F(SeqfileSource, AnotherFileUnderTheNameIsReadFromItsStart) {
  auto from = opened(written(SequenceCodec::kNone, many_events(20)));
  EXPECT_EQ(rig_.bodies(*from).size(), 20U);
  ASSERT_TRUE(from->close({}).ok());
  from = opened(written(SequenceCodec::kNone, many_events(20)));
  EXPECT_EQ(rig_.bodies(*from).size(), 20U);
}

TEST_F(SeqfileSource, WhatIsDamagedIsCountedAndLeftOut) {
  const std::vector<Event> events = many_events(20);
  std::string contents = written(SequenceCodec::kNone, events);
  const size_t body = contents.find("7xxx");
  contents[body - 4 - 24] = '\x7F';  // the record's length
  const std::vector<std::string> bodies = rig_.bodies(*opened(contents));
  EXPECT_EQ(bodies.size(), 19U);  // the next mark is behind the record
  EXPECT_EQ(rig_.count("flume_records_unreadable_total"), 1U);
}

TEST_F(SeqfileSource, WhatIsNoEventIsCountedAndItsPlaceIsSettled) {
  SequenceWriter writer({.key_class = "K", .value_class = std::string(kEventClass)});
  std::string contents;
  writer.append_header(contents);
  writer.append_record("k", "no event", contents);
  writer.append_record("k", "neither", contents);
  const auto from = opened(contents);
  EventBatch batch;
  EXPECT_EQ(*from->next(batch, Wait{}), Source::Next::kEnd);
  EXPECT_EQ(rig_.count("flume_records_unreadable_total"), 2U);
  EXPECT_EQ(from->trackers()[0]->settled(), 2U);
}

TEST_F(SeqfileSource, ErrorsNameTheFile) {
  const std::string path = rig_.dir / "in";
  test::write_file(path, "");
  EXPECT_EQ(rig_.open(*source()).to_string(),
            str_cat("corrupt: open ", quoted(path), ": sequence file: at byte 0: no SequenceFile"));
  SequenceWriter writer({.key_class = "K", .value_class = "org.apache.hadoop.io.Text"});
  std::string contents;
  writer.append_header(contents);
  test::write_file(path, contents);
  EXPECT_EQ(rig_.open(*source()).to_string(),
            str_cat("unsupported: open ", quoted(path),
                    ": sequence file: its values are \"org.apache.hadoop.io.Text\", not events"));
  EXPECT_EQ(rig_.open(*rig_.make("seqfile", {{"file", {rig_.dir / "missing"}}})).code(), Code::kNotFound);
}

}  // namespace
}  // namespace flume::node

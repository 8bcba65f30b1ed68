// The classic binary event against recorded bytes: alone, and in the SequenceFiles that the classic system wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event/writable_event.h"
#include "common/io/event_sequence.h"
#include "common/io/sequence_file.h"
#include "tests/support/golden.h"

namespace flume {
namespace {

using support::golden_cases;
using support::golden_event;
using support::golden_file;

FormatRow row_of(const Event& event, std::vector<std::pair<std::string_view, std::string_view>>& attributes) {
  attributes.assign(event.attributes.begin(), event.attributes.end());
  return {event.timestamp, event.priority, event.nanos, event.host, event.body, attributes};
}

std::string written(const Event& event) {
  std::vector<std::pair<std::string_view, std::string_view>> attributes;
  std::string out;
  append_writable_event(row_of(event, attributes), out);
  return out;
}

TEST(WritableEventGolden, RecordedBytesAreReadAsTheEventsTheyWere) {
  for (const JsonValue& one : golden_cases("wire", "writable")) {
    const std::string bytes = support::bytes_of_hex(one.find("expect")->text("bytes_hex").value());
    size_t used = 0;
    const auto event = read_writable_event(bytes, {}, &used);
    ASSERT_TRUE(event.ok()) << event.status().to_string();
    EXPECT_EQ(*event, golden_event(*one.find("event"))) << one.to_json();
    EXPECT_EQ(used, bytes.size());
  }
}

// Attributes come in the order of a Java hash map there and sorted here; with at most one the bytes are the same.
TEST(WritableEventGolden, WrittenBytesAreTheRecordedOnes) {
  int compared = 0;
  for (const JsonValue& one : golden_cases("wire", "writable")) {
    const std::string bytes = support::bytes_of_hex(one.find("expect")->text("bytes_hex").value());
    const Event event = golden_event(*one.find("event"));
    const std::string ours = written(event);
    EXPECT_EQ(ours.size(), bytes.size());
    if (event.attributes.size() < 2) {
      ++compared;
      EXPECT_EQ(ours, bytes) << one.to_json();
    }
  }
  EXPECT_GT(compared, 10);
}

TEST(WritableEventGolden, BrokenBytesAreRefused) {
  for (const JsonValue& one : golden_cases("wire", "unwritable")) {
    const auto event = read_writable_event(support::bytes_of_hex(one.text("bytes_hex").value()), {}, nullptr);
    EXPECT_FALSE(event.ok()) << one.to_json();
  }
}

std::vector<Event> events_in(std::string_view file) {
  std::vector<Event> events;
  auto reader = SequenceReader::open(file, 1 << 20).value();
  for (;;) {
    const auto record = reader.next().value();
    if (!record) {
      return events;
    }
    events.push_back(read_writable_event(record->value, {}, nullptr).value());
    EXPECT_EQ(record->key.size(), 16U);
  }
}

TEST(WritableEventGolden, ClassicSequenceFilesAreRead) {
  for (const char* name :
       {"files/dfs.seq", "files/seqfile.seq", "files/format-seqfile.seq", "files/format-seqfile-bzip2.seq"}) {
    const std::vector<Event> events = events_in(golden_file(name));
    ASSERT_FALSE(events.empty()) << name;
    EXPECT_EQ(events[0].body, "first line") << name;
    EXPECT_EQ(events[0].attributes.at("color"), "blue") << name;
  }
}

// `file` without the random marks: the header's last 16 bytes, and where it is repeated between records. The classic
// seqfile sink puts one behind each event, ours one every 2000 bytes, as Hadoop does by itself.
std::string without_marks(std::string file) {
  const SequenceHeader header = SequenceReader::open(file, 1 << 20)->header();
  const std::string mark(header.sync.begin(), header.sync.end());
  for (size_t at = 0; (at = file.find("\xFF\xFF\xFF\xFF" + mark)) != std::string::npos;) {
    file.erase(at, 20);
  }
  return file.erase(header.size - 16, 16);
}

// The same events written by us make the same file, but for the marks.
TEST(WritableEventGolden, OurSequenceFilesAreTheClassicOnes) {
  for (const auto& [name, codec] :
       {std::pair("files/dfs.seq", SequenceCodec::kDeflate), std::pair("files/seqfile.seq", SequenceCodec::kNone)}) {
    const std::string classic = golden_file(name);
    const auto format = make_sequence_format(codec);
    std::string ours;
    format->begin_file(ours);
    for (const Event& event : events_in(classic)) {
      format->append(event, ours);
    }
    EXPECT_EQ(without_marks(ours), without_marks(classic)) << name;
  }
}

}  // namespace
}  // namespace flume

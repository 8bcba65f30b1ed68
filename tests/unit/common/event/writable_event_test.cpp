#include "common/event/writable_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "tests/support/batches.h"

namespace flume {
namespace {

std::string written(const Event& event) {
  std::vector<std::pair<std::string_view, std::string_view>> attributes(event.attributes.begin(),
                                                                        event.attributes.end());
  std::string out;
  append_writable_event({event.timestamp, event.priority, event.nanos, event.host, event.body, attributes}, out);
  return out;
}

Status error_of(std::string_view bytes, const BatchLimits& limits = {}) {
  return read_writable_event(bytes, limits, nullptr).status();
}

TEST(WritableEvent, EveryFieldSurvives) {
  for (const Event& event : support::mixed_events()) {
    size_t used = 0;
    const std::string bytes = written(event) + "more";
    const auto read = read_writable_event(bytes, {}, &used);
    ASSERT_TRUE(read.ok()) << read.status().to_string();
    EXPECT_EQ(*read, event);
    EXPECT_EQ(used, bytes.size() - 4);
  }
}

TEST(WritableEvent, TextsAreJavasModifiedUtf8) {
  Event event;
  event.host = std::string("a\0\xC3\xA9\xF0\x9F\x98\x80", 8);
  const std::string bytes = written(event);
  EXPECT_THAT(bytes, ::testing::HasSubstr(std::string("\0\x0B"
                                                      "a\xC0\x80\xC3\xA9\xED\xA0\xBD\xED\xB8\x80",
                                                      13)));
  EXPECT_EQ(read_writable_event(bytes, {}, nullptr)->host, event.host);
}

TEST(WritableEvent, ALongHostIsCutBetweenCharacters) {
  Event event;
  for (int i = 0; i < 30000; ++i) {
    event.host += "\xE2\x82\xAC";
  }
  EXPECT_EQ(read_writable_event(written(event), {}, nullptr)->host, event.host.substr(0, 65535));
}

TEST(WritableEvent, CutAtAnyLengthItIsCorrupt) {
  const std::string bytes = written(support::mixed_events()[3]);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(error_of(std::string_view(bytes).substr(0, size)).code(), Code::kCorrupt) << size;
  }
}

TEST(WritableEvent, WhatIsWrongIsSaid) {
  Event event;
  event.body = "body";
  std::string bytes = written(event);
  EXPECT_EQ(error_of(bytes.substr(0, 6)).to_string(), "corrupt: classic event: at byte 4: 4 bytes announced, 2 left");
  EXPECT_EQ(error_of(bytes.substr(0, 10)).to_string(), "corrupt: classic event: at byte 8: it is cut short");
  bytes[19] = 6;
  EXPECT_EQ(error_of(bytes).to_string(), "corrupt: classic event: at byte 20: priority 6");
  bytes[0] = '\xFF';
  EXPECT_EQ(error_of(bytes).to_string(), "corrupt: classic event: at byte 0: a body of -16777212 bytes");
  bytes[0] = 1;
  EXPECT_EQ(error_of(bytes).to_string(), "no_space: classic event: a body of 16777220 bytes, more than 1048576");
}

TEST(WritableEvent, BrokenTextsAndCountsAreCorrupt) {
  Event event;
  event.host = "h";
  std::string bytes = written(event);
  bytes[bytes.size() - 5] = '\xFF';
  EXPECT_EQ(error_of(bytes).to_string(), "corrupt: classic event: at byte 26: a text is no modified UTF-8");
  bytes = written(event);
  bytes[bytes.size() - 4] = '\x7F';
  EXPECT_EQ(error_of(bytes).to_string(), "corrupt: classic event: at byte 31: 2130706432 attributes");
}

TEST(WritableEvent, LimitsAreKept) {
  Event event;
  event.body = "123456789";
  BatchLimits limits;
  limits.event_bytes = 8;
  EXPECT_EQ(error_of(written(event), limits).to_string(), "no_space: classic event: a body of 9 bytes, more than 8");
  event.attributes["a"] = std::exchange(event.body, "");
  EXPECT_EQ(error_of(written(event), limits).to_string(),
            "no_space: classic event: an attribute of 9 bytes, more than 8");
}

}  // namespace
}  // namespace flume

#include "common/event/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event/format_reader.h"
#include "tests/support/batches.h"
#include "tests/support/golden.h"

namespace flume {
namespace {

std::string written(std::string_view name, const Event& event) {
  std::string out;
  make_format(name, {}).value()->append(event, out);
  return out;
}

// docs/formats/output.md says which event its examples are of.
Event documented_event() {
  Event event;
  event.nanos = 7;
  event.host = "web-1";
  event.body = "a\"b";
  event.attributes = {{"service", "sshd"}, {"n", "*"}};
  return event;
}

// The line behind the heading "## NAME".
std::string documented_line(const std::string& name) {
  const std::string page = test::contents_of(str_cat(FLUME_SOURCE_DIR, "/docs/formats/output.md"));
  const std::string heading = str_cat("\n## ", name, "\n    ");
  const size_t at = page.find(heading);
  FLUME_CHECK(at != std::string::npos, name);
  return page.substr(at + heading.size(), page.find('\n', at + heading.size()) - at - heading.size() + 1);
}

TEST(Format, TheExamplesOfThePageAreTrue) {
  const support::ScopedZone zone("America/Los_Angeles");
  for (const char* name : {"raw", "debug", "json", "syslog", "log4j"}) {
    EXPECT_EQ(written(name, documented_event()), documented_line(name));
  }
}

TEST(Format, RawRowsThatLieInTheBatchAreNotCopied) {
  BatchBuilder builder({});
  support::feed(builder, "one\ntwo\n");
  const EventBatch batch = builder.seal({});
  const auto raw = make_format("raw", {}).value();
  const auto bytes = raw->in_place(batch);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->data(), batch.blob().data());
  EXPECT_EQ(*bytes, "one\ntwo\n");
  EXPECT_EQ(raw->in_place(batch.slice(1, 1)), "two\n");
  EXPECT_EQ(make_format("json", {}).value()->in_place(batch), std::nullopt);
}

TEST(Format, RawRowsWithAnotherDelimiterGetNewlines) {
  BuilderOptions options;
  options.delimiter = "||";
  BatchBuilder builder(options);
  support::feed(builder, "one||two||");
  const EventBatch batch = builder.seal({});
  const auto raw = make_format("raw", {}).value();
  EXPECT_EQ(raw->in_place(batch), std::nullopt);
  std::string out;
  raw->append(batch, out);
  EXPECT_EQ(out, "one\ntwo\n");
}

TEST(Format, ABatchIsWrittenAsItsEvents) {
  for (const std::string& name : format_names()) {
    std::string of_batch;
    make_format(name, {}).value()->append(support::mixed_batch(), of_batch);
    std::string of_events;
    for (const Event& event : support::mixed_events()) {
      of_events += written(name, event);
    }
    EXPECT_EQ(of_batch, of_events) << name;
  }
}

TEST(Format, AvrojsonKeepsEveryByte) {
  Event event;
  for (int byte = 0; byte < 256; ++byte) {
    event.body.push_back(static_cast<char>(byte));
  }
  const std::string line = written("avrojson", event);
  EXPECT_TRUE(is_valid_utf8(line));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(*read_event_line(ReplayFormat::kAvroJson, line, {}), event);
}

TEST(Format, WhatIsNoFormatIsSaid) {
  EXPECT_EQ(make_format("jsn", {}).status().to_string(),
            "not_found: no output format is called \"jsn\"; did you mean json?");
  const std::vector<std::string> one = {"x"};
  EXPECT_EQ(make_format("raw", one).status().to_string(), "invalid: output format raw takes no arguments, not 1");
  EXPECT_EQ(make_format("syslog", one).status().to_string(), "invalid: output format syslog: \"x\" is not a year");
  const std::vector<std::string> year = {"2026"};
  EXPECT_TRUE(make_format("syslog", year).ok());
}

Status unreadable(std::string_view line, ReplayFormat format = ReplayFormat::kAvroJson,
                  const BatchLimits& limits = {}) {
  return read_event_line(format, line, limits).status();
}

TEST(FormatReader, OnlyBodyAndTimestampMustBeThere) {
  const auto event = read_event_line(ReplayFormat::kJson, R"( {"timestamp":5,"body":"b"} )", {});
  ASSERT_TRUE(event.ok());
  Event expected;
  expected.timestamp = 5;
  expected.body = "b";
  EXPECT_EQ(*event, expected);
}

TEST(FormatReader, WhatIsWrongIsSaid) {
  EXPECT_EQ(unreadable(R"({"body":"b"})").to_string(), "invalid: event: \"timestamp\" is missing");
  EXPECT_EQ(unreadable(R"({"timestamp":1})").to_string(), "invalid: event: \"body\" is missing");
  EXPECT_EQ(unreadable(R"({"timestamp":1,"body":2})").to_string(),
            "invalid: event: \"body\": expected a text, not a number");
  EXPECT_EQ(unreadable(R"({"timestamp":1,"body":"","pri":"LOUD"})").to_string(),
            "invalid: event: \"pri\": \"LOUD\" is no priority");
  EXPECT_EQ(unreadable(R"({"timestamp":1,"body":"","fields":[]})").to_string(),
            "invalid: event: \"fields\": expected an object, not an array");
  EXPECT_EQ(unreadable(R"({"timestamp":1,"body":"","fields":{"":"x"}})").to_string(),
            "invalid: event: \"fields\": \"\" is no name for an attribute");
  EXPECT_EQ(unreadable("{\"timestamp\":1,\"body\":\"\xE2\x82\xAC\"}").to_string(),
            "invalid: event: \"body\": a character beyond U+00FF, which stands for no byte");
  EXPECT_EQ(unreadable("[1]").code(), Code::kInvalid);
  EXPECT_EQ(unreadable("{").code(), Code::kInvalid);
}

TEST(FormatReader, LimitsAreKept) {
  BatchLimits limits;
  limits.event_bytes = 3;
  EXPECT_EQ(unreadable(R"({"timestamp":1,"body":"1234"})", ReplayFormat::kJson, limits).to_string(),
            "no_space: event: \"body\": 4 bytes, more than the event limit of 3");
  EXPECT_EQ(unreadable(R"({"timestamp":1,"body":"","fields":{"a":"1234"}})", ReplayFormat::kJson, limits).to_string(),
            "no_space: event: \"fields\": \"a\": 4 bytes, more than the event limit of 3");
}

}  // namespace
}  // namespace flume

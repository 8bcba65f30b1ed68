// Output formats against the recorded bytes of the classic system.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/event/format.h"
#include "common/json/json.h"
#include "tests/support/batches.h"
#include "tests/support/golden.h"

namespace flume {
namespace {

using support::golden_cases;

struct Case {
  explicit Case(const JsonValue& json) : text(json.to_json()) {
    for (const JsonValue& event : *json.find("events")->array()) {
      events.push_back(support::golden_event(event));
    }
    for (const JsonValue& arg : *json.find("args")->array()) {
      args.push_back(arg.text() != nullptr ? *arg.text() : arg.to_json());
    }
    format = json.text("format").value();
    ok = json.find("expect")->boolean("ok").value();
    if (ok) {
      bytes = support::bytes_of_hex(json.find("expect")->text("bytes_hex").value());
    }
  }
  std::string text;
  std::vector<Event> events;
  std::vector<std::string> args;
  std::string format;
  bool ok;
  std::string bytes;
};

// What the format writes, the same for events and for a batch of them.
std::string written(const Case& one) {
  std::string of_events;
  const auto format = make_format(one.format, one.args).value();
  for (const Event& event : one.events) {
    format->append(event, of_events);
  }
  std::string of_batch;
  make_format(one.format, one.args).value()->append(support::batch_of(one.events), of_batch);
  EXPECT_EQ(of_events, of_batch) << one.text;
  return of_events;
}

// Lines of JSON as values: attributes come in the order of a Java hash map there.
std::vector<JsonValue> values(const std::string& text) {
  std::vector<JsonValue> all;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) {
      all.push_back(JsonValue::parse(line).value());
      JsonValue* fields = nullptr;
      for (auto& [key, value] : *all.back().object()) {
        fields = key == "fields" ? &value : fields;
      }
      std::sort(fields->object()->begin(), fields->object()->end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
  }
  return all;
}

// Bytes that are no UTF-8, which ours keeps in syslog lines, as the classic system wrote them.
std::string with_replacements(std::string text) {
  for (const std::string_view bad : {"\xFF", "\x80\xC3"}) {
    for (size_t at = 0; (at = text.find(bad, at)) != std::string::npos; at += 3) {
      text.replace(at, 1, "\xEF\xBF\xBD");
    }
  }
  return text;
}

TEST(FormatsGolden, BytesAreTheRecordedOnes) {
  int compared = 0;
  for (const JsonValue& json : golden_cases("formats", "format")) {
    const Case one(json);
    const support::ScopedZone zone(json.text("tz").value());
    if (!one.ok) {
      continue;
    }
    ++compared;
    if (one.format == "json" || one.format == "avrojson") {
      EXPECT_EQ(values(written(one)), values(one.bytes)) << one.text;
    } else if (one.format == "syslog") {
      EXPECT_EQ(with_replacements(written(one)), one.bytes) << one.text;
    } else {
      EXPECT_EQ(written(one), one.bytes) << one.text;
    }
  }
  EXPECT_EQ(compared, 104);
}

TEST(FormatsGolden, WhatWasNoFormatIsNone) {
  for (const JsonValue& json : golden_cases("formats", "format")) {
    const Case one(json);
    if (!one.ok) {
      EXPECT_FALSE(make_format(one.format, one.args).ok()) << one.text;
    }
  }
}

TEST(FormatsGolden, TheDebugLineIsTheRecordedText) {
  for (const JsonValue& json : golden_cases("formats", "tostring")) {
    const support::ScopedZone zone(json.text("tz").value());
    std::string text;
    make_format("debug", {}).value()->append(support::golden_event(*json.find("event")), text);
    EXPECT_EQ(text, json.find("expect")->text("result").value() + "\n") << json.to_json();
  }
}

}  // namespace
}  // namespace flume

// Recorded answers of the classic system (tests/golden/og): cases, one JSON object a line, and the events in them.
#pragma once

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/event/event.h"
#include "common/json/json.h"
#include "tests/support/temp_dir.h"

namespace flume::support {

inline std::string golden_path(std::string_view name) { return str_cat(FLUME_SOURCE_DIR, "/tests/golden/og/", name); }
inline std::string golden_file(std::string_view name) {
  std::string contents = test::contents_of(golden_path(name));
  FLUME_CHECK(!contents.empty(), name);
  return contents;
}

// The cases of NAME.jsonl with this "op".
inline std::vector<JsonValue> golden_cases(std::string_view name, std::string_view op) {
  std::vector<JsonValue> cases;
  const std::string text = golden_file(str_cat(name, ".jsonl"));
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) {
      JsonValue one = JsonValue::parse(line).value();
      if (one.text("op").value() == op) {
        cases.push_back(std::move(one));
      }
    }
  }
  FLUME_CHECK(!cases.empty(), name);
  return cases;
}

inline std::string bytes_of_hex(std::string_view hex) {
  const auto bytes = from_hex(hex).value();
  return {bytes.begin(), bytes.end()};
}

inline Event golden_event(const JsonValue& json) {
  Event event;
  event.body =
      json.find("body_hex") != nullptr ? bytes_of_hex(json.text("body_hex").value()) : json.text_or("body", "").value();
  event.timestamp = json.integer_or("ts", 0).value();
  event.priority = parse_priority(json.text_or("pri", "INFO").value()).value();
  event.nanos = json.integer_or("nanos", 0).value();
  event.host = json.text_or("host", "host").value();
  for (const char* key : {"attrs", "attrs_hex"}) {
    if (const JsonValue* attributes = json.find(key); attributes != nullptr) {
      for (const auto& [name, value] : *attributes->object()) {
        const std::string text = value.as_text().value();
        event.attributes[name] = key == std::string_view("attrs") ? text : bytes_of_hex(text);
      }
    }
  }
  return event;
}

// The process's time zone while it lives.
class ScopedZone {
 public:
  explicit ScopedZone(const std::string& zone) {
    setenv("TZ", zone.c_str(), 1);
    tzset();
  }
  ~ScopedZone() {
    unsetenv("TZ");
    tzset();
  }
  ScopedZone(const ScopedZone&) = delete;
  ScopedZone& operator=(const ScopedZone&) = delete;
};

}  // namespace flume::support

// Escapes against the recorded answers of the classic system.
#include <gtest/gtest.h>

#include "common/event/event_escape.h"
#include "tests/support/batches.h"
#include "tests/support/golden.h"

namespace flume {
namespace {

using support::golden_cases;

std::string expanded(const std::string& pattern, const Event& event) {
  const EscapeExpander expander(EscapeTemplate::parse(pattern).value(), TimeZone::local(), EscapeUse::kText);
  std::string of_event;
  std::string of_batch;
  expander.expand(event, of_event);
  expander.expand(support::batch_of({event}), 0, of_batch);
  EXPECT_EQ(of_event, of_batch) << pattern;
  return of_event;
}

TEST(EscapesGolden, TextsAreTheRecordedOnes) {
  for (const JsonValue& one : golden_cases("escapes", "escape")) {
    const support::ScopedZone zone(one.text("tz").value());
    const std::string pattern = one.text("template").value();
    const std::string text = expanded(pattern, support::golden_event(*one.find("event")));
    if (pattern == "%{bin}") {  // the classic system made U+FFFD of bytes that are no UTF-8; ours keeps them
      EXPECT_EQ(text, std::string("\xFF\0\xFE", 3));
      continue;
    }
    EXPECT_EQ(text, one.find("expect")->text("result").value()) << one.to_json();
  }
}

TEST(EscapesGolden, ATextHasEscapesWhereTheClassicSystemSawATag) {
  for (const JsonValue& one : golden_cases("escapes", "containsTag")) {
    EXPECT_EQ(EscapeTemplate::parse(one.text("template").value())->has_escapes(),
              one.find("expect")->boolean("result").value())
        << one.to_json();
  }
}

}  // namespace
}  // namespace flume

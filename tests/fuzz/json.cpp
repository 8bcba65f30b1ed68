// JSON: what parses prints, and what is printed parses to the same value.
#include "common/json/json.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view text = support::fuzz_text(data, size);
  (void)JsonValue::parse(text, {.validate_utf8 = false});
  const Result<JsonValue> value = JsonValue::parse(text);
  if (value.ok()) {
    const std::string printed = value->to_json();
    const Result<JsonValue> again = JsonValue::parse(printed);
    support::require(again.ok() && *again == *value, "what is printed parses to the same value");
    support::require(again->to_json() == printed, "printing is stable");
  }
  return 0;
}

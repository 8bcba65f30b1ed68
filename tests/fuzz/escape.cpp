// Escape templates: any text parses or is refused, and what parses can be filled in from any event, as text and as a
// path that stays one path below its base.
#include "common/event/event_escape.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view input = support::fuzz_text(data, size);
  const size_t cut = input.find('\n');
  const std::string_view pattern = input.substr(0, cut);
  Result<EscapeTemplate> parsed = EscapeTemplate::parse(pattern);
  if (!parsed.ok()) {
    return 0;
  }
  support::require(parsed->text() == pattern, "a template keeps its text");
  Event event;
  event.timestamp = static_cast<int64_t>(size) * 86'400'000 * 7;
  event.host = cut == std::string_view::npos ? "h" : std::string(input.substr(cut + 1));
  event.body = event.host;
  event.attributes["a"] = event.host;
  std::string text;
  EscapeExpander(*parsed, TimeZone::local(), EscapeUse::kText).expand(event, text);
  if (!parsed->has_escapes()) {
    support::require(text == pattern, "a text without escapes stays as it is");
  }
  std::string path;
  EscapeExpander(*std::move(parsed), TimeZone::local(), EscapeUse::kPath).expand(event, path);
  support::require(pattern.find('\0') != std::string_view::npos || path.find('\0') == std::string::npos,
                   "no event puts a NUL into a path");
  return 0;
}

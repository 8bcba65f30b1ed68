// Regular expressions: any pattern compiles or is refused, and searching terminates with groups inside the text.
#include <array>

#include "common/text/regex.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view input = support::fuzz_text(data, size);
  const size_t cut = input.find('\n');
  const std::string_view text = cut == std::string_view::npos ? std::string_view() : input.substr(cut + 1);
  for (const bool bytes : {false, true}) {
    const Result<Regex> regex = Regex::compile(input.substr(0, std::min<size_t>(cut, 256)), {.bytes = bytes});
    if (!regex.ok()) {
      continue;
    }
    std::array<std::string_view, Regex::kMaxGroups + 1> groups;
    const size_t wanted = std::min(groups.size(), regex->group_count() + 1);
    const bool found = regex->find(text, 0, {groups.data(), wanted});
    support::require(found == regex->matches_somewhere(text), "both searches agree");
    if (found) {
      for (size_t i = 0; i < wanted; ++i) {
        support::require(
            groups[i].data() == nullptr ||
                (groups[i].data() >= text.data() && groups[i].data() + groups[i].size() <= text.data() + text.size()),
            "groups lie inside the text");
      }
    }
    std::vector<std::string_view> parts;
    regex->split(text, parts);
  }
  return 0;
}

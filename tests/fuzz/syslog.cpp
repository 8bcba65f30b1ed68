// Syslog: any bytes are cut into the same records however they arrive, and a record that is taken is what it says.
#include <string>
#include <vector>

#include "common/event/syslog_record.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view input = support::fuzz_text(data, size);
  if (input.size() < 2) {
    return 0;
  }
  const size_t limit = 1 + static_cast<uint8_t>(input[0]);
  const size_t step = 1 + static_cast<uint8_t>(input[1]) % 16;
  const std::string_view bytes = input.substr(2);
  const auto records = [&](size_t piece) {
    std::vector<std::string> all;
    SyslogFramer framer(limit);
    const auto note = [&](std::string_view record, uint64_t cut) {
      support::require(record.size() <= limit, "no record is over the limit");
      all.push_back(std::string(record) + "+" + std::to_string(cut));
    };
    for (size_t at = 0; at < bytes.size(); at += piece) {
      framer.feed(bytes.substr(at, piece), note);
    }
    framer.finish(note);
    return all;
  };
  support::require(records(step) == records(bytes.size() + 1), "pieces do not matter");
  if (const auto record = parse_syslog(bytes)) {
    support::require(record->facility <= 23 && record->severity <= 7, "within the bounds of PRI");
    support::require(record->body.data() + record->body.size() == bytes.data() + bytes.size(), "the body ends it");
    support::require(priority_of_severity(record->severity) <= Priority::kTrace, "a priority");
  }
  return 0;
}

// Reading of avrojson and json lines (the replay source). What can be read and is written again reads the same.
#include "common/event/format_reader.h"
#include "common/event/format.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view line = support::fuzz_text(data, size);
  const BatchLimits limits{.event_bytes = 4096};
  (void)read_event_line(ReplayFormat::kJson, line, limits);
  const Result<Event> event = read_event_line(ReplayFormat::kAvroJson, line, limits);
  if (event.ok()) {
    std::string written;
    make_format("avrojson", {}).value()->append(*event, written);
    support::require(!written.empty() && written.back() == '\n', "a written event ends its line");
    written.pop_back();
    const Result<Event> again = read_event_line(ReplayFormat::kAvroJson, written, limits);
    support::require(again.ok() && *again == *event, "an event survives writing and reading");
  }
  return 0;
}

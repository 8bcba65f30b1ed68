// The classic binary event, as it comes from SequenceFiles and from other systems' gzip and batch decorators: any bytes
// give an event within the limits or an error, and an event survives writing and reading.
#include "common/event/writable_event.h"
#include "tests/support/batches.h"
#include "tests/support/fuzz.h"

namespace {

class BinaryEvents final : public flume::OutputFormat {
 public:
  std::string_view name() const override { return "binary"; }

 protected:
  void append_row(const flume::FormatRow& row, std::string& out) override { append_writable_event(row, out); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view bytes = support::fuzz_text(data, size);
  const BatchLimits limits{.event_bytes = 4096};
  size_t used = 0;
  const Result<Event> event = read_writable_event(bytes, limits, &used);
  if (!event.ok()) {
    return 0;
  }
  support::require(used <= size, "what was read lies within the bytes");
  std::string written;
  BinaryEvents().append(*event, written);
  const Result<Event> again = read_writable_event(written, limits, &used);
  support::require(again.ok() && used == written.size() && *again == *event, "an event survives writing and reading");
  return 0;
}

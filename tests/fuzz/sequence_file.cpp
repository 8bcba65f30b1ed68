// Reading of SequenceFiles: any bytes give records and errors that can be stepped over, and the place never
// runs backwards or past the end.
#include "common/io/sequence_file.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view contents = support::fuzz_text(data, size);
  constexpr size_t kMaxValue = 1 << 16;
  Result<SequenceReader> reader = SequenceReader::open(contents, kMaxValue);
  if (!reader.ok()) {
    return 0;
  }
  SequenceReader::Place before = reader->place();
  while (true) {
    const auto record = reader->next();
    if (record.ok() && !record->has_value()) {
      return 0;
    }
    if (record.ok()) {
      support::require((*record)->value.size() <= kMaxValue, "a value keeps the limit");
    } else {
      // Before what is bad; blocks without records may lie between.
      support::require(reader->place().offset > before.offset || reader->place() == before,
                       "what is bad is not stepped over by itself");
      before = reader->place();
      support::require(reader->skip_bad().ok(), "memory can be read");
    }
    const SequenceReader::Place after = reader->place();
    support::require(
        after.offset > before.offset || (after.offset == before.offset && after.in_block > before.in_block),
        "the place moves on");
    support::require(after.offset <= contents.size(), "the place stays in the file");
    before = after;
  }
}

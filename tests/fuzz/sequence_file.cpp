// Reading of SequenceFiles: any bytes give records or an error, and the position never runs backwards or past the end.
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
  uint64_t before = reader->position();
  while (true) {
    const auto record = reader->next();
    if (!record.ok() || !record->has_value()) {
      break;
    }
    support::require((*record)->value.size() <= kMaxValue, "a value keeps the limit");
    support::require(reader->position() > before && reader->position() <= contents.size(), "the position moves on");
    before = reader->position();
  }
  return 0;
}

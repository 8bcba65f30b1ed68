// Decoding of batches. Inputs are tried as they are and with their lengths and checksums mended, because a checksum
// would keep almost all of them out. What decodes must be readable in every way and encode to the same rows.
#include <algorithm>

#include "tests/support/batches.h"
#include "tests/support/fuzz.h"

namespace flume {
namespace {

using support::require;

constexpr size_t kHeader = 128;

uint32_t load32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void store32(std::string& bytes, size_t at, uint32_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); }

// Makes the outermost checks hold: magic, lengths that add up to the input, both checksums.
std::string mended(std::string_view input) {
  std::string bytes(input);
  bytes.resize((bytes.size() + 7) & ~size_t{7});
  if (bytes.size() < kHeader) {
    bytes.resize(kHeader);
  }
  std::memcpy(bytes.data(), "FLB1\1", 5);
  const auto size = static_cast<uint32_t>(bytes.size());
  const uint32_t head = std::clamp<uint32_t>(load32(bytes, 8) & ~7U, kHeader, size);
  const uint32_t blob_room = size - head;
  uint32_t stored = load32(bytes, 12);
  if (stored > blob_room || ((stored + 7) & ~7U) != blob_room) {
    stored = blob_room;
  }
  store32(bytes, 8, head);
  store32(bytes, 12, stored);
  if (bytes[5] == 0) {
    store32(bytes, 16, stored);
  }
  std::fill(bytes.begin() + head + stored, bytes.end(), '\0');
  return support::restamped(std::move(bytes));
}

void read_all(const EventBatch& batch) {
  uint64_t bodies = 0;
  for (uint32_t row = 0; row < batch.rows(); ++row) {
    const Event event = batch.event(row);
    bodies += event.body.size();
    (void)batch.origin_position(row);
    (void)batch.hop_ordinal(row);
    for (const std::string_view name : batch.attribute_names()) {
      (void)batch.attribute(row, name);
    }
  }
  require(bodies == batch.body_bytes(), "the bodies' bytes add up");
  (void)batch.constant(Field::kHost);
  (void)batch.constant_number(Field::kTimestamp);
}

void same_again(const EventBatch& batch, const BatchLimits& limits) {
  const Result<EventBatch> again = support::decode(support::bytes_of(batch), limits);
  require(again.ok(), "what was decoded encodes to a batch");
  require(support::events_of(*again) == support::events_of(batch), "a batch encodes to the same rows");
}

void try_decode(std::string_view bytes) {
  const BatchLimits limits{.blob_bytes = 1U << 20, .head_bytes = 1U << 20, .rows = 4096, .event_bytes = 1U << 16};
  const Result<EventBatch> decoded = support::decode(bytes, limits);
  if (!decoded.ok()) {
    require(decoded.status().code() == Code::kCorrupt || decoded.status().code() == Code::kUnsupported,
            "bad bytes are corrupt or unsupported");
    return;
  }
  require(support::bytes_of(*decoded) == bytes, "a whole batch encodes to its bytes");
  const Result<EventBatch> plain = decoded->uncompressed(limits);
  if (!plain.ok()) {
    return;
  }
  read_all(*plain);
  const uint32_t cut = plain->rows() / 3;
  for (const EventBatch& part : {plain->slice(0, cut), plain->from(cut)}) {
    if (!part.empty()) {
      read_all(part);
      same_again(part, limits);
    }
  }
  same_again(plain->with_constant("fuzz", "value"), limits);
  std::vector<uint32_t> odd;
  for (uint32_t row = 1; row < plain->rows(); row += 2) {
    odd.push_back(row);
  }
  if (!odd.empty()) {
    same_again(plain->pick(odd), limits);
  }
}

}  // namespace
}  // namespace flume

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = flume::support::fuzz_text(data, size);
  flume::try_decode(input);
  flume::try_decode(flume::mended(input));
  return 0;
}

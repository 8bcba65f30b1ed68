// The encoded batch (docs/formats/batch.md) as this library sees it: constants, the table of columns over the bytes,
// the parser that fills it and the writer that makes a head. Internal to common/event; users include batch.h.
//
// parse() checks structure once, so that every later view is a plain load. Integers are little-endian and so is the
// machine (checked at compile time); what may be unaligned is read with load<>().
#pragma once

#include <bit>
#include <cstring>
#include <deque>

#include "common/event/batch.h"

namespace flume {

namespace encoding {

static_assert(std::endian::native == std::endian::little, "batches are used in place, in little-endian order");

constexpr std::string_view kMagic = "FLB1";
constexpr uint8_t kVersion = 1;
constexpr uint32_t kHeaderBytes = 128;
constexpr uint32_t kEntryBytes = 16;
constexpr uint32_t kMaxColumns = 250;
constexpr uint32_t kMaxRows = 1U << 20;
constexpr uint32_t kMaxHeadBytes = 16U << 20;
constexpr uint32_t kMaxBlobBytes = 64U << 20;
constexpr size_t kMaxDelimiter = 6;
constexpr size_t kMaxName = 65535;

enum Flag : uint16_t { kLastRowOpen = 1, kCountsBytes = 2, kMultiplied = 4, kMustUnderstand = 0xFF00 };

enum Id : uint8_t {
  kEnds = 1,
  kTimestamp = 2,
  kPriority = 3,
  kNanos = 4,
  kHost = 5,
  kIndex = 6,
  kAttribute = 7,
  kFirstOptional = 128,
  kOriginOffset = 128,  // the first of the optional ones
};

enum Encoding : uint8_t { kConstant, kLinear, kArray, kBytes, kDictionary, kPresence = 128 };

// Offsets of header fields.
enum At : uint8_t {
  kAtVersion = 4,
  kAtCodec = 5,
  kAtFlags = 6,
  kAtHeadBytes = 8,
  kAtBlobStored = 12,
  kAtBlobRaw = 16,
  kAtRows = 20,
  kAtDelimiterLength = 24,
  kAtDelimiter = 25,
  kAtColumns = 31,
  kAtOriginNode = 32,
  kAtOriginStream = 48,
  kAtPosition = 64,
  kAtEndPosition = 72,
  kAtHopStream = 80,
  kAtHopOrdinal = 96,
  kAtBootEpoch = 104,
  kAtSpan = 108,
  kAtChain = 112,
  kAtBlobCrc = 120,
  kAtHeadCrc = 124,
};

template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void store(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <class T>
void append_raw(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class U>
constexpr U align8(U n) {
  return (n + 7) & ~U{7};
}

inline size_t bitmap_bytes(uint32_t rows) { return (size_t{rows} + 7) / 8; }

// One column, checked: a view into the head.
struct Column {
  uint8_t id = 0;
  uint8_t encoding = 0;  // without the presence bit
  std::string_view name;
  std::string_view data;           // as in the directory: bitmap included
  const char* presence = nullptr;  // bitmap, or none: every row has a value
  const char* values = nullptr;    // behind the bitmap
  uint32_t entries = 0;            // of the dictionary
  uint32_t width = 0;              // of an array's or an index' elements

  explicit operator bool() const { return id != 0; }
  bool has(uint32_t row) const { return !presence || (presence[row / 8] >> (row % 8) & 1) != 0; }
  std::string_view text(uint32_t rows,
                        uint32_t row) const;  // encodings constant, bytes, dictionary (, array: the bytes)
  int64_t number(uint32_t row) const;         // timestamp, nanos
};

// What a new head is made of. The writer lays columns out in directory order.
struct HeadPlan {
  uint16_t flags = 0;
  uint32_t rows = 0;
  uint32_t blob_raw = 0;
  std::string_view delimiter;
  Origin origin;
  Hop hop;

  struct Piece {
    uint8_t id = 0;
    uint8_t encoding = 0;  // with the presence bit
    std::string_view name;
    std::string_view data;
  };
  std::vector<Piece> columns;
  std::deque<std::string> owned;  // what pieces view that did not exist before

  void add(uint8_t id, uint8_t encoding, std::string_view name, std::string_view data) {
    columns.push_back({id, encoding, name, data});
  }
  void add_owned(uint8_t id, uint8_t encoding, std::string_view name, std::string data) {
    owned.push_back(std::move(data));
    add(id, encoding, name, owned.back());
  }
};

}  // namespace encoding

// The two buffers and the table of columns over them; shared by copies and slices, immutable once built.
struct EventBatch::Shared {
  std::shared_ptr<const char[]> head_owner;
  const char* head = nullptr;
  std::shared_ptr<const char[]> blob_owner;
  const char* blob = nullptr;  // stored bytes and their zero padding

  // From the header.
  BlobCodec codec = BlobCodec::kNone;
  uint16_t flags = 0;
  uint32_t head_bytes = 0, blob_stored = 0, blob_raw = 0, rows = 0, span = 0;
  std::string_view delimiter;
  Origin origin;
  Hop hop;
  uint32_t chain_rows = 0;  // the hop's chain is that behind so many rows: all, but for a stamped slice

  // Columns; `ends` always, the others where present.
  const uint32_t* ends = nullptr;
  uint32_t only_end = 0;  // what `ends` points to when there is one row and no column
  const uint32_t* index = nullptr;
  const uint32_t* origin_offsets = nullptr;
  encoding::Column timestamp, priority, nanos, host;
  std::vector<encoding::Column> attributes;  // sorted by name
  std::vector<encoding::Column> others;      // ids 128-255, carried

  uint32_t begin_of(uint32_t row) const { return row == 0 ? 0 : ends[row - 1]; }
  // Of the numbers that origin and hop give: row 0's side of a slice starts at the base, so that slices tile the span.
  uint32_t number_of(uint32_t row) const { return index ? index[row] : row; }
  uint32_t span_begin(uint32_t row) const { return row == 0 ? 0 : row == rows ? span : number_of(row); }
  uint64_t position_begin(uint32_t row) const;  // origin position where a slice that starts at `row` begins
  bool open_end(uint32_t row) const { return (flags & encoding::kLastRowOpen) != 0 && row + 1 == rows; }
  uint32_t delimiter_bytes(uint32_t row) const { return open_end(row) ? 0 : static_cast<uint32_t>(delimiter.size()); }
  const encoding::Column* attribute(std::string_view name) const;
};

// How the parts of this library make and open batches.
struct BatchAccess {
  using Shared = EventBatch::Shared;
  // Fills the table of `shared`, whose buffers are set. With `trusted` bytes (just written here) only the table.
  static Status parse(Shared& shared, const BatchLimits& limits, bool trusted);
  // Rows end where the delimiter stands; after decode() and decompression.
  static Status check_delimiters(const Shared& shared);

  // Writes the head and opens it. `blob` has 8 bytes of zero padding reachable behind `raw` bytes.
  static std::shared_ptr<const Shared> assemble(encoding::HeadPlan& plan, std::shared_ptr<const char[]> blob_owner,
                                                const char* blob, uint32_t blob_crc);
  // The same where blob, its codec and its CRC are those of `from`.
  static std::shared_ptr<const Shared> assemble(encoding::HeadPlan& plan, const Shared& from);
  // Stamps the head's checksum and opens it.
  static std::shared_ptr<const Shared> open_head(std::shared_ptr<char[]> head, size_t head_bytes,
                                                 std::shared_ptr<const char[]> blob_owner, const char* blob,
                                                 uint32_t chain_rows = 0);
  static size_t head_bytes_of(const encoding::HeadPlan& plan);
  static EventBatch make(std::shared_ptr<const Shared> shared, AckToken token);
  // The whole of `shared` seen through the same rows as `batch`.
  static EventBatch rewrap(const EventBatch& batch, std::shared_ptr<const Shared> shared);
  static const Shared& shared(const EventBatch& batch) { return *batch.shared_; }
  static const std::shared_ptr<const Shared>& pointer(const EventBatch& batch) { return batch.shared_; }
  static uint32_t first(const EventBatch& batch) { return batch.first_; }

  static encoding::HeadPlan plan_of(const Shared& shared);  // header fields only
  // Every column but ends and the attributes, as it is.
  static void copy_fields(const Shared& shared, encoding::HeadPlan& plan);
  static EventBatch materialize(const EventBatch& batch);  // a slice as a batch of its own
};

}  // namespace flume

// Segments: the files of a write-ahead log, byte by byte (docs/formats/wal.md). A segment begins with a header, then
// come records: each one encoded batch, stamped with the log's stream and its first row's ordinal. A sealed segment
// ends with a footer that says how much is in it. Pure functions over bytes and names, and a reader that checks every
// byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/event/batch.h"
#include "common/event/blob_pool.h"
#include "common/io/file_system.h"

namespace flume::wal {

inline constexpr size_t kHeaderBytes = 64;
inline constexpr size_t kRecordHeadBytes = 8;
inline constexpr size_t kFooterBytes = 32;  // with its record head
inline constexpr uint32_t kFooterMark = 0xFFFFFFFF;
inline constexpr uint32_t kPlacesMark = 0xFFFFFFFE;
inline constexpr size_t kPlacesHeadBytes = 16;  // with its record head
inline constexpr uint32_t kMaxPlacesBytes = 16U << 20;

enum class SegmentState : uint8_t {
  kOpen,    // being written, or was when its writer ended
  kSealed,  // complete, with a footer
};

// "00000000000000001234.open": twenty digits of the first ordinal, so that names sort as rows do.
struct SegmentName {
  uint64_t first_ordinal = 0;
  SegmentState state = SegmentState::kOpen;

  static std::optional<SegmentName> parse(std::string_view file_name);
  std::string text() const;
};

struct SegmentHeader {
  Id128 stream{};  // of the rows
  uint64_t first_ordinal = 0;
  int64_t created_millis = 0;
};
std::string encode_header(const SegmentHeader& header);  // kHeaderBytes
Result<SegmentHeader> decode_header(std::string_view bytes);

struct SegmentTotals {
  uint64_t rows = 0;
  uint64_t body_bytes = 0;
  uint32_t skipped = 0;  // numbers between rows that none has: rows that were filtered out before the log

  uint64_t numbers() const { return rows + skipped; }
  bool operator==(const SegmentTotals&) const = default;
};
std::string encode_footer(const SegmentTotals& totals);  // kFooterBytes

// How far the log holds one origin stream: all its rows before `position` are in the log or were settled otherwise.
// Rows that come again (a source that went back, a sender that sends again) are known by it. `note` is the source's own
// word for a place at or behind that position (AckToken::note()); "" when it said none.
struct Place {
  Id128 stream{};
  uint64_t position = 0;
  std::string note;

  bool operator==(const Place&) const = default;
};
struct Places {
  // True: what the log holds at this point of the file. False: notes of the batches that follow; whether these batches
  // are there is for them to say.
  bool held = false;
  uint64_t released = 0;  // rows below are durable at the far end
  std::vector<Place> all;

  bool operator==(const Places&) const = default;
};
std::string encode_places(const Places& places);  // with padding
Result<Places> decode_places(std::string_view body);

// What stands before a batch of so many bytes, and the zeros behind it that make the next record begin at 8.
std::string encode_record_head(uint32_t batch_bytes);
size_t padding_after(uint64_t batch_bytes);

// Reads a segment's records in order, or those from an offset on that is a record's. Bounded: one record in memory.
// Not thread-safe; the file may grow meanwhile.
class SegmentReader {
 public:
  enum class Kind : uint8_t {
    kBatch,
    kPlaces,
    kFooter,   // a sealed segment's end
    kEnd,      // nothing behind the last record
    kTorn,     // a record that was not written to its end, with nothing behind it
    kDamaged,  // bytes that are no record; next() may go on behind them
  };
  struct Item {
    Kind kind = Kind::kEnd;
    uint64_t offset = 0;      // where it begins in the file
    uint64_t end_offset = 0;  // and ends; the next record's place
    EventBatch batch;         // kBatch: with the token that was asked for
    SegmentTotals totals;     // kFooter
    Places places;            // kPlaces
    std::string why;          // kTorn, kDamaged
  };

  // `limit`: bytes of the file that may be looked at (a log's own reader stops where it is synced). `pool`: for the
  // bytes of batches; null: each has memory of its own.
  SegmentReader(const LogFile& file, const BatchLimits& limits, uint64_t limit = UINT64_MAX,
                std::shared_ptr<BlobPool> pool = nullptr);

  Result<SegmentHeader> header() const;
  void seek(uint64_t offset) { at_ = offset; }
  uint64_t offset() const { return at_; }
  void set_limit(uint64_t limit) { limit_ = limit; }
  // Whose rows they are, where the header cannot say it.
  void expect_stream(const Id128& stream) { stream_ = stream; }
  // An error only when the file cannot be read.
  Result<Item> next();

 private:
  Result<std::string> bytes(uint64_t offset, size_t count) const;
  Result<Item> read_at(uint64_t offset, uint64_t end) const;
  Result<Item> read_footer(Item item) const;
  Result<Item> read_places(Item item, uint64_t end) const;
  Result<Item> read_batch(Item item, uint32_t length, uint64_t end) const;
  Status find_next(Item& item, uint64_t end) const;

  const LogFile& file_;
  const BatchLimits limits_;
  uint64_t limit_;
  const std::shared_ptr<BlobPool> pool_;
  uint64_t at_ = kHeaderBytes;
  std::optional<Id128> stream_;
};

}  // namespace flume::wal

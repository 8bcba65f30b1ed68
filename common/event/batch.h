// EventBatch: rows in columns over shared immutable buffers, in the one encoding of memory, wire and disk
// (docs/formats/batch.md). Value type: copies and slices share two buffers, head (header and columns) and blob
// (bodies). Views live as long as any copy of the batch. A stage that changes nothing copies nothing; one that adds an
// attribute makes a new head only.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/event/ack.h"
#include "common/event/event.h"

namespace flume {

enum class Field : uint8_t { kTimestamp, kPriority, kNanos, kHost };
enum class BlobCodec : uint8_t { kNone, kZstd, kLz4, kGzip };
std::string_view blob_codec_name(BlobCodec codec);  // "none", "zstd", ...: as in configurations and on the wire
std::vector<std::string> blob_codec_names();        // of all, in their order
std::optional<BlobCodec> blob_codec_of(std::string_view name);

// Bounds for bytes from elsewhere; checked before anything is allocated.
struct BatchLimits {
  uint32_t blob_bytes = 64U << 20;
  uint32_t head_bytes = 16U << 20;
  uint32_t rows = 1U << 20;
  uint32_t event_bytes = 1U << 20;  // flume.event.max.size.bytes: a body, or one attribute value
  uint32_t ratio = 200;             // blob_raw / blob_stored
};

// Where a batch comes from: one origin stream, positions in it, and the log that last took responsibility.
struct Origin {
  Id128 node{};
  Id128 stream{};
  uint64_t position = 0;      // of row 0: byte offset or sequence number
  uint64_t end_position = 0;  // after the last row
  uint32_t boot_epoch = 0;
  bool counts_bytes = false;  // positions are byte offsets (start + ends), else row numbers
};
struct Hop {
  Id128 stream{};        // zero: no log took responsibility yet
  uint64_t ordinal = 0;  // of row 0
  uint64_t chain = 0;    // running hash of the stream up to the last number; 0: none, or the end was cut off
  uint32_t span = 0;     // rows that the numbers span (= rows unless rows were dropped)
};

// Bytes that decode() reads: head and blob adjacent in one shared allocation. 8-byte aligned start.
struct Buffer {
  std::shared_ptr<const char[]> data;
  size_t size = 0;
};

class EventBatch {
 public:
  EventBatch();  // no rows; only a place to be assigned to
  uint32_t rows() const;
  bool empty() const { return rows() == 0; }

  int64_t timestamp(uint32_t row) const;
  Priority priority(uint32_t row) const;
  int64_t nanos(uint32_t row) const;
  std::string_view host(uint32_t row) const;
  std::string_view body(uint32_t row) const;  // without the delimiter
  // No value: the row has no such attribute (differs from empty).
  std::optional<std::string_view> attribute(uint32_t row, std::string_view name) const;
  std::vector<std::string_view> attribute_names() const;  // of all columns, sorted
  Event event(uint32_t row) const;                        // everything copied out

  std::string_view blob() const;  // this slice's bytes with delimiters
  uint64_t body_bytes() const;    // sum of the bodies, without delimiters
  std::string_view delimiter() const;
  // True: blob() is exactly each body followed by `delimiter` (the raw output of these rows).
  bool blob_is_rows_of(std::string_view delimiter) const;
  // The value, if it is the same in every row of the batch (for attributes: and present in every row) without looking
  // at rows.
  std::optional<std::string_view> constant(Field host_only) const;
  std::optional<int64_t> constant_number(Field field) const;
  std::optional<std::string_view> constant(std::string_view attribute) const;

  const Origin& origin() const;  // of this slice
  uint64_t origin_position(uint32_t row) const;
  Hop hop() const;  // of this slice
  uint64_t hop_ordinal(uint32_t row) const;
  bool multiplied() const;  // flag bit 2

  bool is_same(const EventBatch& other) const;        // the same rows of the same buffers, whoever is owed them
  EventBatch slice(uint32_t from, uint32_t n) const;  // O(1)
  EventBatch from(uint32_t k) const { return slice(k, rows() - k); }

  // New head, same blob and blob CRC. An attribute that exists is replaced. One that the format has no room for (name
  // empty, over 65535 bytes or with a NUL; value over 1 MiB; 250 columns) is not added: attribute_fits() tells before.
  bool attribute_fits(std::string_view attribute, size_t largest_value) const;
  EventBatch with_constant(std::string_view attribute, std::string_view value) const;
  EventBatch with_attribute(std::string_view attribute, std::span<const std::optional<std::string_view>> values) const;
  EventBatch without_attributes(std::span<const std::string> names) const;
  EventBatch with_only_attributes(std::span<const std::string> names) const;
  EventBatch with_hop(const Hop& hop) const;
  EventBatch with_multiplied() const;
  // New head and blob.
  EventBatch with_bodies(std::span<const std::string_view> bodies, std::string_view delimiter) const;
  EventBatch pick(std::span<const uint32_t> rows) const;  // ascending; origin positions and hop ordinals are kept
  // Compressed blob, same head otherwise; bodies, blob(), pick() and encoding a slice need uncompressed() first (asking
  // is a broken invariant). A blob that does not get smaller, or by more than the ratio that receivers allow, stays
  // plain.
  Result<EventBatch> compressed(BlobCodec codec) const;
  Result<EventBatch> uncompressed(const BatchLimits& limits) const;
  BlobCodec codec() const;
  // What encoded() takes: this batch, but a slice of a compressed one is uncompressed.
  Result<EventBatch> encodable(const BatchLimits& limits) const;

  // Head and stored blob (with padding). Whole batch: the stored bytes; slice: a new head, blob CRC computed anew. The
  // views live as long as `holder`, which keeps what had to be built.
  struct Encoded {
    std::array<iovec, 2> pieces;
    std::shared_ptr<const void> holder;
    size_t size() const { return pieces[0].iov_len + pieces[1].iov_len; }
  };
  Encoded encoded() const;
  // Verifies everything once (bounds, order, padding, both CRCs); later views need no checks. kCorrupt says what and
  // where, kUnsupported names an unknown version, flag or column.
  static Result<EventBatch> decode(const Buffer& bytes, const BatchLimits& limits, AckToken token);

  const AckToken& token() const;
  EventBatch with_token(AckToken token) const;
  // Settles all rows of this batch or slice.
  void settle(Outcome outcome, std::string_view reason = {}) const;

  struct Shared;  // internal to this library: encoding.h

 private:
  friend class BatchBuilder;
  friend struct BatchAccess;              // encoding.cpp, edit.cpp
  std::shared_ptr<const Shared> shared_;  // buffers and decoded column table, shared by copies and slices
  uint32_t first_ = 0;
  uint32_t rows_ = 0;
  Origin origin_;
  AckToken token_;
};

class BlobPool;

// What becomes of a line longer than the event limit.
enum class Oversize : uint8_t {
  kSplit,  // rows of the limit each, but the last; every piece but the last has no delimiter and ends its batch
  kCut,    // the first part becomes a row, the rest of the line is thrown away
};

struct BuilderOptions {
  Origin origin;                 // position = where the first row will be
  std::string delimiter = "\n";  // 0..6 bytes, kept in the blob
  std::string host;              // constant host of all rows
  uint32_t target_bytes = 256 << 10;
  BatchLimits limits;
  Oversize oversize = Oversize::kSplit;
  std::shared_ptr<BlobPool> pool;  // none: its own; share one (blob_pool.h) where many builders are mostly idle
};

// Fills one batch after another from the same origin stream. One thread. Two ways in: read() into space() and
// commit_lines(), or add() row by row.
class BatchBuilder {
 public:
  explicit BatchBuilder(BuilderOptions options);
  ~BatchBuilder();
  BatchBuilder(BatchBuilder&&) noexcept;
  BatchBuilder& operator=(BatchBuilder&&) noexcept;

  // On every row from the next batch on; rows that have the attribute of their own keep theirs, in that batch nobody
  // gets this one then.
  void set_constant(std::string_view attribute, std::string_view value);
  // Free space at the end of the blob, at least `at_least` bytes: read() writes straight into it.
  std::span<char> space(size_t at_least);
  // `bytes` of space() were filled at wall time `timestamp`: cuts them into rows at the delimiter; an unfinished line
  // stays for the next batch (carried over by seal()). Row i gets nanos + i. Returns the rows found. Lines over the
  // event limit are treated as the options say; such a piece ends the batch, what was read behind it stays, and the
  // next call, also with 0 bytes, goes on with it. With 0 bytes and nothing left to cut the buffer is given back, so
  // an idle builder holds only its unfinished line.
  uint32_t commit_lines(size_t bytes, int64_t timestamp, int64_t nanos);
  // After seal(): lines may be left to cut: call commit_lines(0, ...) before reading more.
  bool has_uncut() const;
  uint64_t oversized_rows() const;   // rows that were cut off a line over the limit
  uint64_t discarded_bytes() const;  // thrown away by kCut
  size_t unfinished_bytes() const;   // of the line not ended yet
  // Makes the unfinished line a row without delimiter (end of file); it ends the batch. False: there is none, or the
  // batch has to be sealed first.
  bool finish_line(int64_t timestamp, int64_t nanos);
  // Throws the unfinished line away (its bytes still count in positions).
  void drop_unfinished();
  // False: full (by bytes or rows, or another delimiter state), seal first. One row may exceed the target, never the
  // limits: whoever has events from elsewhere asks check() first, because one over the limits is refused for ever.
  // An event without a host gets the builder's. Not while a line is unfinished.
  bool add(const Event& event);
  static Status check(const Event& event, const BatchLimits& limits);
  // Copies a row with everything but the body, which is replaced when given.
  bool add_row(const EventBatch& from, uint32_t row, std::optional<std::string_view> body = {});

  uint32_t rows() const;
  size_t bytes() const;           // blob bytes of complete rows
  bool full() const;              // the target is reached
  uint64_t end_position() const;  // after the last complete row
  void seek(uint64_t position);   // drops everything unsealed; the next row is at `position`
  // At least one complete row. The unfinished line moves to the next batch.
  EventBatch seal(AckToken token);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flume

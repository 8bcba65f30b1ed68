// Hadoop SequenceFiles, version 6: records of key and value, with sync marks between them; values compressed one by one
// (record compression), many records together (block compression) or not at all. What the classic system's dfs sink,
// its seqfile sinks and its logs wrote. Blocks are only read. Writer and reader are each used by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/io/file_system.h"
#include "common/io/sequence_codec.h"

namespace flume {

struct SequenceHeader {
  std::string key_class;
  std::string value_class;
  SequenceCodec codec = SequenceCodec::kNone;
  bool in_blocks = false;          // as read; files with blocks are not written
  std::array<uint8_t, 16> sync{};  // random mark that ends up between records
  size_t size = 0;                 // of the header, as read
};

class SequenceWriter {
 public:
  // A random sync mark if `header.sync` is zero.
  explicit SequenceWriter(SequenceHeader header);
  SequenceWriter(const SequenceWriter&) = delete;
  SequenceWriter& operator=(const SequenceWriter&) = delete;

  void append_header(std::string& out);
  void append_record(std::string_view key, std::string_view value, std::string& out);

 private:
  SequenceHeader header_;
  SequenceCompressor compressor_;
  uint64_t position_ = 0;   // in the file
  uint64_t last_sync_ = 0;  // end of the last mark
};

// Where a reader's bytes come from.
class SequenceInput {
 public:
  virtual ~SequenceInput() = default;
  virtual Result<uint64_t> size() = 0;
  // The bytes from `offset` on, fewer than `count` only at the end. Valid until the next call.
  virtual Result<std::string_view> view(uint64_t offset, size_t count) = 0;
};
std::unique_ptr<SequenceInput> sequence_input(std::string_view contents);  // which outlive it
// Bounded memory: what is asked for, at least 256 KiB.
std::unique_ptr<SequenceInput> sequence_input(std::unique_ptr<LogFile> file);

class SequenceReader {
 public:
  struct Record {
    std::string_view key;    // valid until the next call
    std::string_view value;  // likewise
  };
  // A record's place: its offset in the file, or its block's and how many records of that come before it.
  struct Place {
    uint64_t offset = 0;
    uint32_t in_block = 0;
    bool operator==(const Place&) const = default;
  };
  // Values of more than `max_value` bytes, and blocks of more than `max_value` and 64 MiB, are kNoSpace. kCorrupt: this
  // is no SequenceFile; kUnsupported: another version or codec.
  static Result<SequenceReader> open(std::unique_ptr<SequenceInput> input, size_t max_value);
  static Result<SequenceReader> open(std::string_view contents, size_t max_value);

  const SequenceHeader& header() const { return header_; }
  // Nothing at the end. kCorrupt and kNoSpace name the offset and leave the reader where it is, other errors are those
  // of the input. A torn tail is kCorrupt too: place() tells where it starts.
  Result<std::optional<Record>> next();
  // After kCorrupt or kNoSpace: goes on behind the record, or where that cannot be known at the next sync mark. False:
  // there is none, the reader is at the end. place() tells how far it went.
  Result<bool> skip_bad();
  Place place() const { return place_; }  // after the last good record
  uint64_t position() const { return place_.offset; }
  void seek(const Place& place);  // one that place() told

 private:
  struct Block {
    uint64_t begin = 0, end = 0;  // in the file
    uint32_t records = 0;
    std::string key_lengths, keys, value_lengths, values;  // decompressed
    // Of the next record.
    uint32_t at = 0;
    size_t key_length_at = 0, key_at = 0, value_length_at = 0, value_at = 0;
  };

  SequenceReader(std::unique_ptr<SequenceInput> input, size_t max_value, SequenceHeader header)
      : input_(std::move(input)), max_value_(max_value), header_(std::move(header)), place_{header_.size, 0} {}

  Status past_mark(uint64_t& at, uint64_t end);
  Result<std::optional<Record>> next_of_record(uint64_t at, uint64_t end);
  Result<std::optional<Record>> next_in_blocks();
  Status read_block(uint64_t at, uint64_t end);
  Result<uint32_t> vint_at(uint64_t& at);
  Result<Record> take_from_block();
  Place place_behind() const;  // the record of the block that was taken last

  std::unique_ptr<SequenceInput> input_;
  size_t max_value_;
  SequenceHeader header_;
  Place place_;
  uint64_t bad_end_ = 0;       // of the record or block that was refused; 0: not known
  bool bad_in_block_ = false;  // refused was one record of the block, which was stepped over
  std::unique_ptr<Block> block_;
  std::string inflated_;
};

}  // namespace flume

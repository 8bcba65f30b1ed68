// Hadoop SequenceFiles, version 6: records of key and value, with sync marks between them; values compressed one by one
// (record compression with DefaultCodec, zlib) or not. Block compression is refused. What the classic system's dfs
// sink, its seqfile sinks and its logs wrote. Writer and reader work on memory; both are used by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace flume {

struct SequenceHeader {
  std::string key_class;
  std::string value_class;
  bool compressed = false;         // each value is a zlib stream
  std::array<uint8_t, 16> sync{};  // random mark that ends up between records
  size_t size = 0;                 // of the header, as read
};

class SequenceWriter {
 public:
  // A random sync mark if `header.sync` is zero.
  explicit SequenceWriter(SequenceHeader header);
  ~SequenceWriter();
  SequenceWriter(const SequenceWriter&) = delete;
  SequenceWriter& operator=(const SequenceWriter&) = delete;

  void append_header(std::string& out);
  void append_record(std::string_view key, std::string_view value, std::string& out);

 private:
  struct Deflater;
  SequenceHeader header_;
  std::unique_ptr<Deflater> deflater_;
  uint64_t position_ = 0;   // in the file
  uint64_t last_sync_ = 0;  // end of the last mark
};

class SequenceReader {
 public:
  struct Record {
    std::string_view key;    // valid until the next call
    std::string_view value;  // likewise
  };
  // `contents` must outlive the reader. Values that would inflate to more than `max_value` bytes are kNoSpace.
  static Result<SequenceReader> open(std::string_view contents, size_t max_value);

  const SequenceHeader& header() const { return header_; }
  // Nothing at the end. kCorrupt names the offset; a torn tail is one too: position() tells where it starts.
  Result<std::optional<Record>> next();
  uint64_t position() const { return position_; }  // after the last good record

 private:
  SequenceReader(std::string_view contents, size_t max_value, SequenceHeader header)
      : contents_(contents), max_value_(max_value), header_(std::move(header)), position_(header_.size) {}

  std::string_view contents_;
  size_t max_value_;
  SequenceHeader header_;
  uint64_t position_;
  std::string inflated_;
};

}  // namespace flume

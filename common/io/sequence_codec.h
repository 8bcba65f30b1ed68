// The compression that Hadoop's SequenceFiles use: deflate (zlib), gzip and bzip2 streams over whole values or blocks.
// A SequenceCompressor is used by one thread; decompression is a function without state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace flume {

enum class SequenceCodec : uint8_t { kNone, kDeflate, kGzip, kBzip2 };

// "none", "deflate", "gzip", "bzip2".
std::string_view sequence_codec_name(SequenceCodec codec);
std::optional<SequenceCodec> parse_sequence_codec(std::string_view name);
// Hadoop's: "org.apache.hadoop.io.compress.GzipCodec". Empty for kNone.
std::string_view sequence_codec_class(SequenceCodec codec);
std::optional<SequenceCodec> sequence_codec_of_class(std::string_view java_class);

class SequenceCompressor {
 public:
  explicit SequenceCompressor(SequenceCodec codec);
  ~SequenceCompressor();
  SequenceCompressor(const SequenceCompressor&) = delete;
  SequenceCompressor& operator=(const SequenceCompressor&) = delete;

  // Appends `bytes` (below 1 GiB) as one whole stream.
  void run(std::string_view bytes, std::string& out);

 private:
  struct Zlib;
  const SequenceCodec codec_;
  std::unique_ptr<Zlib> zlib_;  // kept from stream to stream
};

// Appends what the whole stream `stored` holds. kNoSpace beyond `limit` bytes, kCorrupt when it is no such stream.
// Memory grows only as bytes come.
Status decompress_sequence_bytes(SequenceCodec codec, std::string_view stored, size_t limit, std::string& out);

}  // namespace flume

#include "common/io/sequence_codec.h"

#include <bzlib.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace flume {

namespace {

constexpr int kZlibWindow = 15;
constexpr int kGzipWindow = 15 + 16;
constexpr size_t kMaxInput = size_t{1} << 30;
constexpr size_t kFirstStep = 4096;
constexpr size_t kLargestStep = 1 << 20;

struct CodecName {
  SequenceCodec codec;
  std::string_view name;
  std::string_view java_class;
};
constexpr std::array<CodecName, 4> kCodecs{
    {{SequenceCodec::kNone, "none", ""},
     {SequenceCodec::kDeflate, "deflate", "org.apache.hadoop.io.compress.DefaultCodec"},
     {SequenceCodec::kGzip, "gzip", "org.apache.hadoop.io.compress.GzipCodec"},
     {SequenceCodec::kBzip2, "bzip2", "org.apache.hadoop.io.compress.BZip2Codec"}}};
constexpr std::string_view kDeflateClass = "org.apache.hadoop.io.compress.DeflateCodec";  // the same bytes

// Room for the next step of decompression: doubles, so that a lie about sizes costs no memory.
size_t next_step(size_t have) { return std::clamp(have, kFirstStep, kLargestStep); }

enum class Stream { kGoesOn, kWhole, kBad };

// Drives a decompressor: `step(out, room)` fills at most `room` bytes, tells how many in `room`.
template <class Step>
Status decompress(std::string_view what, size_t limit, std::string& out, Step step) {
  const size_t start = out.size();
  Stream state = Stream::kGoesOn;
  while (state == Stream::kGoesOn && out.size() - start <= limit) {
    const size_t size = out.size();
    size_t room = next_step(size - start);
    out.resize(size + room);
    state = step(out.data() + size, room);
    out.resize(size + room);
  }
  if (out.size() - start > limit) {
    return {Code::kNoSpace, str_cat("larger than the limit of ", limit, " bytes")};
  }
  return state == Stream::kWhole ? Status() : Status(Code::kCorrupt, str_cat("no whole ", what, " stream"));
}

Status inflate_bytes(int window, std::string_view stored, size_t limit, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) {
    return {Code::kNoSpace, "zlib cannot be initialised"};
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  Status status = decompress(window == kGzipWindow ? "gzip" : "zlib", limit, out, [&stream](char* into, size_t& room) {
    stream.next_out = reinterpret_cast<Bytef*>(into);
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    room -= stream.avail_out;
    return result == Z_OK                                   ? Stream::kGoesOn
           : result == Z_STREAM_END && stream.avail_in == 0 ? Stream::kWhole
                                                            : Stream::kBad;
  });
  inflateEnd(&stream);
  return status;
}

Status unpack_bzip2(std::string_view stored, size_t limit, std::string& out) {
  bz_stream stream{};
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) {
    return {Code::kNoSpace, "bzip2 cannot be initialised"};
  }
  stream.next_in = const_cast<char*>(stored.data());
  stream.avail_in = static_cast<unsigned>(stored.size());
  Status status = decompress("bzip2", limit, out, [&stream](char* into, size_t& room) {
    const unsigned before = stream.avail_in;
    stream.next_out = into;
    stream.avail_out = static_cast<unsigned>(room);
    const int result = BZ2_bzDecompress(&stream);
    room -= stream.avail_out;
    if (result == BZ_STREAM_END) {
      return stream.avail_in == 0 ? Stream::kWhole : Stream::kBad;
    }
    // Where nothing came and nothing was taken the stream is cut short.
    return result == BZ_OK && (room > 0 || before != stream.avail_in) ? Stream::kGoesOn : Stream::kBad;
  });
  BZ2_bzDecompressEnd(&stream);
  return status;
}

void pack_bzip2(std::string_view bytes, std::string& out) {
  // Blocks no larger than the bytes need: a block of 900 kB takes 7 MB of memory, also for an event of 100 bytes.
  constexpr size_t kBlockUnit = 100'000;
  const int block = static_cast<int>(std::min<size_t>(1 + bytes.size() / kBlockUnit, 9));
  const size_t start = out.size();
  auto size = static_cast<unsigned>(bytes.size() + bytes.size() / 100 + 601);  // as its manual says
  out.resize(start + size);
  const int result = BZ2_bzBuffToBuffCompress(out.data() + start, &size, const_cast<char*>(bytes.data()),
                                              static_cast<unsigned>(bytes.size()), block, 0, 0);
  FLUME_CHECK(result == BZ_OK, str_cat("bzip2 answers ", result));
  out.resize(start + size);
}

}  // namespace

std::string_view sequence_codec_name(SequenceCodec codec) { return kCodecs[static_cast<size_t>(codec)].name; }

std::optional<SequenceCodec> parse_sequence_codec(std::string_view name) {
  for (const CodecName& known : kCodecs) {
    if (known.name == name) {
      return known.codec;
    }
  }
  return std::nullopt;
}

std::string_view sequence_codec_class(SequenceCodec codec) { return kCodecs[static_cast<size_t>(codec)].java_class; }

std::optional<SequenceCodec> sequence_codec_of_class(std::string_view java_class) {
  for (const CodecName& known : kCodecs) {
    if (!known.java_class.empty() && known.java_class == java_class) {
      return known.codec;
    }
  }
  return java_class == kDeflateClass ? std::optional(SequenceCodec::kDeflate) : std::nullopt;
}

struct SequenceCompressor::Zlib {
  explicit Zlib(int window) {
    const int result = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    FLUME_CHECK(result == Z_OK, "zlib cannot be initialised");
  }
  ~Zlib() { deflateEnd(&stream); }
  Zlib(const Zlib&) = delete;
  Zlib& operator=(const Zlib&) = delete;
  void run(std::string_view bytes, std::string& out) {
    const size_t start = out.size();
    out.resize(start + deflateBound(&stream, static_cast<uLong>(bytes.size())));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
    stream.avail_out = static_cast<uInt>(out.size() - start);
    const int result = deflate(&stream, Z_FINISH);
    FLUME_CHECK(result == Z_STREAM_END, "deflateBound was too small");
    out.resize(out.size() - stream.avail_out);
    deflateReset(&stream);
  }
  z_stream stream{};
};

SequenceCompressor::SequenceCompressor(SequenceCodec codec) : codec_(codec) {
  if (codec == SequenceCodec::kDeflate || codec == SequenceCodec::kGzip) {
    zlib_ = std::make_unique<Zlib>(codec == SequenceCodec::kGzip ? kGzipWindow : kZlibWindow);
  }
}

SequenceCompressor::~SequenceCompressor() = default;

void SequenceCompressor::run(std::string_view bytes, std::string& out) {
  FLUME_CHECK(bytes.size() < kMaxInput, "what is compressed at once is below 1 GiB");
  if (zlib_ != nullptr) {
    zlib_->run(bytes, out);
  } else if (codec_ == SequenceCodec::kBzip2) {
    pack_bzip2(bytes, out);
  } else {
    out.append(bytes);
  }
}

Status decompress_sequence_bytes(SequenceCodec codec, std::string_view stored, size_t limit, std::string& out) {
  if (stored.size() >= kMaxInput) {
    return {Code::kNoSpace, str_cat(stored.size(), " compressed bytes at once")};
  }
  switch (codec) {
    case SequenceCodec::kDeflate: return inflate_bytes(kZlibWindow, stored, limit, out);
    case SequenceCodec::kGzip: return inflate_bytes(kGzipWindow, stored, limit, out);
    case SequenceCodec::kBzip2: return unpack_bzip2(stored, limit, out);
    case SequenceCodec::kNone: break;
  }
  if (stored.size() > limit) {
    return {Code::kNoSpace, str_cat("larger than the limit of ", limit, " bytes")};
  }
  out.append(stored);
  return {};
}

}  // namespace flume

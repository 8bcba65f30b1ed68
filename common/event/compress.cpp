// Compressed blobs: zstd frame, lz4 block, gzip member. The adapter between these libraries and Status.
#include <lz4.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/event/encoding.h"
#include "common/io/crc32c.h"

namespace flume {

using namespace encoding;  // NOLINT: this file is about these names

namespace {

constexpr std::array<std::string_view, 4> kCodecNames = {"none", "zstd", "lz4", "gzip"};  // in the order of BlobCodec

constexpr int kGzipWindow = 15 + 16;  // 16: with gzip's header and trailer

struct Bytes {
  std::shared_ptr<char[]> data;
  size_t size = 0;
};

Bytes room_for(size_t size) { return {std::make_shared<char[]>(size + 8), size}; }

Result<Bytes> gzip(std::string_view raw) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Status(Code::kInternal, "compress batch with gzip: cannot start");
  }
  Bytes out = room_for(deflateBound(&stream, raw.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  stream.avail_in = static_cast<uInt>(raw.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data.get());
  stream.avail_out = static_cast<uInt>(out.size);
  const int result = deflate(&stream, Z_FINISH);
  out.size = stream.total_out;
  deflateEnd(&stream);
  if (result != Z_STREAM_END) {
    return Status(Code::kInternal, "compress batch with gzip: it did not finish");
  }
  return out;
}

Result<Bytes> squeeze(BlobCodec codec, std::string_view raw) {
  if (codec == BlobCodec::kGzip) {
    return gzip(raw);
  }
  if (codec == BlobCodec::kZstd) {
    Bytes out = room_for(ZSTD_compressBound(raw.size()));
    const size_t n = ZSTD_compress(out.data.get(), out.size, raw.data(), raw.size(), 1);
    if (ZSTD_isError(n) != 0) {
      return Status(Code::kInternal, str_cat("compress batch with zstd: ", ZSTD_getErrorName(n)));
    }
    out.size = n;
    return out;
  }
  if (codec != BlobCodec::kLz4) {
    return Status(Code::kUnsupported, str_cat("compress batch: unknown codec ", static_cast<uint8_t>(codec)));
  }
  Bytes out = room_for(static_cast<size_t>(LZ4_compressBound(static_cast<int>(raw.size()))));
  const int n =
      LZ4_compress_default(raw.data(), out.data.get(), static_cast<int>(raw.size()), static_cast<int>(out.size));
  if (n <= 0) {
    return Status(Code::kInternal, "compress batch with lz4: it did not finish");
  }
  out.size = static_cast<size_t>(n);
  return out;
}

Result<size_t> gunzip(std::string_view stored, const Bytes& out) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    return Status(Code::kInternal, "uncompress batch with gzip: cannot start");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data.get());
  stream.avail_out = static_cast<uInt>(out.size);
  const int result = inflate(&stream, Z_FINISH);
  const size_t n = stream.total_out;
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) {
    return Status(Code::kCorrupt, "uncompress batch with gzip: not one whole member of the size that the head says");
  }
  return n;
}

Result<size_t> expand(BlobCodec codec, std::string_view stored, const Bytes& out) {
  switch (codec) {
    case BlobCodec::kGzip: return gunzip(stored, out);
    case BlobCodec::kZstd: {
      const size_t n = ZSTD_decompress(out.data.get(), out.size, stored.data(), stored.size());
      if (ZSTD_isError(n) != 0) {
        return Status(Code::kCorrupt, str_cat("uncompress batch with zstd: ", ZSTD_getErrorName(n)));
      }
      return n;
    }
    case BlobCodec::kLz4: {
      const int n = LZ4_decompress_safe(stored.data(), out.data.get(), static_cast<int>(stored.size()),
                                        static_cast<int>(out.size));
      if (n < 0) {
        return Status(Code::kCorrupt, "uncompress batch with lz4: not a block of the size that the head says");
      }
      return static_cast<size_t>(n);
    }
    case BlobCodec::kNone: break;
  }
  return Status(Code::kInternal, "uncompress batch: it is not compressed");
}

std::shared_ptr<const EventBatch::Shared> with_blob(const EventBatch::Shared& from, BlobCodec codec,
                                                    const Bytes& blob) {
  auto head = std::make_shared<char[]>(from.head_bytes);
  std::memcpy(head.get(), from.head, from.head_bytes);
  head[kAtCodec] = static_cast<char>(codec);
  store<uint32_t>(head.get() + kAtBlobStored, static_cast<uint32_t>(blob.size));
  store<uint32_t>(head.get() + kAtBlobCrc, crc32c({blob.data.get(), blob.size}));
  std::memset(blob.data.get() + blob.size, 0, 8);
  return BatchAccess::open_head(std::move(head), from.head_bytes, blob.data, blob.data.get());
}

}  // namespace

std::string_view blob_codec_name(BlobCodec codec) { return kCodecNames[static_cast<size_t>(codec)]; }

std::vector<std::string> blob_codec_names() { return {kCodecNames.begin(), kCodecNames.end()}; }

std::optional<BlobCodec> blob_codec_of(std::string_view name) {
  const auto found = std::find(kCodecNames.begin(), kCodecNames.end(), name);
  return found == kCodecNames.end() ? std::nullopt : std::optional(static_cast<BlobCodec>(found - kCodecNames.begin()));
}

Result<EventBatch> EventBatch::compressed(BlobCodec codec) const {
  FLUME_CHECK(rows_ > 0, "an empty batch compressed");
  if (codec == this->codec()) {
    return *this;
  }
  if (this->codec() != BlobCodec::kNone) {
    FLUME_ASSIGN_OR_RETURN(const EventBatch plain, uncompressed(BatchLimits()));
    return codec == BlobCodec::kNone ? Result<EventBatch>(plain) : plain.compressed(codec);
  }
  const EventBatch whole = rows_ == shared_->rows ? *this : BatchAccess::materialize(*this);
  const Shared& from = *whole.shared_;
  FLUME_ASSIGN_OR_RETURN(const Bytes blob, squeeze(codec, {from.blob, from.blob_raw}));
  if (blob.size >= from.blob_raw || uint64_t{blob.size} * BatchLimits().ratio < from.blob_raw) {
    return whole;
  }
  return BatchAccess::rewrap(whole, with_blob(from, codec, blob));
}

Result<EventBatch> EventBatch::uncompressed(const BatchLimits& limits) const {
  if (codec() == BlobCodec::kNone) {
    return *this;
  }
  if (shared_->blob_raw > limits.blob_bytes) {
    return Status(Code::kCorrupt,
                  str_cat("uncompress batch: ", shared_->blob_raw, " bytes; the limit is ", limits.blob_bytes));
  }
  const Bytes raw = room_for(shared_->blob_raw);
  FLUME_ASSIGN_OR_RETURN(const size_t n, expand(codec(), {shared_->blob, shared_->blob_stored}, raw));
  if (n != raw.size) {
    return Status(Code::kCorrupt, str_cat("uncompress batch: ", n, " bytes; the head says ", raw.size));
  }
  auto plain = with_blob(*shared_, BlobCodec::kNone, raw);
  FLUME_RETURN_IF_ERROR(BatchAccess::check_delimiters(*plain));
  return BatchAccess::rewrap(*this, std::move(plain));
}

Result<EventBatch> EventBatch::encodable(const BatchLimits& limits) const {
  return codec() == BlobCodec::kNone || rows_ == shared_->rows ? Result<EventBatch>(*this) : uncompressed(limits);
}

}  // namespace flume

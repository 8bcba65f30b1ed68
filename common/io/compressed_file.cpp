#include "common/io/compressed_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "common/base/text.h"

namespace flume {

namespace {

constexpr int kGzipWindow = 15 + 16;
constexpr int kZlibWindow = 15;
constexpr size_t kStep = 256 << 10;

class CompressedFile final : public StoredFile {
 public:
  CompressedFile(FileCodec codec, std::unique_ptr<StoredFile> file) : codec_(codec), file_(std::move(file)) {
    const int window = codec == FileCodec::kGzip ? kGzipWindow : kZlibWindow;
    const int result = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    FLUME_CHECK(result == Z_OK, "zlib cannot be initialised");
  }
  ~CompressedFile() override { deflateEnd(&stream_); }
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;

  Status append(std::span<const iovec> pieces, const Wait& wait) override {
    FLUME_RETURN_IF_ERROR(write_out(wait));
    for (const iovec& piece : pieces) {
      deflate_bytes({static_cast<const char*>(piece.iov_base), piece.iov_len}, Z_NO_FLUSH);
    }
    in_member_ = true;
    if (out_.size() < kStep) {
      return {};
    }
    // The compressor has the rows now: a full disk is told by the next call, before that one takes anything.
    const Status status = write_out(wait);
    return status.code() == Code::kNoSpace ? Status() : status;
  }

  Result<uint64_t> sync(const Wait& wait) override {
    FLUME_RETURN_IF_ERROR(prepare_sync(wait));
    return file_->sync(wait);
  }
  void start_sync() override {
    refused_ = prepare_sync(Wait{});
    if (refused_->ok()) {
      refused_.reset();
      file_->start_sync();
    }
  }
  std::optional<Result<uint64_t>> poll_sync() override {
    if (refused_) {
      return Result<uint64_t>(*std::exchange(refused_, std::nullopt));
    }
    return file_->poll_sync();
  }

  Result<uint64_t> finish(const Wait& wait) override {
    if (in_member_ || file_->size() + out_.size() == 0) {
      end_member();
    }
    FLUME_RETURN_IF_ERROR(write_out(wait));
    return file_->sync(wait);
  }
  Status cut(uint64_t length) override {
    out_.clear();
    return file_->cut(length);
  }
  Result<FileIdentity> identity() const override { return file_->identity(); }
  Status commit(const Wait& wait) override {
    if (in_member_ || file_->size() + out_.size() == 0) {
      end_member();
    }
    FLUME_RETURN_IF_ERROR(write_out(wait));
    return file_->commit(wait);
  }
  Status abandon() override { return file_->abandon(); }
  uint64_t size() const override { return file_->size() + out_.size(); }

 private:
  Status prepare_sync(const Wait& wait) {
    if (codec_ == FileCodec::kDeflate) {
      return {Code::kUnsupported, "sync a .deflate file: it is complete only when it is finished"};
    }
    if (in_member_) {
      end_member();
    }
    return write_out(wait);
  }

  void end_member() {
    deflate_bytes({}, Z_FINISH);
    deflateReset(&stream_);
    in_member_ = false;
  }

  void deflate_bytes(std::string_view bytes, int flush) {
    while (true) {
      const size_t step = std::min<size_t>(bytes.size(), std::numeric_limits<uInt>::max());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(step);
      int result = Z_OK;
      do {
        const size_t size = out_.size();
        out_.resize(size + (32 << 10));
        stream_.next_out = reinterpret_cast<Bytef*>(out_.data() + size);
        stream_.avail_out = 32 << 10;
        result = deflate(&stream_, flush);
        out_.resize(out_.size() - stream_.avail_out);
      } while (stream_.avail_in > 0 || (flush == Z_FINISH && result != Z_STREAM_END));
      bytes.remove_prefix(step);
      if (bytes.empty()) {
        return;
      }
    }
  }

  Status write_out(const Wait& wait) {
    if (out_.empty()) {
      return {};
    }
    const iovec piece{out_.data(), out_.size()};
    FLUME_RETURN_IF_ERROR(file_->append(std::span(&piece, 1), wait));
    out_.clear();
    return {};
  }

  const FileCodec codec_;
  const std::unique_ptr<StoredFile> file_;
  z_stream stream_{};
  std::string out_;         // compressed, not written yet
  bool in_member_ = false;  // bytes were given to the compressor since the last end
  std::optional<Status> refused_;
};

struct CodecName {
  std::string_view simple, java;
  FileCodec codec;
};
constexpr std::array<CodecName, 3> kCodecs{{{"none", "None", FileCodec::kNone},
                                            {"gzip", "GzipCodec", FileCodec::kGzip},
                                            {"deflate", "DefaultCodec", FileCodec::kDeflate}}};
constexpr std::string_view kPackage = "org.apache.hadoop.io.compress.";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return lower;
}

}  // namespace

Result<FileCodec> parse_file_codec(std::string_view name) {
  const std::string_view wanted = name.starts_with(kPackage) ? name.substr(kPackage.size()) : name;
  const std::string lower = lower_case(wanted);
  for (const CodecName& known : kCodecs) {
    const std::string java = lower_case(known.java);
    if (lower == known.simple || lower == java || str_cat(lower, "codec") == java) {
      return known.codec;
    }
  }
  return invalid(str_cat(quoted(name), " is no compression codec: choose from None, GzipCodec, DefaultCodec"));
}

std::string_view file_codec_extension(FileCodec codec) {
  return codec == FileCodec::kGzip ? ".gz" : codec == FileCodec::kDeflate ? ".deflate" : "";
}

std::unique_ptr<StoredFile> compress_file(FileCodec codec, std::unique_ptr<StoredFile> file) {
  if (codec == FileCodec::kNone) {
    return file;
  }
  return std::make_unique<CompressedFile>(codec, std::move(file));
}

uint64_t complete_gzip_length(std::string_view contents) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    return 0;
  }
  std::vector<char> out(64 << 10);
  uint64_t complete = 0;
  size_t at = 0;
  while (at < contents.size()) {
    const size_t step = std::min<size_t>(contents.size() - at, 1 << 20);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data() + at));
    stream.avail_in = static_cast<uInt>(step);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    at += step - stream.avail_in;
    if (result == Z_STREAM_END) {
      complete = at;
      inflateReset(&stream);
    } else if (result != Z_OK) {
      break;
    }
  }
  inflateEnd(&stream);
  return complete;
}

}  // namespace flume

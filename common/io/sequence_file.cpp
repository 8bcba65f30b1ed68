#include "common/io/sequence_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/base/random.h"
#include "common/base/text.h"

namespace flume {

namespace {

constexpr std::string_view kMagic = "SEQ\x06";
constexpr std::string_view kDefaultCodec = "org.apache.hadoop.io.compress.DefaultCodec";
constexpr uint32_t kSyncEscape = 0xFFFFFFFF;
constexpr uint64_t kSyncInterval = 2000;  // bytes between marks, at least
constexpr uint32_t kMaxName = 4096;       // of a class name; Hadoop has no limit
constexpr uint32_t kMaxMetadata = 1024;   // entries

void append_u32(std::string& out, uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(n >> shift));
  }
}

// Hadoop's variable-length integer for what names need: 0..127 as one byte, else a byte that tells the length.
void append_vint(std::string& out, uint32_t n) {
  if (n <= 127) {
    out.push_back(static_cast<char>(n));
    return;
  }
  int bytes = 1;
  while (bytes < 4 && n >> (8 * bytes) != 0) {
    ++bytes;
  }
  out.push_back(static_cast<char>(-112 - bytes));
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(n >> (8 * i)));
  }
}

void append_text(std::string& out, std::string_view text) {
  append_vint(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

Status corrupt(size_t offset, std::string_view what) {
  return {Code::kCorrupt, str_cat("sequence file: at byte ", offset, ": ", what)};
}

// Reads the header's fields; every step checks that the bytes are there.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view contents) : contents_(contents) {}

  Result<SequenceHeader> read() {
    if (contents_.substr(0, 3) != kMagic.substr(0, 3)) {
      return corrupt(0, "no SequenceFile");
    }
    if (contents_.size() < 4 || contents_[3] != kMagic[3]) {
      return Status(Code::kUnsupported,
                    contents_.size() < 4
                        ? std::string("sequence file: no version")
                        : str_cat("sequence file: version ", static_cast<int>(static_cast<uint8_t>(contents_[3])),
                                  " is not supported"));
    }
    at_ = 4;
    SequenceHeader header;
    FLUME_ASSIGN_OR_RETURN(header.key_class, text());
    FLUME_ASSIGN_OR_RETURN(header.value_class, text());
    FLUME_ASSIGN_OR_RETURN(header.compressed, flag());
    FLUME_ASSIGN_OR_RETURN(const bool in_blocks, flag());
    if (in_blocks) {
      return Status(Code::kUnsupported, "sequence file: block compression is not supported");
    }
    if (header.compressed) {
      FLUME_ASSIGN_OR_RETURN(const std::string codec, text());
      if (codec != kDefaultCodec) {
        return Status(Code::kUnsupported, str_cat("sequence file: codec ", quoted(codec), " is not supported"));
      }
    }
    FLUME_ASSIGN_OR_RETURN(const uint32_t entries, u32());
    if (entries > kMaxMetadata) {
      return corrupt(at_ - 4, str_cat(entries, " entries of metadata"));
    }
    for (uint32_t i = 0; i < 2 * entries; ++i) {
      FLUME_RETURN_IF_ERROR(text().status());
    }
    if (contents_.size() - at_ < header.sync.size()) {
      return corrupt(at_, "the header is cut short");
    }
    std::memcpy(header.sync.data(), contents_.data() + at_, header.sync.size());
    header.size = at_ + header.sync.size();
    return header;
  }

 private:
  Result<uint8_t> u8() {
    if (at_ >= contents_.size()) {
      return corrupt(at_, "the header is cut short");
    }
    return static_cast<uint8_t>(contents_[at_++]);
  }
  Result<bool> flag() {
    FLUME_ASSIGN_OR_RETURN(const uint8_t byte, u8());
    return byte != 0;
  }
  Result<uint32_t> u32() {
    uint32_t n = 0;
    for (int i = 0; i < 4; ++i) {
      FLUME_ASSIGN_OR_RETURN(const uint8_t byte, u8());
      n = n << 8 | byte;
    }
    return n;
  }
  Result<uint32_t> vint() {
    FLUME_ASSIGN_OR_RETURN(const uint8_t lead, u8());
    const int first = lead < 128 ? lead : lead - 256;  // a signed byte
    if (first >= 0) {
      return static_cast<uint32_t>(first);
    }
    const int bytes = -112 - first;
    if (bytes < 1 || bytes > 4) {
      return corrupt(at_ - 1, "a length that is none");
    }
    uint32_t n = 0;
    for (int i = 0; i < bytes; ++i) {
      FLUME_ASSIGN_OR_RETURN(const uint8_t byte, u8());
      n = n << 8 | byte;
    }
    return n;
  }
  Result<std::string> text() {
    const size_t start = at_;
    FLUME_ASSIGN_OR_RETURN(const uint32_t size, vint());
    if (size > kMaxName || contents_.size() - at_ < size) {
      return corrupt(start, str_cat("a text of ", size, " bytes"));
    }
    at_ += size;
    return std::string(contents_.substr(at_ - size, size));
  }

  const std::string_view contents_;
  size_t at_ = 0;
};

uint32_t u32_at(std::string_view bytes, size_t at) {
  uint32_t n = 0;
  for (size_t i = 0; i < 4; ++i) {
    n = n << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return n;
}

// Appends the inflated zlib stream to `out`. Grows it as bytes come, so that a lie about sizes costs no memory.
Status inflate_value(std::string_view stored, size_t limit, std::string& out) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) {
    return {Code::kNoSpace, "sequence file: zlib cannot be initialised"};
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  int result = Z_OK;
  while (result == Z_OK && out.size() <= limit) {
    const size_t size = out.size();
    const size_t step = std::min<size_t>(std::max<size_t>(size, 4096), 1 << 20);
    out.resize(size + step);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = static_cast<uInt>(step);
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(size + step - stream.avail_out);
  }
  const bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (out.size() > limit) {
    return {Code::kNoSpace, str_cat("a value larger than the limit of ", limit, " bytes")};
  }
  return is_whole ? Status() : Status(Code::kCorrupt, "a value is no zlib stream");
}

}  // namespace

struct SequenceWriter::Deflater {
  Deflater() {
    const int result = deflateInit(&stream, Z_DEFAULT_COMPRESSION);
    FLUME_CHECK(result == Z_OK, "zlib cannot be initialised");
  }
  ~Deflater() { deflateEnd(&stream); }
  void run(std::string_view value, std::string& out) {
    const size_t start = out.size();
    out.resize(start + deflateBound(&stream, static_cast<uLong>(value.size())));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(value.data()));
    stream.avail_in = static_cast<uInt>(value.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
    stream.avail_out = static_cast<uInt>(out.size() - start);
    const int result = deflate(&stream, Z_FINISH);
    FLUME_CHECK(result == Z_STREAM_END, "deflateBound was too small");
    out.resize(out.size() - stream.avail_out);
    deflateReset(&stream);
  }
  z_stream stream{};
};

SequenceWriter::SequenceWriter(SequenceHeader header) : header_(std::move(header)) {
  if (header_.sync == std::array<uint8_t, 16>{}) {
    header_.sync = random_id();
  }
  if (header_.compressed) {
    deflater_ = std::make_unique<Deflater>();
  }
}

SequenceWriter::~SequenceWriter() = default;

void SequenceWriter::append_header(std::string& out) {
  const size_t start = out.size();
  out.append(kMagic);
  append_text(out, header_.key_class);
  append_text(out, header_.value_class);
  out.push_back(header_.compressed ? '\1' : '\0');
  out.push_back('\0');
  if (header_.compressed) {
    append_text(out, kDefaultCodec);
  }
  append_u32(out, 0);  // no metadata
  out.append(reinterpret_cast<const char*>(header_.sync.data()), header_.sync.size());
  position_ = out.size() - start;
  last_sync_ = 0;
}

void SequenceWriter::append_record(std::string_view key, std::string_view value, std::string& out) {
  FLUME_CHECK(value.size() < (1U << 30) && key.size() < (1U << 30), "a record of a SequenceFile is below 1 GiB");
  size_t start = out.size();
  if (position_ >= last_sync_ + kSyncInterval) {
    append_u32(out, kSyncEscape);
    out.append(reinterpret_cast<const char*>(header_.sync.data()), header_.sync.size());
    position_ += out.size() - start;
    last_sync_ = position_;
    start = out.size();
  }
  append_u32(out, 0);  // the record's length, known below
  append_u32(out, static_cast<uint32_t>(key.size()));
  out.append(key);
  if (deflater_ != nullptr) {
    deflater_->run(value, out);
  } else {
    out.append(value);
  }
  const auto length = static_cast<uint32_t>(out.size() - start - 8);
  for (int i = 0; i < 4; ++i) {
    out[start + static_cast<size_t>(i)] = static_cast<char>(length >> (24 - 8 * i));
  }
  position_ += out.size() - start;
}

Result<SequenceReader> SequenceReader::open(std::string_view contents, size_t max_value) {
  FLUME_ASSIGN_OR_RETURN(SequenceHeader header, HeaderReader(contents).read());
  return SequenceReader(contents, max_value, std::move(header));
}

Result<std::optional<SequenceReader::Record>> SequenceReader::next() {
  size_t at = position_;
  if (at == contents_.size()) {
    return std::optional<Record>();
  }
  const auto left = [&] { return contents_.size() - at; };
  if (left() >= 4 && u32_at(contents_, at) == kSyncEscape) {
    at += 4;
    if (left() < header_.sync.size()) {
      return corrupt(at, "a sync mark is cut short");
    }
    if (std::memcmp(contents_.data() + at, header_.sync.data(), header_.sync.size()) != 0) {
      return corrupt(at, "a sync mark differs from the header's");
    }
    at += header_.sync.size();
    if (left() == 0) {
      position_ = at;
      return std::optional<Record>();
    }
  }
  if (left() < 8) {
    return corrupt(at, "a record is cut short");
  }
  const uint32_t length = u32_at(contents_, at);
  const uint32_t key_length = u32_at(contents_, at + 4);
  if (length > left() - 8) {
    return corrupt(at, str_cat("a record of ", length, " bytes with ", left() - 8, " left"));
  }
  if (key_length > length) {
    return corrupt(at, str_cat("a key of ", key_length, " bytes in a record of ", length));
  }
  Record record{contents_.substr(at + 8, key_length), contents_.substr(at + 8 + key_length, length - key_length)};
  if (header_.compressed) {
    inflated_.clear();
    const Status status = inflate_value(record.value, max_value_, inflated_);
    if (!status.ok()) {
      return Status(status.code(), str_cat("sequence file: at byte ", at, ": ", status.message()));
    }
    record.value = inflated_;
  } else if (record.value.size() > max_value_) {
    return Status(Code::kNoSpace,
                  str_cat("sequence file: at byte ", at, ": a value larger than the limit of ", max_value_, " bytes"));
  }
  position_ = at + 8 + length;
  return std::optional<Record>(record);
}

}  // namespace flume

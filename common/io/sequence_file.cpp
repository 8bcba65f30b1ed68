#include "common/io/sequence_file.h"

#include <cstring>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/base/text.h"

namespace flume {

namespace {

constexpr std::string_view kMagic = "SEQ\x06";
constexpr uint32_t kSyncEscape = 0xFFFFFFFF;
constexpr uint64_t kSyncInterval = 2000;  // bytes between marks, at least

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

}  // namespace

SequenceWriter::SequenceWriter(SequenceHeader header) : header_(std::move(header)), compressor_(header_.codec) {
  if (header_.sync == std::array<uint8_t, 16>{}) {
    header_.sync = random_id();
  }
}

void SequenceWriter::append_header(std::string& out) {
  const size_t start = out.size();
  out.append(kMagic);
  append_text(out, header_.key_class);
  append_text(out, header_.value_class);
  const bool is_compressed = header_.codec != SequenceCodec::kNone;
  out.push_back(is_compressed ? '\1' : '\0');
  out.push_back('\0');  // no blocks
  if (is_compressed) {
    append_text(out, sequence_codec_class(header_.codec));
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
  compressor_.run(value, out);
  const auto length = static_cast<uint32_t>(out.size() - start - 8);
  for (int i = 0; i < 4; ++i) {
    out[start + static_cast<size_t>(i)] = static_cast<char>(length >> (24 - 8 * i));
  }
  position_ += out.size() - start;
}

}  // namespace flume

// Reading of SequenceFiles.
#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/io/sequence_file.h"

namespace flume {

namespace {

constexpr std::string_view kMagic = "SEQ\x06";
constexpr uint32_t kSyncEscape = 0xFFFFFFFF;
constexpr size_t kMarkBytes = 20;        // escape and mark
constexpr uint32_t kMaxName = 4096;      // of a class name; Hadoop has no limit
constexpr uint32_t kMaxMetadata = 1024;  // entries
constexpr size_t kUsualHeader = 64 << 10;
constexpr size_t kLargestHeader = 16 << 20;
constexpr size_t kWindow = 256 << 10;
constexpr size_t kMaxBlock = 64 << 20;  // decompressed, each of its four parts; Hadoop writes about 1 MB

Status corrupt(uint64_t offset, std::string_view what) {
  return {Code::kCorrupt, str_cat("sequence file: at byte ", offset, ": ", what)};
}

// More than this many compressed bytes cannot be `size` bytes: each codec's overhead is below an eighth and 4 KiB.
size_t most_stored(size_t size) { return size + size / 8 + 4096; }

uint32_t u32_at(std::string_view bytes, size_t at) {
  uint32_t n = 0;
  for (size_t i = 0; i < 4; ++i) {
    n = n << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return n;
}

// Hadoop's variable-length integer, as far as lengths need it: 0..127 as one byte, else a byte that tells how many
// follow, the highest first. Nothing: it is cut short or no length.
std::optional<uint32_t> take_vint(std::string_view bytes, size_t& at) {
  if (at >= bytes.size()) {
    return std::nullopt;
  }
  const auto first = static_cast<int8_t>(bytes[at]);
  if (first >= 0) {
    ++at;
    return static_cast<uint32_t>(first);
  }
  const int count = -112 - first;
  if (count < 1 || count > 4 || bytes.size() - at - 1 < static_cast<size_t>(count)) {
    return std::nullopt;
  }
  uint32_t n = 0;
  for (int i = 1; i <= count; ++i) {
    n = n << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
  }
  at += 1 + static_cast<size_t>(count);
  return n;
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
    FLUME_ASSIGN_OR_RETURN(const bool is_compressed, flag());
    FLUME_ASSIGN_OR_RETURN(header.in_blocks, flag());
    if (header.in_blocks && !is_compressed) {
      return corrupt(at_ - 1, "blocks without compression");
    }
    if (is_compressed) {
      FLUME_ASSIGN_OR_RETURN(const std::string name, text());
      const auto codec = sequence_codec_of_class(name);
      if (!codec) {
        return Status(Code::kUnsupported, str_cat("sequence file: codec ", quoted(name), " is not supported"));
      }
      header.codec = *codec;
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
    const size_t start = at_;
    const auto n = take_vint(contents_, at_);
    return n ? Result<uint32_t>(*n) : corrupt(start, "no length, or the header is cut short");
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

class MemoryInput final : public SequenceInput {
 public:
  explicit MemoryInput(std::string_view contents) : contents_(contents) {}
  Result<uint64_t> size() override { return uint64_t{contents_.size()}; }
  Result<std::string_view> view(uint64_t offset, size_t count) override {
    return contents_.substr(std::min<uint64_t>(offset, contents_.size()), count);
  }

 private:
  const std::string_view contents_;
};

class FileInput final : public SequenceInput {
 public:
  explicit FileInput(std::unique_ptr<LogFile> file) : file_(std::move(file)) {}
  Result<uint64_t> size() override {
    if (!size_) {  // what comes later is not looked at
      FLUME_ASSIGN_OR_RETURN(size_, file_->size());
    }
    return *size_;
  }
  Result<std::string_view> view(uint64_t offset, size_t count) override {
    if (offset < start_ || offset + count > start_ + buffer_.size()) {
      FLUME_ASSIGN_OR_RETURN(const uint64_t end, size());
      const uint64_t left = end - std::min(offset, end);
      buffer_.resize(static_cast<size_t>(std::min<uint64_t>(std::max(count, kWindow), left)));
      start_ = offset;
      FLUME_ASSIGN_OR_RETURN(const size_t got, file_->read_at(offset, std::span(buffer_.data(), buffer_.size())));
      buffer_.resize(got);
    }
    return std::string_view(buffer_).substr(static_cast<size_t>(offset - start_), count);
  }

 private:
  const std::unique_ptr<LogFile> file_;
  std::optional<uint64_t> size_;
  uint64_t start_ = 0;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<SequenceInput> sequence_input(std::string_view contents) {
  return std::make_unique<MemoryInput>(contents);
}

std::unique_ptr<SequenceInput> sequence_input(std::unique_ptr<LogFile> file) {
  return std::make_unique<FileInput>(std::move(file));
}

Result<SequenceReader> SequenceReader::open(std::string_view contents, size_t max_value) {
  return open(sequence_input(contents), max_value);
}

Result<SequenceReader> SequenceReader::open(std::unique_ptr<SequenceInput> input, size_t max_value) {
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, input->size());
  FLUME_ASSIGN_OR_RETURN(std::string_view start, input->view(0, kUsualHeader));
  auto header = HeaderReader(start).read();
  if (!header.ok() && size > kUsualHeader) {  // much metadata
    FLUME_ASSIGN_OR_RETURN(start, input->view(0, kLargestHeader));
    header = HeaderReader(start).read();
  }
  if (!header.ok()) {
    return header.status();
  }
  return SequenceReader(std::move(input), max_value, std::move(*header));
}

Result<std::optional<SequenceReader::Record>> SequenceReader::next() {
  bad_end_ = 0;
  bad_in_block_ = false;
  if (header_.in_blocks) {
    return next_in_blocks();
  }
  FLUME_ASSIGN_OR_RETURN(const uint64_t end, input_->size());
  return next_of_record(place_.offset, end);
}

// Steps over a sync mark, if there is one.
Status SequenceReader::past_mark(uint64_t& at, uint64_t end) {
  FLUME_ASSIGN_OR_RETURN(const std::string_view mark, input_->view(at, kMarkBytes));
  if (mark.size() < 4 || u32_at(mark, 0) != kSyncEscape) {
    return {};
  }
  if (mark.size() < kMarkBytes || at + kMarkBytes > end) {
    return corrupt(at + 4, "a sync mark is cut short");
  }
  if (std::memcmp(mark.data() + 4, header_.sync.data(), header_.sync.size()) != 0) {
    return corrupt(at + 4, "a sync mark differs from the header's");
  }
  at += kMarkBytes;
  return {};
}

Result<std::optional<SequenceReader::Record>> SequenceReader::next_of_record(uint64_t at, uint64_t end) {
  if (at >= end) {
    return std::optional<Record>();
  }
  FLUME_RETURN_IF_ERROR(past_mark(at, end));
  if (at == end) {
    place_ = {at, 0};
    return std::optional<Record>();
  }
  FLUME_ASSIGN_OR_RETURN(const std::string_view head, input_->view(at, 8));
  if (head.size() < 8) {
    return corrupt(at, "a record is cut short");
  }
  const uint32_t length = u32_at(head, 0);
  const uint32_t key_length = u32_at(head, 4);
  if (length > end - at - 8) {
    return corrupt(at, str_cat("a record of ", length, " bytes with ", end - at - 8, " left"));
  }
  if (key_length > length) {
    return corrupt(at, str_cat("a key of ", key_length, " bytes in a record of ", length));
  }
  bad_end_ = at + 8 + length;
  const bool is_compressed = header_.codec != SequenceCodec::kNone;
  if (key_length > max_value_ || length - key_length > (is_compressed ? most_stored(max_value_) : max_value_)) {
    return Status(Code::kNoSpace,
                  str_cat("sequence file: at byte ", at, ": a value larger than the limit of ", max_value_, " bytes"));
  }
  FLUME_ASSIGN_OR_RETURN(const std::string_view both, input_->view(at + 8, length));
  if (both.size() != length) {
    return corrupt(at, "a record is cut short");
  }
  Record record{both.substr(0, key_length), both.substr(key_length)};
  if (is_compressed) {
    inflated_.clear();
    if (const Status status = decompress_sequence_bytes(header_.codec, record.value, max_value_, inflated_);
        !status.ok()) {
      return Status(status.code(), str_cat("sequence file: at byte ", at, ": a value: ", status.message()));
    }
    record.value = inflated_;
  }
  place_ = {at + 8 + length, 0};
  return std::optional<Record>(record);
}

Result<std::optional<SequenceReader::Record>> SequenceReader::next_in_blocks() {
  FLUME_ASSIGN_OR_RETURN(const uint64_t end, input_->size());
  while (block_ == nullptr || block_->at == block_->records) {
    block_.reset();
    if (place_.offset >= end) {
      return std::optional<Record>();
    }
    const uint32_t skipped = place_.in_block;
    FLUME_RETURN_IF_ERROR(read_block(place_.offset, end));
    if (skipped > block_->records) {
      return corrupt(place_.offset, str_cat("a block of ", block_->records, " records, ", skipped, " were read of it"));
    }
    while (block_->at < skipped) {
      if (const Status status = take_from_block().status(); !status.ok() && status.code() != Code::kNoSpace) {
        return status;
      }
    }
    bad_in_block_ = false;  // stepped over once already
    place_ = place_behind();
  }
  FLUME_ASSIGN_OR_RETURN(const Record record, take_from_block());
  place_ = place_behind();
  return std::optional<Record>(record);
}

SequenceReader::Place SequenceReader::place_behind() const {
  return block_->at == block_->records ? Place{block_->end, 0} : Place{block_->begin, block_->at};
}

Result<uint32_t> SequenceReader::vint_at(uint64_t& at) {
  FLUME_ASSIGN_OR_RETURN(const std::string_view bytes, input_->view(at, 5));
  size_t used = 0;
  const auto n = take_vint(bytes, used);
  if (!n) {
    return corrupt(at, "no length, or a block is cut short");
  }
  at += used;
  return *n;
}

Status SequenceReader::read_block(uint64_t at, uint64_t end) {
  const uint64_t begin = at;
  FLUME_RETURN_IF_ERROR(past_mark(at, end));
  if (at == begin) {
    return corrupt(at, "a block without a sync mark");
  }
  auto block = std::make_unique<Block>();
  block->begin = begin;
  FLUME_ASSIGN_OR_RETURN(block->records, vint_at(at));
  struct Part {
    uint64_t offset;
    uint32_t length;
    std::string* out;
  };
  std::array<Part, 4> parts{
      {{0, 0, &block->key_lengths}, {0, 0, &block->keys}, {0, 0, &block->value_lengths}, {0, 0, &block->values}}};
  for (Part& part : parts) {
    FLUME_ASSIGN_OR_RETURN(part.length, vint_at(at));
    part.offset = at;
    if (part.length > end - std::min(at, end)) {
      return corrupt(at,
                     str_cat("a part of a block of ", part.length, " bytes with ", end - std::min(at, end), " left"));
    }
    at += part.length;
  }
  block->end = at;
  const size_t limit = std::max(max_value_, kMaxBlock);
  for (const Part& part : parts) {
    Status status;
    if (part.length > most_stored(limit)) {
      status = Status(Code::kNoSpace, str_cat("larger than the limit of ", limit, " bytes"));
    } else if (part.length > 0) {
      FLUME_ASSIGN_OR_RETURN(const std::string_view stored, input_->view(part.offset, part.length));
      status = stored.size() == part.length ? decompress_sequence_bytes(header_.codec, stored, limit, *part.out)
                                            : Status(Code::kCorrupt, "it is cut short");
    }
    if (!status.ok()) {
      return Status(status.code(), str_cat("sequence file: at byte ", part.offset, ": a block: ", status.message()));
    }
  }
  if (block->records > block->key_lengths.size() || block->records > block->value_lengths.size()) {
    return corrupt(begin, str_cat("a block of ", block->records, " records without their lengths"));
  }
  block_ = std::move(block);
  return {};
}

Result<SequenceReader::Record> SequenceReader::take_from_block() {
  Block& block = *block_;
  size_t key_length_at = block.key_length_at;
  size_t value_length_at = block.value_length_at;
  const auto key = take_vint(block.key_lengths, key_length_at);
  const auto value = take_vint(block.value_lengths, value_length_at);
  if (!key || !value || *key > block.keys.size() - block.key_at || *value > block.values.size() - block.value_at) {
    return corrupt(block.begin, str_cat("the lengths of a block's record ", block.at, " do not fit it"));
  }
  const Record record{std::string_view(block.keys).substr(block.key_at, *key),
                      std::string_view(block.values).substr(block.value_at, *value)};
  block.key_length_at = key_length_at;
  block.value_length_at = value_length_at;
  block.key_at += *key;
  block.value_at += *value;
  ++block.at;
  if (*value > max_value_) {
    bad_in_block_ = true;
    return Status(Code::kNoSpace, str_cat("sequence file: at byte ", block.begin, ": record ", block.at - 1,
                                          " of a block: a value larger than the limit of ", max_value_, " bytes"));
  }
  return record;
}

Result<bool> SequenceReader::skip_bad() {
  FLUME_ASSIGN_OR_RETURN(const uint64_t end, input_->size());
  if (bad_in_block_) {
    place_ = place_behind();
    return place_.offset < end;
  }
  block_.reset();
  // A block has a mark of its own, which is surer than lengths that may be what is damaged.
  if (bad_end_ > place_.offset && !header_.in_blocks) {
    place_ = {bad_end_, 0};
    return place_.offset < end;
  }
  std::string mark(4, '\xFF');
  mark.append(reinterpret_cast<const char*>(header_.sync.data()), header_.sync.size());
  for (uint64_t from = place_.offset + 1; from + kMarkBytes <= end; from += kWindow - kMarkBytes) {
    FLUME_ASSIGN_OR_RETURN(const std::string_view window, input_->view(from, kWindow));
    if (const size_t found = window.find(mark); found != std::string_view::npos) {
      place_ = {from + found, 0};
      return true;
    }
  }
  place_ = {end, 0};
  return false;
}

void SequenceReader::seek(const Place& place) {
  place_ = place;
  block_.reset();
  bad_end_ = 0;
  bad_in_block_ = false;
}

}  // namespace flume

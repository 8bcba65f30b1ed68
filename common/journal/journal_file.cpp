#include "common/journal/journal_file.h"

#include <bit>
#include <cstring>

#include "common/base/check.h"
#include "common/io/crc32c.h"

namespace flume::journal {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they are in memory");

constexpr uint8_t kBegin = 1;
constexpr uint8_t kDurable = 2;
constexpr uint8_t kGone = 3;
constexpr size_t kRangeBytes = 40;

template <class Number>
void put(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  FLUME_CHECK(text.size() <= kMaxText, "a path of at most 64 KiB");
  put(out, static_cast<uint32_t>(text.size()));
  out += text;
}

void put_body(std::string& out, const Begin& begin) {
  put(out, kBegin);
  put(out, uint8_t{begin.in_place});
  put(out, begin.millis);
  put(out, begin.identity.device);
  put(out, begin.identity.inode);
  put(out, begin.identity.born_nanos);
  put(out, begin.length);
  put_text(out, begin.file);
}

void put_body(std::string& out, const Durable& durable) {
  FLUME_CHECK(durable.ranges.size() <= kMaxRanges, "ranges of one record");
  put(out, kDurable);
  put(out, durable.millis);
  put(out, durable.length);
  put_text(out, durable.sink);
  put_text(out, durable.file);
  put(out, static_cast<uint32_t>(durable.ranges.size()));
  for (const Range& range : durable.ranges) {
    out.append(reinterpret_cast<const char*>(range.stream.data()), range.stream.size());
    put(out, range.first);
    put(out, range.below);
    put(out, range.chain);
  }
}

void put_body(std::string& out, const Gone& gone) {
  put(out, kGone);
  put_text(out, gone.file);
}

// Takes values from the front; once something is missing it gives zeros and is not ok.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : left_(bytes) {}
  template <class Number>
  Number number() {
    Number value{};
    const std::string_view bytes = take(sizeof value);
    if (ok_) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  std::string text() {
    const auto size = number<uint32_t>();
    ok_ = ok_ && size <= kMaxText;
    return std::string(take(size));
  }
  Id128 id() {
    Id128 id{};
    const std::string_view bytes = take(id.size());
    if (ok_) {
      std::memcpy(id.data(), bytes.data(), id.size());
    }
    return id;
  }
  size_t left() const { return left_.size(); }
  void refuse() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && left_.empty(); }

 private:
  std::string_view take(size_t count) {
    ok_ = ok_ && count <= left_.size();
    if (!ok_) {
      return {};
    }
    const std::string_view bytes = left_.substr(0, count);
    left_.remove_prefix(count);
    return bytes;
  }

  std::string_view left_;
  bool ok_ = true;
};

Begin read_begin(Fields& fields) {
  Begin begin;
  const auto in_place = fields.number<uint8_t>();
  begin.in_place = in_place == 1;
  begin.millis = fields.number<int64_t>();
  begin.identity.device = fields.number<uint64_t>();
  begin.identity.inode = fields.number<uint64_t>();
  begin.identity.born_nanos = fields.number<int64_t>();
  begin.length = fields.number<uint64_t>();
  begin.file = fields.text();
  if (in_place > 1) {
    fields.refuse();
  }
  return begin;
}

Durable read_durable(Fields& fields) {
  Durable durable;
  durable.millis = fields.number<int64_t>();
  durable.length = fields.number<uint64_t>();
  durable.sink = fields.text();
  durable.file = fields.text();
  const auto count = fields.number<uint32_t>();
  if (count > kMaxRanges || count > fields.left() / kRangeBytes) {
    fields.refuse();
    return durable;
  }
  durable.ranges.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    Range range;
    range.stream = fields.id();
    range.first = fields.number<uint64_t>();
    range.below = fields.number<uint64_t>();
    range.chain = fields.number<uint64_t>();
    if (range.first >= range.below) {
      fields.refuse();
    }
    durable.ranges.push_back(range);
  }
  return durable;
}

std::optional<Record> read_body(std::string_view body) {
  Fields fields(body);
  Record record;
  switch (fields.number<uint8_t>()) {
    case kBegin: record = read_begin(fields); break;
    case kDurable: record = read_durable(fields); break;
    case kGone: record = Gone{fields.text()}; break;
    default: return std::nullopt;
  }
  return fields.at_end() ? std::optional(std::move(record)) : std::nullopt;
}

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The record at the start of `bytes` and its size.
std::optional<std::pair<Record, size_t>> read_record(std::string_view bytes) {
  if (bytes.size() < kRecordHeadBytes) {
    return std::nullopt;
  }
  const uint32_t length = number_at(bytes, 0);
  if (length == 0 || length > kMaxRecord || length > bytes.size() - kRecordHeadBytes) {
    return std::nullopt;
  }
  const std::string_view body = bytes.substr(kRecordHeadBytes, length);
  if (const auto kind = static_cast<uint8_t>(body[0]); kind < kBegin || kind > kGone) {
    return std::nullopt;
  }
  if (crc32c(body, crc32c(bytes.substr(0, 4))) != number_at(bytes, 4)) {
    return std::nullopt;
  }
  auto record = read_body(body);
  return record ? std::optional(std::pair(std::move(*record), kRecordHeadBytes + length)) : std::nullopt;
}

}  // namespace

void append_record(std::string& out, const Record& record) {
  std::string body;
  std::visit([&body](const auto& one) { put_body(body, one); }, record);
  std::string head;
  put(head, static_cast<uint32_t>(body.size()));
  put(head, crc32c(body, crc32c(head)));
  out += head;
  out += body;
}

Reader::Reader(std::string_view file) : file_(file), at_(file.starts_with(kMagic) ? kMagic.size() : 0) {}

std::optional<Record> Reader::next() {
  for (size_t at = at_; at < file_.size(); ++at) {
    if (auto found = read_record(file_.substr(at))) {
      damaged_ += at - at_;
      at_ = at + found->second;
      return std::move(found->first);
    }
  }
  at_ = file_.size();
  return std::nullopt;
}

}  // namespace flume::journal

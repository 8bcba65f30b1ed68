#include "common/wal/segment.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "common/base/text.h"
#include "common/io/crc32c.h"

namespace flume::wal {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they are in memory");

constexpr std::string_view kMagic{"FLWAL1\0\0", 8};
constexpr std::string_view kOpenEnding = ".open";
constexpr std::string_view kSealedEnding = ".sealed";
constexpr size_t kOrdinalDigits = 20;
constexpr size_t kSmallestBatch = 128;  // a batch's header
constexpr size_t kHopStreamAt = 80;     // in it
constexpr uint32_t kWorthPooling = 64U << 10;
constexpr size_t kSearchStep = 64U << 10;

template <class Number>
void put(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class Number>
Number get(std::string_view bytes, size_t at) {
  Number value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Id128 get_id(std::string_view bytes, size_t at) {
  Id128 id;
  std::memcpy(id.data(), bytes.data() + at, id.size());
  return id;
}

void put_id(std::string& out, const Id128& id) { out.append(reinterpret_cast<const char*>(id.data()), id.size()); }

uint32_t crc_of(uint32_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return crc32c({bytes, sizeof value});
}

// The length in a record's head; nothing when the head fails its check.
std::optional<uint32_t> length_of(std::string_view head) {
  const auto length = get<uint32_t>(head, 0);
  return get<uint32_t>(head, 4) == crc_of(length) ? std::optional(length) : std::nullopt;
}

}  // namespace

std::optional<SegmentName> SegmentName::parse(std::string_view file_name) {
  SegmentName name;
  if (file_name.ends_with(kOpenEnding)) {
    file_name.remove_suffix(kOpenEnding.size());
  } else if (file_name.ends_with(kSealedEnding)) {
    file_name.remove_suffix(kSealedEnding.size());
    name.state = SegmentState::kSealed;
  } else {
    return std::nullopt;
  }
  const auto ordinal = parse_number<uint64_t>(file_name);
  if (file_name.size() != kOrdinalDigits || !ordinal) {
    return std::nullopt;
  }
  name.first_ordinal = *ordinal;
  return name;
}

std::string SegmentName::text() const {
  const std::string number = str_cat(first_ordinal);
  return str_cat(std::string(kOrdinalDigits - number.size(), '0'), number,
                 state == SegmentState::kOpen ? kOpenEnding : kSealedEnding);
}

std::string encode_header(const SegmentHeader& header) {
  std::string out(kMagic);
  put_id(out, header.stream);
  put(out, header.first_ordinal);
  put(out, header.created_millis);
  out.append(kHeaderBytes - 4 - out.size(), '\0');  // for later
  put(out, crc32c(out));
  return out;
}

Result<SegmentHeader> decode_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) {
    return Status(Code::kCorrupt, str_cat("a segment's header of ", bytes.size(), " bytes; it has ", kHeaderBytes));
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return Status(Code::kCorrupt, "no segment of a write-ahead log, or of another version");
  }
  if (get<uint32_t>(bytes, kHeaderBytes - 4) != crc32c(bytes.substr(0, kHeaderBytes - 4))) {
    return Status(Code::kCorrupt, "a segment's header fails its check");
  }
  SegmentHeader header;
  header.stream = get_id(bytes, 8);
  header.first_ordinal = get<uint64_t>(bytes, 24);
  header.created_millis = get<int64_t>(bytes, 32);
  return header;
}

std::string encode_footer(const SegmentTotals& totals) {
  std::string out = encode_record_head(kFooterMark);
  put(out, totals.rows);
  put(out, totals.body_bytes);
  put(out, totals.skipped);
  put(out, crc32c(out));
  return out;
}

std::string encode_places(const Places& places) {
  std::string body;
  put(body, uint32_t{places.held ? 1U : 0U});
  put(body, static_cast<uint32_t>(places.all.size()));
  put(body, places.released);
  for (const Place& place : places.all) {
    put_id(body, place.stream);
    put(body, place.position);
    put(body, static_cast<uint32_t>(place.note.size()));
    body += place.note;
  }
  std::string out = encode_record_head(kPlacesMark);
  put(out, static_cast<uint32_t>(body.size()));
  put(out, crc32c(body));
  out += body;
  out.append(padding_after(out.size()), '\0');
  return out;
}

Result<Places> decode_places(std::string_view body) {
  constexpr size_t kEntryHead = 28;
  const Status broken(Code::kCorrupt, "places of a log that are not whole");
  if (body.size() < 16 || get<uint32_t>(body, 0) > 1) {
    return broken;
  }
  Places places;
  places.held = get<uint32_t>(body, 0) == 1;
  const auto count = get<uint32_t>(body, 4);
  places.released = get<uint64_t>(body, 8);
  body.remove_prefix(16);
  if (count > body.size() / kEntryHead) {
    return broken;
  }
  places.all.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (body.size() < kEntryHead || body.size() - kEntryHead < get<uint32_t>(body, 24)) {
      return broken;
    }
    const auto note = get<uint32_t>(body, 24);
    places.all.push_back({get_id(body, 0), get<uint64_t>(body, 16), std::string(body.substr(kEntryHead, note))});
    body.remove_prefix(kEntryHead + note);
  }
  return body.empty() ? Result<Places>(std::move(places)) : Result<Places>(broken);
}

std::string encode_record_head(uint32_t batch_bytes) {
  std::string out;
  put(out, batch_bytes);
  put(out, crc_of(batch_bytes));
  return out;
}

size_t padding_after(uint64_t batch_bytes) { return (8 - batch_bytes % 8) % 8; }

SegmentReader::SegmentReader(const LogFile& file, const BatchLimits& limits, uint64_t limit,
                             std::shared_ptr<BlobPool> pool)
    : file_(file), limits_(limits), limit_(limit), pool_(std::move(pool)) {}

Result<std::string> SegmentReader::bytes(uint64_t offset, size_t count) const {
  std::string out(static_cast<size_t>(offset < limit_ ? std::min<uint64_t>(count, limit_ - offset) : 0), '\0');
  FLUME_ASSIGN_OR_RETURN(const size_t got, file_.read_at(offset, std::span(out.data(), out.size())));
  out.resize(got);
  return out;
}

Result<SegmentHeader> SegmentReader::header() const {
  FLUME_ASSIGN_OR_RETURN(const std::string head, bytes(0, kHeaderBytes));
  auto header = decode_header(head);
  return header.ok() ? std::move(header) : header.status().with_context(quoted(file_.path()));
}

Result<SegmentReader::Item> SegmentReader::next() {
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, file_.size());
  const uint64_t end = std::min(size, limit_);
  if (at_ >= end) {
    Item item;
    item.offset = item.end_offset = at_;
    return item;
  }
  FLUME_ASSIGN_OR_RETURN(Item item, read_at(at_, end));
  if (item.kind == Kind::kTorn) {
    FLUME_RETURN_IF_ERROR(find_next(item, end));
  }
  at_ = item.end_offset;
  return item;
}

// What stands at `offset`: a batch, places, a footer, a damaged record whose head is sound, or (kTorn) none of them.
Result<SegmentReader::Item> SegmentReader::read_at(uint64_t offset, uint64_t end) const {
  Item item;
  item.offset = item.end_offset = offset;
  item.kind = Kind::kTorn;
  FLUME_ASSIGN_OR_RETURN(const std::string head, bytes(offset, kRecordHeadBytes));
  const auto length = head.size() == kRecordHeadBytes ? length_of(head) : std::nullopt;
  if (!length) {
    item.why = "a record's head fails its check";
    return item;
  }
  if (*length == kFooterMark) {
    return read_footer(std::move(item));
  }
  if (*length == kPlacesMark) {
    return read_places(std::move(item), end);
  }
  return read_batch(std::move(item), *length, end);
}

Result<SegmentReader::Item> SegmentReader::read_footer(Item item) const {
  FLUME_ASSIGN_OR_RETURN(const std::string footer, bytes(item.offset, kFooterBytes));
  if (footer.size() != kFooterBytes ||
      get<uint32_t>(footer, kFooterBytes - 4) != crc32c(std::string_view(footer).substr(0, kFooterBytes - 4))) {
    item.why = "a footer fails its check";
    return item;
  }
  item.kind = Kind::kFooter;
  item.totals = {get<uint64_t>(footer, 8), get<uint64_t>(footer, 16), get<uint32_t>(footer, 24)};
  item.end_offset = item.offset + kFooterBytes;
  return item;
}

Result<SegmentReader::Item> SegmentReader::read_places(Item item, uint64_t end) const {
  FLUME_ASSIGN_OR_RETURN(const std::string head, bytes(item.offset, kPlacesHeadBytes));
  const uint32_t size = head.size() == kPlacesHeadBytes ? get<uint32_t>(head, 8) : UINT32_MAX;
  const uint64_t whole = kPlacesHeadBytes + uint64_t{size} + padding_after(kPlacesHeadBytes + uint64_t{size});
  if (size > kMaxPlacesBytes || whole > end - item.offset) {
    item.why = "a record of places that ends behind the file's end";
    return item;
  }
  FLUME_ASSIGN_OR_RETURN(std::string body, bytes(item.offset + kPlacesHeadBytes, whole - kPlacesHeadBytes));
  const bool is_padded = body.size() == whole - kPlacesHeadBytes && body.find_first_not_of('\0', size) == body.npos;
  body.resize(std::min<size_t>(body.size(), size));
  if (!is_padded || crc32c(body) != get<uint32_t>(head, 12)) {
    item.why = "a record of places fails its check";
    return item;
  }
  auto places = decode_places(body);
  if (!places.ok()) {
    item.why = places.status().message();
    return item;
  }
  item.kind = Kind::kPlaces;
  item.places = std::move(places).value();
  item.end_offset = item.offset + whole;
  return item;
}

Result<SegmentReader::Item> SegmentReader::read_batch(Item item, uint32_t length, uint64_t end) const {
  const uint64_t whole = kRecordHeadBytes + uint64_t{length} + padding_after(length);
  if (length < kSmallestBatch || length > uint64_t{limits_.head_bytes} + limits_.blob_bytes) {
    item.why = str_cat("a record of ", length, " bytes");
    return item;
  }
  if (whole > end - item.offset) {
    item.why = "a record that ends behind the file's end";
    return item;
  }
  const std::shared_ptr<char[]> memory = pool_ == nullptr || length < kWorthPooling
                                             ? std::make_shared_for_overwrite<char[]>(length)
                                             : pool_->get(length).data;
  FLUME_ASSIGN_OR_RETURN(const size_t got,
                         file_.read_at(item.offset + kRecordHeadBytes, std::span(memory.get(), length)));
  if (got != length) {
    item.why = "a record that ends behind the file's end";
    return item;
  }
  item.end_offset = item.offset + whole;  // its head is sound, so the next one is there
  auto batch = EventBatch::decode({memory, length}, limits_, {});
  if (!batch.ok()) {
    item.kind = Kind::kDamaged;
    item.why = std::string(batch.status().message());
    return item;
  }
  item.kind = Kind::kBatch;
  item.batch = std::move(batch).value();
  return item;
}

// Looks for the next record behind item.offset: one whose head and batch are sound, at a place where a record can be.
// What was logged may look like records, so only those of the file's own stream, which is random, are looked at closer:
// nobody can put rows into a damaged log, or make this take long, by what they log.
Status SegmentReader::find_next(Item& item, uint64_t end) const {
  FLUME_ASSIGN_OR_RETURN(const std::string start, bytes(0, kHeaderBytes));
  const auto header = decode_header(start);
  const std::optional<Id128> own = header.ok() ? header->stream : stream_;
  for (uint64_t from = item.offset + 8; from + kRecordHeadBytes <= end; from += kSearchStep) {
    FLUME_ASSIGN_OR_RETURN(const std::string window, bytes(from, kSearchStep));
    for (size_t at = 0; at + kRecordHeadBytes <= window.size(); at += 8) {
      const auto length = length_of(std::string_view(window).substr(at, kRecordHeadBytes));
      if (!length) {
        continue;
      }
      if (*length != kFooterMark && *length != kPlacesMark && own) {
        FLUME_ASSIGN_OR_RETURN(const std::string stream, bytes(from + at + kRecordHeadBytes + kHopStreamAt, 16));
        if (stream.size() != 16 || get_id(stream, 0) != *own) {
          continue;
        }
      }
      FLUME_ASSIGN_OR_RETURN(const Item found, read_at(from + at, end));
      if (found.kind == Kind::kBatch || found.kind == Kind::kPlaces || found.kind == Kind::kFooter) {
        item.kind = Kind::kDamaged;
        item.end_offset = from + at;
        return {};
      }
    }
  }
  item.end_offset = end;
  return {};
}

}  // namespace flume::wal

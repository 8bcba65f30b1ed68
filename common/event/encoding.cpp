#include "common/event/encoding.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/io/crc32c.h"

namespace flume {

using encoding::Column;
using encoding::load;

namespace encoding {

namespace {

std::string_view cut(const char* ends, const char* bytes, uint32_t i) {
  const auto begin = i == 0 ? 0 : load<uint32_t>(ends + (size_t{i} - 1) * 4);
  return {bytes + begin, load<uint32_t>(ends + size_t{i} * 4) - begin};
}

}  // namespace

std::string_view Column::text(uint32_t rows, uint32_t row) const {
  const auto size = static_cast<size_t>(data.data() + data.size() - values);
  switch (encoding) {
    case kBytes: return cut(values, values + size_t{rows} * 4, row);
    case kDictionary: {
      const char* bytes = values + 4 + size_t{entries} * 4;
      const char* index = data.data() + data.size() - size_t{rows} * width;
      const uint32_t entry = width == 1 ? load<uint8_t>(index + row) : load<uint16_t>(index + size_t{row} * 2);
      return cut(values + 4, bytes, entry);
    }
    case kArray: return {values + size_t{row} * width, width};
    default: return {values, size};
  }
}

int64_t Column::number(uint32_t row) const {
  switch (encoding) {
    case kArray: return load<int64_t>(values + size_t{row} * 8);
    case kLinear: {
      const auto first = load<uint64_t>(values);
      return static_cast<int64_t>(first + row * load<uint64_t>(values + 8));  // wraps, as the writer's did
    }
    default: return load<int64_t>(values);
  }
}

}  // namespace encoding

namespace {

using namespace encoding;  // NOLINT: this file is about these names

std::string column_name(const Column& column) {
  switch (column.id) {
    case kEnds: return "ends";
    case kTimestamp: return "timestamp";
    case kPriority: return "priority";
    case kNanos: return "nanos";
    case kHost: return "host";
    case kIndex: return "index";
    case kAttribute: return str_cat("attribute ", quoted(column.name.substr(0, 64)));
    default: return str_cat("column ", column.id);
  }
}

Status corrupt(std::string_view what) { return {Code::kCorrupt, str_cat("decode batch: ", what)}; }
Status corrupt(const Column& column, std::string_view what) {
  return corrupt(str_cat(column_name(column), ": ", what));
}

bool all_zero(const char* begin, const char* end) {
  return std::all_of(begin, end, [](char byte) { return byte == 0; });
}

// Ends of `n` pieces that must rise to `bytes`, each piece no longer than `limit`.
Status check_ends(const Column& column, const char* ends, uint32_t n, size_t bytes, uint32_t limit) {
  uint32_t before = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const auto end = load<uint32_t>(ends + size_t{i} * 4);
    if (end < before) {
      return corrupt(column, str_cat("the end of value ", i, " lies before its start"));
    }
    if (end - before > limit) {
      return corrupt(column, str_cat("value ", i, " has ", end - before, " bytes, the limit is ", limit));
    }
    before = end;
  }
  if (before != bytes) {
    return corrupt(column, str_cat("the values end at ", before, ", their bytes at ", bytes));
  }
  return {};
}

Status check_dictionary(Column& column, uint32_t rows, size_t size, uint32_t limit) {
  if (size < 4) {
    return corrupt(column, "too short for a dictionary");
  }
  column.entries = load<uint32_t>(column.values);
  if (column.entries == 0 || column.entries > 65536) {
    return corrupt(column, str_cat("a dictionary of ", column.entries, " entries"));
  }
  column.width = column.entries <= 256 ? 1 : 2;
  const size_t table = 4 + size_t{column.entries} * 4;
  const size_t index_bytes = size_t{rows} * column.width;
  if (size < table + index_bytes) {
    return corrupt(column, "too short for its dictionary");
  }
  FLUME_RETURN_IF_ERROR(check_ends(column, column.values + 4, column.entries, size - table - index_bytes, limit));
  const char* index = column.values + size - index_bytes;
  for (uint32_t row = 0; row < rows; ++row) {
    const uint32_t entry = column.width == 1 ? load<uint8_t>(index + row) : load<uint16_t>(index + size_t{row} * 2);
    if (entry >= column.entries) {
      return corrupt(column, str_cat("row ", row, " has entry ", entry, " of ", column.entries));
    }
  }
  return {};
}

Status check_presence(Column& column, uint32_t rows) {
  const size_t bytes = bitmap_bytes(rows);
  if (column.data.size() < bytes) {
    return corrupt(column, "too short for its presence bitmap");
  }
  column.presence = column.data.data();
  column.values = column.presence + bytes;
  if (rows % 8 != 0 && (static_cast<unsigned char>(column.presence[bytes - 1]) >> (rows % 8)) != 0) {
    return corrupt(column, "the presence bitmap names rows that do not exist");
  }
  return {};
}

// Size and content by encoding. Sets what views need; with `trusted` bytes the passes over rows are left out.
Status open_column(Column& column, uint8_t encoding_byte, uint32_t rows, uint32_t limit, bool trusted) {
  const bool is_text = column.id == kHost || column.id == kAttribute;
  const bool optional = column.id >= kFirstOptional;
  column.encoding = encoding_byte & 0x7F;
  column.values = column.data.data();
  if ((encoding_byte & kPresence) != 0) {
    if (column.id != kAttribute && !optional) {
      return corrupt(column, "a presence bitmap is for attributes only");
    }
    FLUME_RETURN_IF_ERROR(check_presence(column, rows));
  }
  const auto size = static_cast<size_t>(column.data.data() + column.data.size() - column.values);
  const size_t element = column.id == kPriority                               ? 1
                         : column.id == kTimestamp || column.id == kNanos     ? 8
                         : optional && column.id != kOriginOffset && rows > 0 ? size / rows
                                                                              : 4;
  const bool is_number = column.id == kTimestamp || column.id == kNanos;
  switch (column.encoding) {
    case kConstant:
      if (column.id == kEnds || column.id == kIndex || column.id == kOriginOffset) {
        break;
      }
      if (!is_text && !optional && size != element) {
        return corrupt(column, str_cat("a constant of ", size, " bytes, not ", element));
      }
      if (size > limit) {
        return corrupt(column, str_cat("a value has ", size, " bytes, the limit is ", limit));
      }
      return {};
    case kLinear:
      if (!is_number && (!optional || column.id == kOriginOffset)) {
        break;
      }
      if (size != 16) {
        return corrupt(column, str_cat("a linear column of ", size, " bytes, not 16"));
      }
      return {};
    case kArray:
      if (is_text) {
        break;
      }
      if (size != element * rows) {
        return corrupt(column, str_cat("an array of ", size, " bytes for ", rows, " rows of ", element, " bytes"));
      }
      column.width = static_cast<uint32_t>(element);
      return {};
    case kBytes:
      if (!is_text && (!optional || column.id == kOriginOffset)) {
        break;
      }
      if (size < size_t{rows} * 4) {
        return corrupt(column, "too short for its ends");
      }
      return trusted ? Status() : check_ends(column, column.values, rows, size - size_t{rows} * 4, limit);
    case kDictionary:
      if (!is_text && (!optional || column.id == kOriginOffset)) {
        break;
      }
      return check_dictionary(column, rows, size, limit);
    default: break;
  }
  return corrupt(column, str_cat("encoding ", encoding_byte, " is not one of this column's"));
}

Status check_index(const Column& column, const uint32_t* index, uint32_t rows, uint32_t span) {
  for (uint32_t row = 0; row < rows; ++row) {
    if (index[row] >= span || (row > 0 && index[row] <= index[row - 1])) {
      return corrupt(column, str_cat("row ", row, " has number ", index[row], ", out of order or not below ", span));
    }
  }
  return {};
}

// Where rows lie in the origin stream: never backwards, never past the position after the last row.
Status check_origin(const EventBatch::Shared& s) {
  const uint64_t span = s.origin.end_position - s.origin.position;
  uint64_t last = s.number_of(s.rows - 1);
  if (s.origin.counts_bytes && s.origin_offsets) {
    if (!std::is_sorted(s.origin_offsets, s.origin_offsets + s.rows)) {
      return corrupt("the rows' places in the origin stream are out of order");
    }
    last = s.origin_offsets[s.rows - 1];
  } else if (s.origin.counts_bytes) {
    last = s.ends ? s.begin_of(s.rows - 1) : 0;
  }
  if (last > span) {
    return corrupt(str_cat("the last row lies ", last, " behind the origin position, the end only ", span));
  }
  return {};
}

Status check_priorities(const Column& column, uint32_t rows) {
  const uint32_t n = column.encoding == kArray ? rows : 1;
  for (uint32_t row = 0; row < n; ++row) {
    if (static_cast<uint8_t>(column.values[row]) > static_cast<uint8_t>(Priority::kTrace)) {
      return corrupt(column, str_cat("row ", row, " has priority ", static_cast<uint8_t>(column.values[row])));
    }
  }
  return {};
}

}  // namespace

uint64_t EventBatch::Shared::position_begin(uint32_t row) const {
  if (row == 0) {
    return origin.position;
  }
  if (row == rows) {
    return origin.end_position;
  }
  if (!origin.counts_bytes) {
    return origin.position + number_of(row);
  }
  return origin.position + (origin_offsets ? origin_offsets[row] : ends[row - 1]);
}

const Column* EventBatch::Shared::attribute(std::string_view name) const {
  const auto at = std::lower_bound(attributes.begin(), attributes.end(), name,
                                   [](const Column& column, std::string_view key) { return column.name < key; });
  return at != attributes.end() && at->name == name ? &*at : nullptr;
}

// Reads the bytes of one head and fills the table.
class HeadParser {
 public:
  HeadParser(EventBatch::Shared& shared, const BatchLimits& limits, bool trusted)
      : shared_(shared), limits_(limits), trusted_(trusted), head_(shared.head) {}

  Status run() {
    FLUME_RETURN_IF_ERROR(header());
    FLUME_RETURN_IF_ERROR(directory());
    return trusted_ ? Status() : rows();
  }

 private:
  Status header();
  Status directory();
  Status column(Column& column, uint8_t encoding_byte);
  Status rows();

  EventBatch::Shared& shared_;
  const BatchLimits& limits_;
  const bool trusted_;
  const char* const head_;
};

Status HeadParser::header() {
  EventBatch::Shared& s = shared_;
  s.flags = load<uint16_t>(head_ + kAtFlags);
  s.codec = static_cast<BlobCodec>(head_[kAtCodec]);
  s.head_bytes = load<uint32_t>(head_ + kAtHeadBytes);
  s.blob_stored = load<uint32_t>(head_ + kAtBlobStored);
  s.blob_raw = load<uint32_t>(head_ + kAtBlobRaw);
  s.rows = load<uint32_t>(head_ + kAtRows);
  s.span = load<uint32_t>(head_ + kAtSpan);
  const auto delimiter = static_cast<uint8_t>(head_[kAtDelimiterLength]);
  if (delimiter > kMaxDelimiter) {
    return corrupt(str_cat("a delimiter of ", delimiter, " bytes"));
  }
  s.delimiter = {head_ + kAtDelimiter, delimiter};
  std::memcpy(s.origin.node.data(), head_ + kAtOriginNode, s.origin.node.size());
  std::memcpy(s.origin.stream.data(), head_ + kAtOriginStream, s.origin.stream.size());
  s.origin.position = load<uint64_t>(head_ + kAtPosition);
  s.origin.end_position = load<uint64_t>(head_ + kAtEndPosition);
  s.origin.boot_epoch = load<uint32_t>(head_ + kAtBootEpoch);
  s.origin.counts_bytes = (s.flags & kCountsBytes) != 0;
  std::memcpy(s.hop.stream.data(), head_ + kAtHopStream, s.hop.stream.size());
  s.hop.ordinal = load<uint64_t>(head_ + kAtHopOrdinal);
  s.hop.chain = load<uint64_t>(head_ + kAtChain);
  s.hop.span = s.span;
  s.chain_rows = s.rows;
  if (trusted_) {
    return {};
  }
  if ((s.flags & kMustUnderstand) != 0) {
    return {Code::kUnsupported, str_cat("decode batch: unknown flags ", s.flags & kMustUnderstand)};
  }
  if (static_cast<uint8_t>(s.codec) > static_cast<uint8_t>(BlobCodec::kGzip)) {
    return {Code::kUnsupported, str_cat("decode batch: unknown blob codec ", static_cast<uint8_t>(s.codec))};
  }
  if (s.rows == 0 || s.rows > std::min(limits_.rows, kMaxRows)) {
    return corrupt(str_cat(s.rows, " rows, the limit is ", std::min(limits_.rows, kMaxRows)));
  }
  if (s.blob_raw > limits_.blob_bytes) {
    return corrupt(str_cat("a blob of ", s.blob_raw, " bytes, the limit is ", limits_.blob_bytes));
  }
  if (s.codec == BlobCodec::kNone && s.blob_raw != s.blob_stored) {
    return corrupt(str_cat("a plain blob of ", s.blob_stored, " bytes that claims ", s.blob_raw));
  }
  if (uint64_t{s.blob_stored} * limits_.ratio < s.blob_raw) {
    return corrupt(str_cat("a blob of ", s.blob_stored, " bytes that claims ", s.blob_raw, ", more than ",
                           limits_.ratio, " to 1"));
  }
  if (!all_zero(head_ + kAtDelimiter + delimiter, head_ + kAtColumns)) {
    return corrupt("bytes behind the delimiter are not zero");
  }
  if (s.span < s.rows) {
    return corrupt(str_cat("numbers that span ", s.span, " for ", s.rows, " rows"));
  }
  if (s.origin.end_position < s.origin.position) {
    return corrupt("the origin position after the last row lies before the first");
  }
  return {};
}

Status HeadParser::directory() {
  const auto count = static_cast<uint8_t>(head_[kAtColumns]);
  const uint64_t names = kHeaderBytes + uint64_t{count} * kEntryBytes;
  if (count > kMaxColumns || names > shared_.head_bytes) {
    return corrupt(str_cat("a directory of ", count, " columns does not fit the head"));
  }
  uint64_t name_at = names;
  for (uint32_t i = 0; i < count; ++i) {
    name_at += load<uint16_t>(head_ + kHeaderBytes + size_t{i} * kEntryBytes + 2);
  }
  if (name_at > shared_.head_bytes) {
    return corrupt("the names do not fit the head");
  }
  uint64_t used = name_at;  // columns stand in directory order, so one mark finds overlaps and gaps
  name_at = names;
  Column before;
  for (uint32_t i = 0; i < count; ++i) {
    const char* entry = head_ + kHeaderBytes + size_t{i} * kEntryBytes;
    const auto name_bytes = load<uint16_t>(entry + 2);
    const auto offset = load<uint32_t>(entry + 4);
    const auto bytes = load<uint32_t>(entry + 8);
    Column column;
    column.id = static_cast<uint8_t>(entry[0]);
    column.name = {head_ + name_at, name_bytes};
    name_at += name_bytes;
    if (!trusted_) {
      if (offset % 8 != 0 || offset < used || offset > shared_.head_bytes || bytes > shared_.head_bytes - offset) {
        return corrupt(column, str_cat("data of ", bytes, " bytes at ", offset, " do not fit their place in the head"));
      }
      if (!all_zero(head_ + used, head_ + offset) || load<uint32_t>(entry + 12) != 0) {
        return corrupt(column, "padding is not zero");
      }
      if (i > 0 && (column.id < before.id || (column.id == before.id && column.name <= before.name))) {
        return corrupt(column, "not in the order of id and name, or twice");
      }
    }
    column.data = {head_ + offset, bytes};
    used = uint64_t{offset} + bytes;
    FLUME_RETURN_IF_ERROR(this->column(column, static_cast<uint8_t>(entry[1])));
    before = column;
  }
  if (!trusted_ && !all_zero(head_ + used, head_ + shared_.head_bytes)) {
    return corrupt("padding of the head is not zero");
  }
  return {};
}

Status HeadParser::column(Column& column, uint8_t encoding_byte) {
  if (column.id == 0 || (column.id > kAttribute && column.id < kFirstOptional)) {
    return {Code::kUnsupported, str_cat("decode batch: unknown column ", column.id)};
  }
  if (column.id == kAttribute && !trusted_ &&
      (column.name.empty() || column.name.find('\0') != std::string_view::npos)) {
    return corrupt(column, "a name of an attribute has 1 to 65535 bytes, none of them NUL");
  }
  if (column.id < kAttribute && !column.name.empty()) {
    return corrupt(column, "only attributes have names");
  }
  FLUME_RETURN_IF_ERROR(open_column(column, encoding_byte, shared_.rows, limits_.event_bytes, trusted_));
  switch (column.id) {
    case kEnds: shared_.ends = reinterpret_cast<const uint32_t*>(column.values); return {};
    case kTimestamp: shared_.timestamp = column; return {};
    case kPriority: shared_.priority = column; return trusted_ ? Status() : check_priorities(column, shared_.rows);
    case kNanos: shared_.nanos = column; return {};
    case kHost: shared_.host = column; return {};
    case kIndex:
      shared_.index = reinterpret_cast<const uint32_t*>(column.values);
      return trusted_ ? Status() : check_index(column, shared_.index, shared_.rows, shared_.span);
    case kAttribute: shared_.attributes.push_back(column); return {};
    case kOriginOffset:
      if (column.encoding != kArray || column.presence) {
        return corrupt(column, "origin offsets are an array");
      }
      shared_.origin_offsets = reinterpret_cast<const uint32_t*>(column.values);
      break;
    default: break;
  }
  shared_.others.push_back(column);
  return {};
}

Status HeadParser::rows() {
  EventBatch::Shared& s = shared_;
  if (!s.timestamp) {
    return corrupt("no timestamps");
  }
  if (!s.ends && s.rows != 1) {
    return corrupt("no ends of rows");
  }
  if (!s.index && s.span != s.rows) {
    return corrupt(str_cat("numbers that span ", s.span, " for ", s.rows, " rows without an index"));
  }
  const auto delimiter = static_cast<uint32_t>(s.delimiter.size());
  const uint32_t* ends = s.ends ? s.ends : &s.blob_raw;
  uint32_t begin = 0;
  uint32_t bad = s.rows;
  for (uint32_t row = 0; row < s.rows; ++row) {
    const uint32_t end = ends[row];
    const uint32_t least = row + 1 == s.rows && (s.flags & kLastRowOpen) != 0 ? 0 : delimiter;
    if (end < begin || end - begin < least || end - begin - least > limits_.event_bytes) {
      bad = row;
      break;
    }
    begin = end;
  }
  if (bad < s.rows) {
    return corrupt(str_cat("row ", bad, " ends at ", ends[bad], " and starts at ", bad == 0 ? 0 : ends[bad - 1],
                           ": shorter than the delimiter or longer than ", limits_.event_bytes));
  }
  if (begin != s.blob_raw) {
    return corrupt(str_cat("rows end at ", begin, ", the blob at ", s.blob_raw));
  }
  return check_origin(s);
}

Status BatchAccess::parse(Shared& shared, const BatchLimits& limits, bool trusted) {
  FLUME_RETURN_IF_ERROR(HeadParser(shared, limits, trusted).run());
  if (!shared.ends) {
    shared.only_end = shared.blob_raw;
    shared.ends = &shared.only_end;
  }
  return {};
}

Status BatchAccess::check_delimiters(const Shared& shared) {
  const std::string_view delimiter = shared.delimiter;
  if (delimiter.empty()) {
    return {};
  }
  const uint32_t n = shared.rows - ((shared.flags & kLastRowOpen) != 0 ? 1 : 0);
  for (uint32_t row = 0; row < n; ++row) {
    const char* at = shared.blob + shared.ends[row] - delimiter.size();
    if (*at != delimiter[0] || (delimiter.size() > 1 && std::string_view(at, delimiter.size()) != delimiter)) {
      return corrupt(str_cat("row ", row, " does not end with the delimiter"));
    }
  }
  return {};
}

Result<EventBatch> EventBatch::decode(const Buffer& bytes, const BatchLimits& limits, AckToken token) {
  if (bytes.size < kHeaderBytes) {
    return corrupt(str_cat(bytes.size, " bytes are too short for a header"));
  }
  const char* data = bytes.data.get();
  if (std::string_view(data, kMagic.size()) != kMagic) {
    return corrupt("no batch: the magic is missing");
  }
  if (static_cast<uint8_t>(data[kAtVersion]) != kVersion) {
    return Status(Code::kUnsupported,
                  str_cat("decode batch: version ", static_cast<uint8_t>(data[kAtVersion]), ", this is ", kVersion));
  }
  const auto head_bytes = load<uint32_t>(data + kAtHeadBytes);
  const auto blob_stored = load<uint32_t>(data + kAtBlobStored);
  if (head_bytes < kHeaderBytes || head_bytes % 8 != 0 || head_bytes > std::min(limits.head_bytes, kMaxHeadBytes)) {
    return corrupt(str_cat("a head of ", head_bytes, " bytes"));
  }
  if (bytes.size != uint64_t{head_bytes} + align8(uint64_t{blob_stored})) {
    return corrupt(str_cat(bytes.size, " bytes for a head of ", head_bytes, " and a blob of ", blob_stored));
  }
  const uint32_t head_crc = crc32c({data + kHeaderBytes, head_bytes - kHeaderBytes},
                                   crc32c(std::string_view("\0\0\0\0", 4), crc32c({data, kAtHeadCrc})));
  if (head_crc != load<uint32_t>(data + kAtHeadCrc)) {
    return corrupt("the checksum of the head is wrong");
  }
  auto shared = std::make_shared<Shared>();
  shared->head_owner = bytes.data;
  shared->blob_owner = bytes.data;
  shared->head = data;
  shared->blob = data + head_bytes;
  if (reinterpret_cast<uintptr_t>(data) % 8 != 0) {  // columns are used in place and want their alignment
    auto aligned = std::make_shared<char[]>(head_bytes);
    std::memcpy(aligned.get(), data, head_bytes);
    shared->head = aligned.get();
    shared->head_owner = std::move(aligned);
  }
  FLUME_RETURN_IF_ERROR(BatchAccess::parse(*shared, limits, false));
  if (!all_zero(shared->blob + blob_stored, shared->blob + align8(blob_stored))) {
    return corrupt("padding of the blob is not zero");
  }
  if (crc32c({shared->blob, blob_stored}) != load<uint32_t>(data + kAtBlobCrc)) {
    return corrupt("the checksum of the blob is wrong");
  }
  if (shared->codec == BlobCodec::kNone) {
    FLUME_RETURN_IF_ERROR(BatchAccess::check_delimiters(*shared));
  }
  return BatchAccess::make(std::move(shared), std::move(token));
}

}  // namespace flume

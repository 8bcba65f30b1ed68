// Edits: a new head over the same blob, or rows gathered into a batch of their own.
#include <algorithm>

#include "common/base/check.h"
#include "common/event/column_builder.h"
#include "common/event/encoding.h"
#include "common/io/crc32c.h"

namespace flume {

using namespace encoding;  // NOLINT: this file is about these names

namespace {

using Shared = EventBatch::Shared;

uint8_t encoding_byte(const Column& column) {
  return static_cast<uint8_t>(column.encoding | (column.presence ? kPresence : 0));
}

void copy(const Column& column, HeadPlan& plan) {
  if (column) {
    plan.add(column.id, encoding_byte(column), column.name, column.data);
  }
}

std::string_view raw(const uint32_t* values, uint32_t n) {
  return {reinterpret_cast<const char*>(values), size_t{n} * 4};
}

template <class Keep>
void copy_attributes(const Shared& shared, HeadPlan& plan, const Keep& keep) {
  for (const Column& column : shared.attributes) {
    if (keep(column.name)) {
      copy(column, plan);
    }
  }
}

// Which rows of a batch (numbered in its shared columns) go into a new one.
struct Rows {
  uint32_t first = 0;
  uint32_t count = 0;
  const uint32_t* picked = nullptr;  // added to first; none: a range

  uint32_t at(uint32_t i) const { return first + (picked ? picked[i] : i); }
};

// A column's values for some rows only, behind their presence bitmap.
class Gather {
 public:
  Gather(const Shared& from, const Rows& rows, HeadPlan& plan) : from_(from), rows_(rows), plan_(plan) {}

  void add(const Column& column) {
    if (!column) {
      return;
    }
    if (column.encoding == kConstant && !column.presence) {
      copy(column, plan_);
      return;
    }
    std::string data;
    if (column.presence && !gather_presence(column, data)) {
      return;
    }
    uint8_t encoding = column.encoding;
    switch (column.encoding) {
      case kConstant: data.append(column.values, column.data.data() + column.data.size()); break;
      case kLinear: encoding = gather_linear(column, data); break;
      case kArray: gather_array(column, data); break;
      case kDictionary:
        if (column.entries <= rows_.count) {
          gather_dictionary(column, data);
          break;
        }
        [[fallthrough]];  // fewer rows than entries: their values alone are smaller
      default:
        encoding = kBytes;
        gather_bytes(column, data);
        break;
    }
    if (column.presence) {
      encoding |= kPresence;
    }
    plan_.add_owned(column.id, encoding, column.name, std::move(data));
  }

 private:
  // False: an attribute that none of the rows has.
  bool gather_presence(const Column& column, std::string& data) {
    data.assign(bitmap_bytes(rows_.count), '\0');
    bool any = false;
    for (uint32_t i = 0; i < rows_.count; ++i) {
      if (column.has(rows_.at(i))) {
        data[i / 8] = static_cast<char>(data[i / 8] | (1 << (i % 8)));
        any = true;
      }
    }
    return any || column.id != kAttribute;
  }

  uint8_t gather_linear(const Column& column, std::string& data) {
    if (!rows_.picked) {
      append_raw(data, column.number(rows_.first));
      data.append(column.values + 8, 8);
      return kLinear;
    }
    for (uint32_t i = 0; i < rows_.count; ++i) {
      append_raw(data, column.number(rows_.at(i)));
    }
    return kArray;
  }

  void gather_array(const Column& column, std::string& data) {
    if (!rows_.picked) {
      data.append(column.values + size_t{rows_.first} * column.width, size_t{rows_.count} * column.width);
      return;
    }
    for (uint32_t i = 0; i < rows_.count; ++i) {
      data.append(column.values + size_t{rows_.at(i)} * column.width, column.width);
    }
  }

  void gather_bytes(const Column& column, std::string& data) {
    uint32_t end = 0;
    for (uint32_t i = 0; i < rows_.count; ++i) {
      end += static_cast<uint32_t>(column.text(from_.rows, rows_.at(i)).size());
      append_raw(data, end);
    }
    for (uint32_t i = 0; i < rows_.count; ++i) {
      data.append(column.text(from_.rows, rows_.at(i)));
    }
  }

  void gather_dictionary(const Column& column, std::string& data) {
    const char* end = column.data.data() + column.data.size();
    const char* index = end - size_t{from_.rows} * column.width;
    data.append(column.values, index);
    for (uint32_t i = 0; i < rows_.count; ++i) {
      data.append(index + size_t{rows_.at(i)} * column.width, column.width);
    }
  }

  const Shared& from_;
  const Rows& rows_;
  HeadPlan& plan_;
};

// Header and every column but ends and origin offsets, for the rows of a slice or some of them.
HeadPlan gather_head(const EventBatch& batch, const Rows& rows) {
  const Shared& from = BatchAccess::shared(batch);
  HeadPlan plan = BatchAccess::plan_of(from);
  plan.rows = rows.count;
  plan.origin = batch.origin();
  plan.hop = batch.hop();
  Gather gather(from, rows, plan);
  for (const Column* column : {&from.timestamp, &from.priority, &from.nanos, &from.host}) {
    gather.add(*column);
  }
  for (const Column& column : from.attributes) {
    gather.add(column);
  }
  for (const Column& column : from.others) {
    if (column.id != kOriginOffset) {
      gather.add(column);
    }
  }
  if (from.index || rows.picked) {
    const uint32_t base = from.span_begin(rows.first);
    std::string index;
    for (uint32_t i = 0; i < rows.count; ++i) {
      append_raw(index, from.number_of(rows.at(i)) - base);
    }
    plan.add_owned(kIndex, kArray, {}, std::move(index));
  }
  return plan;
}

// Where rows do not lie in the blob as they lay in what was read, byte positions have to be said one by one.
void add_origin_offsets(const EventBatch& batch, const Rows& rows, HeadPlan& plan) {
  const uint32_t first = BatchAccess::first(batch);
  std::string offsets;
  for (uint32_t i = 0; i < rows.count; ++i) {
    append_raw(offsets, static_cast<uint32_t>(batch.origin_position(rows.at(i) - first) - batch.origin().position));
  }
  plan.add_owned(kOriginOffset, kArray, {}, std::move(offsets));
}

struct NewBlob {
  std::shared_ptr<char[]> bytes;
  std::vector<uint32_t> ends;
};

std::shared_ptr<const Shared> finish(HeadPlan& plan, NewBlob& blob) {
  plan.blob_raw = blob.ends.back();
  if (plan.rows > 1) {
    plan.add(kEnds, kArray, {}, raw(blob.ends.data(), plan.rows));
  }
  const char* data = blob.bytes.get();
  return BatchAccess::assemble(plan, std::move(blob.bytes), data, crc32c({data, plan.blob_raw}));
}

// The stored bytes of the rows, delimiters included.
EventBatch gather_rows(const EventBatch& batch, const Rows& rows) {
  const Shared& from = BatchAccess::shared(batch);
  FLUME_CHECK(from.codec == BlobCodec::kNone, "rows of a compressed batch cannot be taken out");
  HeadPlan plan = gather_head(batch, rows);
  if (!from.open_end(rows.at(rows.count - 1))) {
    plan.flags &= static_cast<uint16_t>(~kLastRowOpen);
  }
  if (from.origin.counts_bytes && (from.origin_offsets || rows.picked)) {
    add_origin_offsets(batch, rows, plan);
  }
  NewBlob blob;
  blob.ends.reserve(rows.count);
  uint32_t end = 0;
  for (uint32_t i = 0; i < rows.count; ++i) {
    const uint32_t row = rows.at(i);
    end += from.ends[row] - from.begin_of(row);
    blob.ends.push_back(end);
  }
  blob.bytes = std::make_shared<char[]>(size_t{end} + 8);
  if (rows.picked) {
    char* to = blob.bytes.get();
    for (uint32_t i = 0; i < rows.count; ++i) {
      const uint32_t row = rows.at(i);
      to = std::copy(from.blob + from.begin_of(row), from.blob + from.ends[row], to);
    }
  } else {
    std::memcpy(blob.bytes.get(), from.blob + from.begin_of(rows.first), end);
  }
  return BatchAccess::make(finish(plan, blob), batch.token());
}

}  // namespace

void BatchAccess::copy_fields(const Shared& shared, HeadPlan& plan) {
  for (const Column* column : {&shared.timestamp, &shared.priority, &shared.nanos, &shared.host}) {
    copy(*column, plan);
  }
  if (shared.rows > 1) {
    plan.add(kEnds, kArray, {}, raw(shared.ends, shared.rows));
  }
  if (shared.index) {
    plan.add(kIndex, kArray, {}, raw(shared.index, shared.rows));
  }
  for (const Column& column : shared.others) {
    copy(column, plan);
  }
}

EventBatch BatchAccess::materialize(const EventBatch& batch) {
  return gather_rows(batch, {batch.first_, batch.rows_, nullptr});
}

bool EventBatch::attribute_fits(std::string_view attribute, size_t largest_value) const {
  if (rows_ == 0 || attribute.empty() || attribute.size() > kMaxName ||
      attribute.find('\0') != std::string_view::npos || largest_value > BatchLimits().event_bytes) {
    return false;
  }
  if (shared_->attribute(attribute)) {
    return true;
  }
  return static_cast<uint8_t>(shared_->head[kAtColumns]) < kMaxColumns;
}

EventBatch EventBatch::with_constant(std::string_view attribute, std::string_view value) const {
  if (!attribute_fits(attribute, value.size())) {
    return *this;
  }
  HeadPlan plan = BatchAccess::plan_of(*shared_);
  BatchAccess::copy_fields(*shared_, plan);
  copy_attributes(*shared_, plan, [attribute](std::string_view name) { return name != attribute; });
  plan.add(kAttribute, kConstant, attribute, value);
  if (BatchAccess::head_bytes_of(plan) > kMaxHeadBytes) {
    return *this;
  }
  return BatchAccess::rewrap(*this, BatchAccess::assemble(plan, *shared_));
}

EventBatch EventBatch::with_attribute(std::string_view attribute,
                                      std::span<const std::optional<std::string_view>> values) const {
  FLUME_CHECK(values.size() == rows_, "one value a row");
  size_t largest = 0;
  TextColumn column;
  column.fill(first_, std::nullopt);
  for (const std::optional<std::string_view>& value : values) {
    largest = std::max(largest, value ? value->size() : 0);
    column.append(value);
  }
  if (!attribute_fits(attribute, largest)) {
    return *this;
  }
  column.fill(shared_->rows, std::nullopt);
  HeadPlan plan = BatchAccess::plan_of(*shared_);
  BatchAccess::copy_fields(*shared_, plan);
  copy_attributes(*shared_, plan, [attribute](std::string_view name) { return name != attribute; });
  if (column.any()) {
    EncodedColumn encoded = column.encode();
    plan.add_owned(kAttribute, encoded.encoding, attribute, std::move(encoded.data));
  }
  if (BatchAccess::head_bytes_of(plan) > kMaxHeadBytes) {
    return *this;
  }
  return BatchAccess::rewrap(*this, BatchAccess::assemble(plan, *shared_));
}

EventBatch EventBatch::without_attributes(std::span<const std::string> names) const {
  if (rows_ == 0) {
    return *this;
  }
  HeadPlan plan = BatchAccess::plan_of(*shared_);
  BatchAccess::copy_fields(*shared_, plan);
  copy_attributes(*shared_, plan, [names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) == names.end();
  });
  return BatchAccess::rewrap(*this, BatchAccess::assemble(plan, *shared_));
}

EventBatch EventBatch::with_only_attributes(std::span<const std::string> names) const {
  if (rows_ == 0) {
    return *this;
  }
  HeadPlan plan = BatchAccess::plan_of(*shared_);
  BatchAccess::copy_fields(*shared_, plan);
  copy_attributes(*shared_, plan, [names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  return BatchAccess::rewrap(*this, BatchAccess::assemble(plan, *shared_));
}

// Header fields only: the head is copied and patched.
EventBatch EventBatch::with_hop(const Hop& hop) const {
  FLUME_CHECK(rows_ > 0, "an empty batch stamped");
  auto head = std::make_shared<char[]>(shared_->head_bytes);
  std::memcpy(head.get(), shared_->head, shared_->head_bytes);
  std::memcpy(head.get() + kAtHopStream, hop.stream.data(), hop.stream.size());
  // The number given is of this slice's first row; the head speaks of the whole batch.
  store<uint64_t>(head.get() + kAtHopOrdinal, hop.ordinal - shared_->span_begin(first_));
  store<uint64_t>(head.get() + kAtChain, hop.chain);
  return BatchAccess::rewrap(*this, BatchAccess::open_head(std::move(head), shared_->head_bytes, shared_->blob_owner,
                                                           shared_->blob, first_ + rows_));
}

EventBatch EventBatch::with_multiplied() const {
  FLUME_CHECK(rows_ > 0, "an empty batch marked");
  auto head = std::make_shared<char[]>(shared_->head_bytes);
  std::memcpy(head.get(), shared_->head, shared_->head_bytes);
  store<uint16_t>(head.get() + kAtFlags, static_cast<uint16_t>(shared_->flags | kMultiplied));
  return BatchAccess::rewrap(
      *this, BatchAccess::open_head(std::move(head), shared_->head_bytes, shared_->blob_owner, shared_->blob));
}

EventBatch EventBatch::with_bodies(std::span<const std::string_view> bodies, std::string_view delimiter) const {
  FLUME_CHECK(bodies.size() == rows_ && rows_ > 0, "one body a row");
  FLUME_CHECK(delimiter.size() <= kMaxDelimiter, "a delimiter of a batch has at most 6 bytes");
  const Rows rows{first_, rows_, nullptr};
  HeadPlan plan = gather_head(*this, rows);
  plan.flags &= static_cast<uint16_t>(~kLastRowOpen);
  plan.delimiter = delimiter;
  if (origin_.counts_bytes) {
    add_origin_offsets(*this, rows, plan);
  }
  NewBlob blob;
  blob.ends.reserve(rows_);
  size_t end = 0;
  for (const std::string_view body : bodies) {
    end += body.size() + delimiter.size();
    blob.ends.push_back(static_cast<uint32_t>(end));
  }
  FLUME_CHECK(end <= kMaxBlobBytes, "new bodies larger than a batch can be");
  blob.bytes = std::make_shared<char[]>(end + 8);
  char* to = blob.bytes.get();
  for (const std::string_view body : bodies) {
    to = std::copy(body.begin(), body.end(), to);
    to = std::copy(delimiter.begin(), delimiter.end(), to);
  }
  return BatchAccess::make(finish(plan, blob), token_);
}

EventBatch EventBatch::pick(std::span<const uint32_t> rows) const {
  if (rows.empty()) {
    return {};
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    FLUME_CHECK(rows[i] < rows_ && (i == 0 || rows[i] > rows[i - 1]), "rows are picked in ascending order");
  }
  if (rows.size() == rows_) {
    return *this;
  }
  return gather_rows(*this, {first_, static_cast<uint32_t>(rows.size()), rows.data()});
}

}  // namespace flume

#include "common/event/batch.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/event/encoding.h"

namespace flume {

using encoding::Column;

EventBatch::EventBatch() = default;

uint32_t EventBatch::rows() const { return rows_; }

EventBatch BatchAccess::make(std::shared_ptr<const Shared> shared, AckToken token) {
  EventBatch batch;
  batch.rows_ = shared->rows;
  batch.origin_ = shared->origin;
  batch.shared_ = std::move(shared);
  batch.token_ = std::move(token);
  return batch;
}

EventBatch BatchAccess::rewrap(const EventBatch& batch, std::shared_ptr<const Shared> shared) {
  EventBatch out = batch;
  out.shared_ = std::move(shared);
  return out;
}

int64_t EventBatch::timestamp(uint32_t row) const { return shared_->timestamp.number(first_ + row); }

Priority EventBatch::priority(uint32_t row) const {
  const Column& column = shared_->priority;
  if (!column) {
    return Priority::kInfo;
  }
  return static_cast<Priority>(column.values[column.encoding == encoding::kArray ? first_ + row : 0]);
}

int64_t EventBatch::nanos(uint32_t row) const { return shared_->nanos ? shared_->nanos.number(first_ + row) : 0; }

std::string_view EventBatch::host(uint32_t row) const {
  return shared_->host ? shared_->host.text(shared_->rows, first_ + row) : std::string_view();
}

std::string_view EventBatch::body(uint32_t row) const {
  const Shared& s = *shared_;
  FLUME_CHECK(s.codec == BlobCodec::kNone && row < rows_, "a body of a compressed batch, or no such row");
  const uint32_t at = first_ + row;
  const uint32_t begin = s.begin_of(at);
  return {s.blob + begin, s.ends[at] - begin - s.delimiter_bytes(at)};
}

std::optional<std::string_view> EventBatch::attribute(uint32_t row, std::string_view name) const {
  const Column* column = shared_->attribute(name);
  if (!column || !column->has(first_ + row)) {
    return std::nullopt;
  }
  return column->text(shared_->rows, first_ + row);
}

std::vector<std::string_view> EventBatch::attribute_names() const {
  std::vector<std::string_view> names;
  if (shared_) {
    names.reserve(shared_->attributes.size());
    for (const Column& column : shared_->attributes) {
      names.push_back(column.name);
    }
  }
  return names;
}

Event EventBatch::event(uint32_t row) const {
  Event event;
  event.timestamp = timestamp(row);
  event.priority = priority(row);
  event.nanos = nanos(row);
  event.host = host(row);
  event.body = body(row);
  for (const Column& column : shared_->attributes) {
    if (column.has(first_ + row)) {
      event.attributes.emplace_hint(event.attributes.end(), column.name, column.text(shared_->rows, first_ + row));
    }
  }
  return event;
}

std::string_view EventBatch::blob() const {
  if (rows_ == 0) {
    return {};
  }
  const Shared& s = *shared_;
  FLUME_CHECK(s.codec == BlobCodec::kNone, "the blob of a compressed batch");
  const uint32_t begin = s.begin_of(first_);
  return {s.blob + begin, s.ends[first_ + rows_ - 1] - begin};
}

uint64_t EventBatch::body_bytes() const {
  if (rows_ == 0) {
    return 0;
  }
  const Shared& s = *shared_;
  const uint32_t last = first_ + rows_ - 1;
  const uint64_t open = s.open_end(last) ? s.delimiter.size() : 0;
  return s.ends[last] - s.begin_of(first_) - uint64_t{rows_} * s.delimiter.size() + open;
}

std::string_view EventBatch::delimiter() const { return shared_ ? shared_->delimiter : std::string_view(); }

bool EventBatch::blob_is_rows_of(std::string_view delimiter) const {
  return rows_ > 0 && shared_->codec == BlobCodec::kNone && shared_->delimiter == delimiter &&
         (delimiter.empty() || !shared_->open_end(first_ + rows_ - 1));
}

std::optional<std::string_view> EventBatch::constant(Field host_only) const {
  FLUME_CHECK(host_only == Field::kHost, "only the host is text");
  if (rows_ == 0 || (shared_->host && shared_->host.encoding != encoding::kConstant && rows_ > 1)) {
    return std::nullopt;
  }
  return host(0);
}

std::optional<int64_t> EventBatch::constant_number(Field field) const {
  if (rows_ == 0) {
    return std::nullopt;
  }
  const Shared& s = *shared_;
  const Column& column = field == Field::kTimestamp ? s.timestamp : field == Field::kNanos ? s.nanos : s.priority;
  FLUME_CHECK(field != Field::kHost, "the host is no number");
  const bool same = !column || column.encoding == encoding::kConstant || rows_ == 1 ||
                    (column.encoding == encoding::kLinear && encoding::load<int64_t>(column.values + 8) == 0);
  if (!same) {
    return std::nullopt;
  }
  return field == Field::kTimestamp ? timestamp(0)
         : field == Field::kNanos   ? nanos(0)
                                    : static_cast<int64_t>(priority(0));
}

std::optional<std::string_view> EventBatch::constant(std::string_view attribute) const {
  const Column* column = rows_ == 0 ? nullptr : shared_->attribute(attribute);
  const bool same = column && (rows_ == 1 || (column->encoding == encoding::kConstant && !column->presence));
  return same ? this->attribute(0, attribute) : std::nullopt;
}

const Origin& EventBatch::origin() const { return origin_; }

uint64_t EventBatch::origin_position(uint32_t row) const {
  const Shared& s = *shared_;
  const uint32_t at = first_ + row;
  if (!s.origin.counts_bytes) {
    return s.origin.position + s.number_of(at);
  }
  return s.origin.position + (s.origin_offsets ? s.origin_offsets[at] : s.begin_of(at));
}

Hop EventBatch::hop() const {
  if (rows_ == 0) {
    return {};
  }
  Hop hop = shared_->hop;
  const uint32_t begin = shared_->span_begin(first_);
  hop.ordinal += begin;
  hop.span = shared_->span_begin(first_ + rows_) - begin;
  if (first_ + rows_ != shared_->chain_rows) {
    hop.chain = 0;
  }
  return hop;
}

uint64_t EventBatch::hop_ordinal(uint32_t row) const { return shared_->hop.ordinal + shared_->number_of(first_ + row); }

bool EventBatch::multiplied() const { return shared_ && (shared_->flags & encoding::kMultiplied) != 0; }

BlobCodec EventBatch::codec() const { return shared_ ? shared_->codec : BlobCodec::kNone; }

bool EventBatch::is_same(const EventBatch& other) const {
  return shared_ == other.shared_ && first_ == other.first_ && rows_ == other.rows_;
}

EventBatch EventBatch::slice(uint32_t from, uint32_t n) const {
  FLUME_CHECK(from <= rows_ && n <= rows_ - from, "a slice beyond the batch");
  if (n == 0) {
    return {};
  }
  EventBatch out;
  out.shared_ = shared_;
  out.first_ = first_ + from;
  out.rows_ = n;
  out.origin_ = origin_;
  out.origin_.position = shared_->position_begin(out.first_);
  out.origin_.end_position = shared_->position_begin(out.first_ + n);
  out.token_ = token_;
  return out;
}

EventBatch::Encoded EventBatch::encoded() const {
  FLUME_CHECK(rows_ > 0, "there is no encoding of an empty batch");
  if (rows_ != shared_->rows) {
    return BatchAccess::materialize(*this).encoded();
  }
  const Shared& s = *shared_;
  Encoded out;
  out.pieces[0] = {const_cast<char*>(s.head), s.head_bytes};
  out.pieces[1] = {const_cast<char*>(s.blob), encoding::align8(size_t{s.blob_stored})};
  out.holder = shared_;
  return out;
}

const AckToken& EventBatch::token() const { return token_; }

EventBatch EventBatch::with_token(AckToken token) const {
  EventBatch out = *this;
  out.token_ = std::move(token);
  return out;
}

void EventBatch::settle(Outcome outcome, std::string_view reason) const {
  token_.settle(rows_, outcome, reason, body_bytes());
}

}  // namespace flume

#include <algorithm>
#include <cstring>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/event/batch.h"
#include "common/event/blob_pool.h"
#include "common/event/column_builder.h"
#include "common/event/encoding.h"
#include "common/event/line_scan.h"
#include "common/io/crc32c.h"

namespace flume {

using encoding::HeadPlan;

namespace {

constexpr size_t kPadding = 8;        // kept free behind the blob for its zero padding
constexpr size_t kCarryRoom = 8192;   // for an unfinished line, so that reads stay whole
constexpr size_t kOwnPool = 4;        // buffers kept by a builder's own pool
constexpr size_t kSmallBlob = 32768;  // up to here sealing copies: a few rows do not pin a whole buffer
constexpr size_t kHeadTarget = 1U << 20;
constexpr size_t kMaxAttributes = 200;  // leaves room for stamps on the way
constexpr size_t kMaxAttributeBytes = 8U << 20;

}  // namespace

struct BatchBuilder::Impl {
  explicit Impl(BuilderOptions given) : options(std::move(given)), position(options.origin.position) {
    FLUME_CHECK(options.delimiter.size() <= encoding::kMaxDelimiter, "a delimiter of a batch has at most 6 bytes");
    pool = options.pool ? options.pool : BlobPool::create(options.target_bytes + kCarryRoom + kPadding, kOwnPool);
  }

  uint32_t rows() const { return static_cast<uint32_t>(ends.size()); }
  size_t unfinished() const { return used - complete; }
  bool closed() const { return last_open || boundary; }  // no row may follow in this batch

  // ---- the buffer
  void reserve(size_t more) {
    const size_t wanted = used + more + kPadding;
    if (wanted <= buffer.capacity) {
      return;
    }
    const size_t grown = buffer.data ? std::max(wanted, buffer.capacity * 2) : wanted;
    BlobPool::Blob next = pool->get(grown);
    std::memcpy(next.data.get(), buffer.data ? buffer.data.get() : idle_line.data(), used);
    buffer = std::move(next);
    idle_line.clear();
  }

  void go_idle() {
    if (buffer.data && complete == 0 && used <= kSmallBlob) {
      idle_line.assign(buffer.data.get(), used);
      buffer = {};
    }
  }

  // ---- cutting lines
  void take_row(size_t end, int64_t timestamp, int64_t nano) {
    ends.push_back(static_cast<uint32_t>(end));
    complete = scanned = end;
    append_fields(1, timestamp, nano);
  }

  void append_fields(uint32_t n, int64_t timestamp, int64_t nano) {
    timestamps.append_run(timestamp, 0, n);
    nanos.append_run(nano, 1, n);
    priorities.append_run(static_cast<int64_t>(Priority::kInfo), 0, n);
  }

  void cut_fast(int64_t timestamp, int64_t nano) {
    const std::string_view fresh(buffer.data.get() + scanned, used - scanned);
    const uint32_t n = find_line_ends(fresh, options.delimiter[0], static_cast<uint32_t>(scanned), ends);
    complete = ends.empty() ? 0 : ends.back();
    scanned = used;
    append_fields(n, timestamp, nano);
  }

  // Line by line: delimiters of several bytes, and whenever a line may be over the limit.
  void cut_slowly(int64_t timestamp, int64_t nano) {
    const size_t limit = options.limits.event_bytes;
    const std::string& delimiter = options.delimiter;
    for (int64_t i = 0; rows() < options.limits.rows; ++i) {
      const std::string_view text(buffer.data.get(), used);
      const size_t back = scanned - complete < delimiter.size() - 1 ? scanned - complete : delimiter.size() - 1;
      const size_t at = text.find(delimiter, scanned - back);
      const bool found = at != std::string_view::npos;
      const size_t length = (found ? at : used) - complete;
      scanned = found ? at : used;
      if (found && length <= limit) {
        take_row(at + delimiter.size(), timestamp, nano + i);
      } else if (length < limit + (found ? 0 : delimiter.size())) {
        return;  // unfinished, and not over the limit yet
      } else if (rows() > 0) {
        boundary = true;  // the long line starts a batch of its own
        return;
      } else {
        take_row(complete + limit, timestamp, nano + i);
        last_open = true;
        skipping = options.oversize == Oversize::kCut;
        ++oversized;
        return;
      }
    }
    boundary = true;
  }

  // The rest of a line that was cut, up to its delimiter; at the start of a batch.
  void skip_rest() {
    const std::string_view text(buffer.data.get(), used);
    const size_t at = text.find(options.delimiter);
    skipping = at == std::string_view::npos;
    const size_t kept_tail = std::min(used, options.delimiter.size() - 1);
    const size_t n = skipping ? used - kept_tail : at + options.delimiter.size();
    std::memmove(buffer.data.get(), buffer.data.get() + n, used - n);
    used -= n;
    scanned = 0;
    pass_over(n);
  }

  void pass_over(size_t bytes) {
    discarded += bytes;
    position += options.origin.counts_bytes ? bytes : 0;
  }

  uint32_t cut(int64_t timestamp, int64_t nano) {
    if (closed()) {
      return 0;
    }
    if (skipping && used > 0) {
      skip_rest();
    }
    const uint32_t before = rows();
    const bool none_too_long = used - complete <= options.limits.event_bytes;
    const bool rows_fit = used - scanned <= options.limits.rows - before;
    if (options.delimiter.size() == 1 && none_too_long && rows_fit) {
      cut_fast(timestamp, nano);
    } else if (!skipping) {
      cut_slowly(timestamp, nano);
    }
    return rows() - before;
  }

  // ---- adding rows one by one
  bool has_room(size_t body, size_t head, size_t new_attributes) {
    FLUME_CHECK(used == complete, "a row added while a line is unfinished");
    const size_t bytes = body + options.delimiter.size();
    if (closed() || body > options.limits.event_bytes || rows() >= options.limits.rows) {
      return false;
    }
    if (rows() == 0) {
      return new_attributes <= kMaxAttributes && head <= kMaxAttributeBytes;
    }
    return complete + bytes <= options.target_bytes && head_bytes + head <= kHeadTarget &&
           attributes.size() + new_attributes <= kMaxAttributes;
  }

  void add_body(std::string_view body) {
    reserve(body.size() + options.delimiter.size());
    char* at = std::copy(body.begin(), body.end(), buffer.data.get() + used);
    std::copy(options.delimiter.begin(), options.delimiter.end(), at);
    used += body.size() + options.delimiter.size();
    complete = scanned = used;
    ends.push_back(static_cast<uint32_t>(used));
  }

  void add_host(std::string_view host) {
    hosts.fill(rows() - 1, options.host);
    hosts.append(host.empty() ? std::string_view(options.host) : host);
  }

  size_t find_attribute(std::string_view name) const {
    size_t i = 0;
    while (i < attributes.size() && attributes[i].name != name) {
      ++i;
    }
    return i;
  }

  // Of the row added last.
  void add_attribute(std::string_view name, std::string_view value) {
    const size_t i = find_attribute(name);
    if (i == attributes.size()) {
      attributes.push_back({std::string(name), {}});
    }
    attributes[i].column.fill(rows() - 1, std::nullopt);
    attributes[i].column.append(value);
  }

  // ---- sealing
  void add_columns(HeadPlan& plan) {
    if (rows() > 1) {
      plan.add(encoding::kEnds, encoding::kArray, {}, {reinterpret_cast<const char*>(ends.data()), ends.size() * 4});
    }
    add_column(plan, encoding::kTimestamp, {}, timestamps.encode());
    if (auto column = priorities.encode_priorities()) {
      add_column(plan, encoding::kPriority, {}, std::move(*column));
    }
    if (nanos.constant() != 0) {
      add_column(plan, encoding::kNanos, {}, nanos.encode());
    }
    if (hosts.rows() > 0) {
      hosts.fill(rows(), options.host);
      EncodedColumn column = hosts.encode();
      if (column.encoding != encoding::kConstant || !column.data.empty()) {  // "" is what no column means
        add_column(plan, encoding::kHost, {}, std::move(column));
      }
    } else if (!options.host.empty()) {
      plan.add(encoding::kHost, encoding::kConstant, {}, options.host);
    }
    for (Attribute& attribute : attributes) {
      attribute.column.fill(rows(), std::nullopt);
      add_column(plan, encoding::kAttribute, attribute.name, attribute.column.encode());
    }
    for (const auto& [name, value] : constants) {
      if (find_attribute(name) == attributes.size()) {
        plan.add(encoding::kAttribute, encoding::kConstant, name, value);
      }
    }
  }

  static void add_column(HeadPlan& plan, uint8_t id, std::string_view name, EncodedColumn column) {
    plan.add_owned(id, column.encoding, name, std::move(column.data));
  }

  // The sealed rows' bytes, padded; what was read behind them begins the next buffer.
  std::shared_ptr<const char[]> take_blob() {
    const size_t rest = unfinished();
    if (complete <= kSmallBlob && complete < buffer.capacity / 2) {
      auto blob = std::make_shared<char[]>(complete + kPadding);
      std::memcpy(blob.get(), buffer.data.get(), complete);
      std::memmove(buffer.data.get(), buffer.data.get() + complete, rest);
      return blob;
    }
    BlobPool::Blob next;
    if (rest > 0) {
      next = pool->get(rest + kPadding);
      std::memcpy(next.data.get(), buffer.data.get() + complete, rest);
    }
    std::memset(buffer.data.get() + complete, 0, kPadding);
    std::swap(buffer, next);
    return std::move(next.data);
  }

  void start_batch(size_t rest) {
    ends.clear();
    used = rest;
    complete = scanned = 0;
    last_open = boundary = false;
    timestamps.clear();
    nanos.clear();
    priorities.clear();
    hosts.clear();
    attributes.clear();
    head_bytes = 0;
    constants = wanted_constants;
    pass_over(std::exchange(skip_after, 0));
  }

  struct Attribute {
    std::string name;
    TextColumn column;
  };

  BuilderOptions options;
  std::shared_ptr<BlobPool> pool;

  // [0, complete) are rows, [complete, used) is an unfinished line or lines left to cut, of which [complete, scanned)
  // is known to hold no delimiter. Without a buffer the bytes are in idle_line.
  BlobPool::Blob buffer;
  std::string idle_line;
  size_t used = 0, complete = 0, scanned = 0;
  std::vector<uint32_t> ends;
  uint64_t position;       // of the batch being filled
  size_t skip_after = 0;   // bytes dropped behind its rows
  size_t head_bytes = 0;   // about what hosts and attributes take
  bool last_open = false;  // the last row has no delimiter
  bool boundary = false;   // what follows needs a batch of its own
  bool skipping = false;   // the rest of a line that was cut comes first
  uint64_t oversized = 0, discarded = 0;

  NumberColumn timestamps, nanos, priorities;
  TextColumn hosts;
  std::vector<Attribute> attributes;
  std::vector<std::pair<std::string, std::string>> constants, wanted_constants;  // of this batch; of the next
};

BatchBuilder::BatchBuilder(BuilderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
BatchBuilder::~BatchBuilder() = default;
BatchBuilder::BatchBuilder(BatchBuilder&&) noexcept = default;
BatchBuilder& BatchBuilder::operator=(BatchBuilder&&) noexcept = default;

void BatchBuilder::set_constant(std::string_view attribute, std::string_view value) {
  auto& wanted = impl_->wanted_constants;
  const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const auto& pair) { return pair.first == attribute; });
  if (at != wanted.end()) {
    at->second = value;
  } else {
    wanted.emplace_back(attribute, value);
  }
  if (impl_->rows() == 0) {
    impl_->constants = wanted;
  }
}

std::span<char> BatchBuilder::space(size_t at_least) {
  Impl& b = *impl_;
  b.reserve(std::max<size_t>(at_least, 1));
  const size_t room = b.buffer.capacity - b.used - kPadding;
  const size_t rows_left = b.options.limits.rows - b.rows();  // every byte might be an empty line
  return {b.buffer.data.get() + b.used, std::max(at_least, std::min(room, rows_left))};
}

uint32_t BatchBuilder::commit_lines(size_t bytes, int64_t timestamp, int64_t nanos) {
  Impl& b = *impl_;
  FLUME_CHECK(!b.options.delimiter.empty(), "lines without a delimiter");
  FLUME_CHECK(bytes == 0 || b.used + bytes + kPadding <= b.buffer.capacity,
              "more bytes committed than there was space");
  b.used += bytes;
  if (b.scanned == b.used) {
    if (bytes == 0) {
      b.go_idle();
    }
    return 0;
  }
  b.reserve(0);
  return b.cut(timestamp, nanos);
}

bool BatchBuilder::has_uncut() const { return impl_->scanned < impl_->used; }

uint64_t BatchBuilder::oversized_rows() const { return impl_->oversized; }

uint64_t BatchBuilder::discarded_bytes() const { return impl_->discarded; }

size_t BatchBuilder::unfinished_bytes() const { return impl_->unfinished(); }

bool BatchBuilder::finish_line(int64_t timestamp, int64_t nanos) {
  Impl& b = *impl_;
  b.reserve(0);
  const uint32_t cut = b.cut(timestamp, nanos);
  if (b.closed() || b.skipping || b.unfinished() == 0) {
    return cut > 0 && b.last_open;
  }
  b.take_row(b.used, timestamp, nanos + cut);
  b.last_open = !b.options.delimiter.empty();
  return true;
}

void BatchBuilder::drop_unfinished() {
  Impl& b = *impl_;
  const size_t n = b.unfinished();
  b.used = b.scanned = b.complete;
  b.skipping = false;
  b.idle_line.clear();
  if (b.rows() == 0) {
    b.pass_over(n);
  } else {
    b.skip_after += n;
    b.boundary = b.boundary || n > 0;
  }
}

bool BatchBuilder::add(const Event& event) {
  Impl& b = *impl_;
  size_t head = 32 + event.host.size();
  size_t fresh = 0;
  for (const auto& [name, value] : event.attributes) {
    head += value.size() + 4;
    fresh += b.find_attribute(name) == b.attributes.size() ? 1 : 0;
  }
  if (!b.has_room(event.body.size(), head, fresh)) {
    return false;
  }
  b.head_bytes += head;
  b.add_body(event.body);
  b.timestamps.append(event.timestamp);
  b.nanos.append(event.nanos);
  b.priorities.append(static_cast<int64_t>(event.priority));
  b.add_host(event.host);
  for (const auto& [name, value] : event.attributes) {
    b.add_attribute(name, value);
  }
  return true;
}

bool BatchBuilder::add_row(const EventBatch& from, uint32_t row, std::optional<std::string_view> body) {
  Impl& b = *impl_;
  const std::string_view bytes = body ? *body : from.body(row);
  const EventBatch::Shared& shared = BatchAccess::shared(from);
  const uint32_t at = BatchAccess::first(from) + row;
  size_t head = 32 + from.host(row).size();
  size_t fresh = 0;
  for (const encoding::Column& column : shared.attributes) {
    if (column.has(at)) {
      head += column.text(shared.rows, at).size() + 4;
      fresh += b.find_attribute(column.name) == b.attributes.size() ? 1 : 0;
    }
  }
  if (!b.has_room(bytes.size(), head, fresh)) {
    return false;
  }
  b.head_bytes += head;
  b.add_body(bytes);
  b.timestamps.append(from.timestamp(row));
  b.nanos.append(from.nanos(row));
  b.priorities.append(static_cast<int64_t>(from.priority(row)));
  b.add_host(from.host(row));
  for (const encoding::Column& column : shared.attributes) {
    if (column.has(at)) {
      b.add_attribute(column.name, column.text(shared.rows, at));
    }
  }
  return true;
}

Status BatchBuilder::check(const Event& event, const BatchLimits& limits) {
  if (event.body.size() > limits.event_bytes) {
    return invalid(str_cat("an event of ", event.body.size(), " bytes; the limit is ", limits.event_bytes));
  }
  if (event.host.size() > limits.event_bytes) {
    return invalid(str_cat("a host name of ", event.host.size(), " bytes; the limit is ", limits.event_bytes));
  }
  if (event.attributes.size() > kMaxAttributes) {
    return invalid(str_cat("an event with ", event.attributes.size(), " attributes; the limit is ", kMaxAttributes));
  }
  size_t total = 32 + event.host.size();
  for (const auto& [name, value] : event.attributes) {
    if (name.empty() || name.size() > encoding::kMaxName || name.find('\0') != std::string::npos) {
      return invalid(str_cat("an attribute named ", quoted(std::string_view(name).substr(0, 64)), " (", name.size(),
                             " bytes); a name has 1 to ", encoding::kMaxName, " bytes, none of them NUL"));
    }
    if (value.size() > limits.event_bytes) {
      return invalid(str_cat("attribute ", quoted(std::string_view(name).substr(0, 64)), " of ", value.size(),
                             " bytes; the limit is ", limits.event_bytes));
    }
    total += value.size() + 4;
  }
  if (total > kMaxAttributeBytes) {
    return invalid(str_cat("an event with ", total, " bytes of attributes; the limit is ", kMaxAttributeBytes));
  }
  return {};
}

uint32_t BatchBuilder::rows() const { return impl_->rows(); }

size_t BatchBuilder::bytes() const { return impl_->complete; }

bool BatchBuilder::full() const {
  return impl_->closed() || impl_->complete >= impl_->options.target_bytes ||
         impl_->rows() >= impl_->options.limits.rows;
}

uint64_t BatchBuilder::end_position() const {
  return impl_->position + (impl_->options.origin.counts_bytes ? impl_->complete : impl_->rows());
}

void BatchBuilder::seek(uint64_t position) {
  Impl& b = *impl_;
  b.skip_after = 0;
  b.skipping = false;
  b.idle_line.clear();
  b.start_batch(0);
  b.position = position;
}

EventBatch BatchBuilder::seal(AckToken token) {
  Impl& b = *impl_;
  FLUME_CHECK(b.rows() > 0, "a batch without rows sealed");
  HeadPlan plan;
  plan.rows = b.rows();
  plan.blob_raw = static_cast<uint32_t>(b.complete);
  plan.flags = b.last_open ? encoding::kLastRowOpen : 0;
  plan.delimiter = b.options.delimiter;
  plan.origin = b.options.origin;
  plan.origin.position = b.position;
  plan.origin.end_position = end_position();
  plan.hop.span = b.rows();
  b.add_columns(plan);
  const size_t rest = b.unfinished();
  const std::shared_ptr<const char[]> blob = b.take_blob();
  const char* data = blob.get();
  auto shared = BatchAccess::assemble(plan, blob, data, crc32c({data, plan.blob_raw}));
  b.position = plan.origin.end_position;
  b.start_batch(rest);
  return BatchAccess::make(std::move(shared), std::move(token));
}

}  // namespace flume

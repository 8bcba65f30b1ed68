#include "common/event/writable_event.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/text/java_text.h"

namespace flume {

namespace {

constexpr size_t kMaxAttributes = 250;
constexpr size_t kMaxText = 65535;

template <class T>
void append_number(std::string& out, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(number) >> shift));
  }
}

void append_text(std::string& out, std::string_view text) {
  const size_t start = out.size();
  out.append(2, '\0');
  append_modified_utf8(out, text, kMaxText);
  const size_t size = out.size() - start - 2;
  out[start] = static_cast<char>(size >> 8);
  out[start + 1] = static_cast<char>(size);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  size_t at() const { return at_; }

  Status corrupt(std::string_view what) const {
    return {Code::kCorrupt, str_cat("classic event: at byte ", at_, ": ", what)};
  }
  template <class T>
  Result<T> number() {
    if (bytes_.size() - at_ < sizeof(T)) {
      return corrupt("it is cut short");
    }
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      n = n << 8 | static_cast<uint8_t>(bytes_[at_++]);
    }
    return static_cast<T>(n);
  }
  Result<std::string> bytes(std::string_view what, size_t limit) {
    FLUME_ASSIGN_OR_RETURN(const int32_t size, number<int32_t>());
    if (size < 0) {
      at_ -= 4;
      return corrupt(str_cat(what, " of ", size, " bytes"));
    }
    if (static_cast<size_t>(size) > limit) {
      return Status(Code::kNoSpace, str_cat("classic event: ", what, " of ", size, " bytes, more than ", limit));
    }
    return raw(static_cast<size_t>(size));
  }
  Result<std::string> text() {
    FLUME_ASSIGN_OR_RETURN(const uint16_t size, number<uint16_t>());
    const size_t start = at_;
    FLUME_ASSIGN_OR_RETURN(const std::string stored, raw(size));
    std::string text;
    if (!append_from_modified_utf8(text, stored)) {
      at_ = start;
      return corrupt("a text is no modified UTF-8");
    }
    return text;
  }

 private:
  Result<std::string> raw(size_t size) {
    if (bytes_.size() - at_ < size) {
      return corrupt(str_cat(size, " bytes announced, ", bytes_.size() - at_, " left"));
    }
    at_ += size;
    return std::string(bytes_.substr(at_ - size, size));
  }

  const std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace

void append_writable_event(const FormatRow& row, std::string& out) {
  append_number(out, static_cast<int32_t>(row.body.size()));
  out.append(row.body);
  append_number(out, row.timestamp);
  append_number(out, static_cast<int32_t>(row.priority));
  append_number(out, row.nanos);
  append_text(out, row.host);
  append_number(out, static_cast<int32_t>(row.attributes.size()));
  for (const auto& [name, value] : row.attributes) {
    append_text(out, name);
    append_number(out, static_cast<int32_t>(value.size()));
    out.append(value);
  }
}

Result<Event> read_writable_event(std::string_view bytes, const BatchLimits& limits, size_t* used) {
  Reader reader(bytes);
  Event event;
  FLUME_ASSIGN_OR_RETURN(event.body, reader.bytes("a body", limits.event_bytes));
  FLUME_ASSIGN_OR_RETURN(event.timestamp, reader.number<int64_t>());
  FLUME_ASSIGN_OR_RETURN(const int32_t priority, reader.number<int32_t>());
  if (priority < 0 || priority > static_cast<int32_t>(Priority::kTrace)) {
    return reader.corrupt(str_cat("priority ", priority));
  }
  event.priority = static_cast<Priority>(priority);
  FLUME_ASSIGN_OR_RETURN(event.nanos, reader.number<int64_t>());
  FLUME_ASSIGN_OR_RETURN(event.host, reader.text());
  FLUME_ASSIGN_OR_RETURN(const int32_t count, reader.number<int32_t>());
  if (count < 0 || static_cast<size_t>(count) > kMaxAttributes) {
    return reader.corrupt(str_cat(count, " attributes"));
  }
  for (int32_t i = 0; i < count; ++i) {
    FLUME_ASSIGN_OR_RETURN(std::string name, reader.text());
    FLUME_ASSIGN_OR_RETURN(std::string value, reader.bytes("an attribute", limits.event_bytes));
    event.attributes.insert_or_assign(std::move(name), std::move(value));  // as Java's map: the last one wins
  }
  if (used != nullptr) {
    *used = reader.at();
  }
  return event;
}

}  // namespace flume

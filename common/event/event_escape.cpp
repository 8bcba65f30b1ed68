#include "common/event/event_escape.h"

#include <algorithm>

#include "common/base/text.h"

namespace flume {

namespace {

using Piece = EscapeTemplate::Piece;

constexpr size_t kMaxComponentBytes = 200;  // of 255; room for an extension and ".tmp"

struct BatchRow {
  const EventBatch& batch;
  uint32_t row;
  int64_t timestamp() const { return batch.timestamp(row); }
  int64_t nanos() const { return batch.nanos(row); }
  Priority priority() const { return batch.priority(row); }
  std::string_view host() const { return batch.host(row); }
  std::string_view body() const { return batch.body(row); }
  std::string_view attribute(std::string_view name) const { return batch.attribute(row, name).value_or(""); }
};

struct OneEvent {
  const Event& event;
  int64_t timestamp() const { return event.timestamp; }
  int64_t nanos() const { return event.nanos; }
  Priority priority() const { return event.priority; }
  std::string_view host() const { return event.host; }
  std::string_view body() const { return event.body; }
  std::string_view attribute(std::string_view name) const {
    const auto found = event.attributes.find(name);
    return found == event.attributes.end() ? std::string_view() : std::string_view(found->second);
  }
};

// Appends pieces to a path and keeps what comes from events below the folder that the user wrote.
class PathWriter {
 public:
  explicit PathWriter(std::string& out) : out_(out) {}

  void literal(std::string_view text) {
    for (const char c : text) {
      put(c, false);
    }
  }
  void value(std::string_view text) {
    for (const char c : text) {
      put(c == '\0' ? '_' : c, true);
    }
  }
  void finish() { end_component(); }

 private:
  void put(char c, bool from_event) {
    if (c == '/') {
      end_component();
      out_.push_back(c);
      start_ = out_.size();
      has_value_ = false;
      return;
    }
    if (from_event && out_.size() - start_ >= kMaxComponentBytes) {
      return;
    }
    out_.push_back(c);
    has_value_ = has_value_ || from_event;
  }
  void end_component() {
    const std::string_view component = std::string_view(out_).substr(start_);
    if (has_value_ && (component == "." || component == "..")) {
      std::fill(out_.begin() + static_cast<ptrdiff_t>(start_), out_.end(), '_');
    }
  }

  std::string& out_;
  size_t start_ = 0;        // of the component being written
  bool has_value_ = false;  // part of it came from an event
};

class TextWriter {
 public:
  explicit TextWriter(std::string& out) : out_(out) {}
  void literal(std::string_view text) { out_.append(text); }
  void value(std::string_view text) { out_.append(text); }
  void finish() {}

 private:
  std::string& out_;
};

template <class Writer, class Values>
void write_pieces(const EscapeTemplate& pattern, TimeZone zone, const Values& values, Writer writer) {
  const LocalTime time = pattern.time_step_millis() == 0 ? LocalTime() : zone.at(values.timestamp());
  std::string scratch;  // short: fits without an allocation
  for (const Piece& piece : pattern.pieces()) {
    switch (piece.kind) {
      case Piece::Kind::kLiteral: writer.literal(piece.text); break;
      case Piece::Kind::kTime:
        scratch.clear();
        append_time_escape(scratch, piece.letter, time, values.timestamp());
        writer.literal(scratch);
        break;
      case Piece::Kind::kHost: writer.value(values.host()); break;
      case Piece::Kind::kPriority: writer.literal(priority_name(values.priority())); break;
      case Piece::Kind::kNanos:
        scratch.clear();
        str_append(scratch, values.nanos());
        writer.literal(scratch);
        break;
      case Piece::Kind::kBody: writer.value(values.body()); break;
      case Piece::Kind::kAttribute: writer.value(values.attribute(piece.text)); break;
    }
  }
  writer.finish();
}

// The moments [first, second) around `millis` that expand to the same text: the step counted in local time, whose
// seconds need not be those of UTC (zones before 1970).
std::pair<int64_t, int64_t> step_around(int64_t millis, int64_t step, const LocalTime& time) {
  const int64_t into = step == 1 ? 0 : step == 1000 ? time.millis : time.second * 1000 + time.millis;
  const int64_t first = millis < INT64_MIN + into ? millis : millis - into;
  return {first, first > INT64_MAX - step ? INT64_MAX : first + step};
}

// How many rows from `row` on (that row is one of them) pass `same`.
template <class Same>
uint32_t rows_while(uint32_t row, uint32_t end, Same same) {
  uint32_t last = row + 1;
  while (last < end && same(last)) {
    ++last;
  }
  return last;
}

}  // namespace

template <class Values>
void EscapeExpander::fill_in(const Values& values, std::string& out) const {
  out.clear();
  if (use_ == EscapeUse::kPath) {
    write_pieces(template_, zone_, values, PathWriter(out));
  } else {
    write_pieces(template_, zone_, values, TextWriter(out));
  }
}

void EscapeExpander::expand(const EventBatch& batch, uint32_t row, std::string& out) const {
  fill_in(BatchRow{batch, row}, out);
}

void EscapeExpander::expand(const Event& event, std::string& out) const { fill_in(OneEvent{event}, out); }

uint32_t EscapeExpander::expand_run(const EventBatch& batch, uint32_t row, std::string& out) const {
  expand(batch, row, out);
  return run_length(batch, row);
}

uint32_t EscapeExpander::run_length(const EventBatch& batch, uint32_t row) const {
  uint32_t end = batch.rows();  // rows [row, end) are equal as far as looked
  if (template_.time_step_millis() != 0 && !batch.constant_number(Field::kTimestamp)) {
    const int64_t millis = batch.timestamp(row);
    const auto [first, last] = step_around(millis, template_.time_step_millis(), zone_.at(millis));
    end = rows_while(row, end, [&, low = first, high = last](uint32_t i) {
      const int64_t other = batch.timestamp(i);
      return other >= low && other < high;
    });
  }
  for (const Piece& piece : template_.pieces()) {
    switch (piece.kind) {
      case Piece::Kind::kLiteral:
      case Piece::Kind::kTime: break;
      case Piece::Kind::kHost:
        if (!batch.constant(Field::kHost)) {
          end = rows_while(row, end, [&](uint32_t i) { return batch.host(i) == batch.host(row); });
        }
        break;
      case Piece::Kind::kPriority:
        if (!batch.constant_number(Field::kPriority)) {
          end = rows_while(row, end, [&](uint32_t i) { return batch.priority(i) == batch.priority(row); });
        }
        break;
      case Piece::Kind::kNanos:
        if (!batch.constant_number(Field::kNanos)) {
          end = rows_while(row, end, [&](uint32_t i) { return batch.nanos(i) == batch.nanos(row); });
        }
        break;
      case Piece::Kind::kBody:
        end = rows_while(row, end, [&](uint32_t i) { return batch.body(i) == batch.body(row); });
        break;
      case Piece::Kind::kAttribute:
        if (!batch.constant(piece.text)) {
          const auto wanted = batch.attribute(row, piece.text).value_or("");
          end = rows_while(row, end, [&](uint32_t i) { return batch.attribute(i, piece.text).value_or("") == wanted; });
        }
        break;
    }
  }
  return end - row;
}

}  // namespace flume

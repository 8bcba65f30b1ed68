#include "common/io/event_sequence.h"

#include <utility>

#include "common/base/text.h"
#include "common/event/writable_event.h"

namespace flume {

namespace {

constexpr std::string_view kKeyClass = "com.cloudera.flume.handlers.hdfs.WriteableEventKey";
constexpr std::string_view kValueClass = "com.cloudera.flume.handlers.hdfs.WriteableEvent";
constexpr size_t kMaxAttributes = 8 << 20;  // what an event may have besides its body

class SequenceFormat final : public OutputFormat {
 public:
  explicit SequenceFormat(SequenceCodec codec)
      : writer_({.key_class = std::string(kKeyClass), .value_class = std::string(kValueClass), .codec = codec}) {}
  std::string_view name() const override { return "seqfile"; }
  void begin_file(std::string& out) override { writer_.append_header(out); }

 protected:
  void append_row(const FormatRow& row, std::string& out) override {
    key_.clear();
    for (int shift = 56; shift >= 0; shift -= 8) {
      key_.push_back(static_cast<char>(static_cast<uint64_t>(row.timestamp) >> shift));
    }
    key_.append(8, '\0');
    value_.clear();
    append_writable_event(row, value_);
    writer_.append_record(key_, value_, out);
  }

 private:
  SequenceWriter writer_;
  std::string key_;    // of the row at hand; kept for its capacity
  std::string value_;  // likewise
};

}  // namespace

std::unique_ptr<OutputFormat> make_sequence_format(SequenceCodec codec) {
  return std::make_unique<SequenceFormat>(codec);
}

Result<EventSequenceReader> EventSequenceReader::open(std::unique_ptr<SequenceInput> input, const BatchLimits& limits) {
  FLUME_ASSIGN_OR_RETURN(SequenceReader reader,
                         SequenceReader::open(std::move(input), limits.event_bytes + kMaxAttributes));
  if (reader.header().value_class != kValueClass) {
    return Status(Code::kUnsupported,
                  str_cat("sequence file: its values are ", quoted(reader.header().value_class), ", not events"));
  }
  return EventSequenceReader(std::move(reader), limits);
}

Result<EventSequenceReader::Item> EventSequenceReader::next() {
  Item item;
  item.offset = reader_.place().offset;
  const auto record = reader_.next();
  const Code code = record.status().code();
  if (record.ok() && !record->has_value()) {
    return item;
  }
  if (!record.ok() && code != Code::kCorrupt && code != Code::kNoSpace) {
    return record.status();
  }
  if (!record.ok()) {
    FLUME_RETURN_IF_ERROR(reader_.skip_bad().status());
    item.why = record.status().message();
  } else {
    size_t used = 0;
    const std::string_view value = (*record)->value;
    auto event = read_writable_event(value, limits_, &used);
    Status usable = event.ok() ? BatchBuilder::check(*event, limits_) : event.status();
    if (usable.ok() && used != value.size()) {
      usable = Status(Code::kCorrupt, str_cat("event: ", value.size() - used, " bytes behind it"));
    }
    if (usable.ok()) {
      item.event = std::move(*event);
      item.kind = Kind::kEvent;
    }
    item.why = usable.message();
  }
  item.kind = item.kind == Kind::kEvent ? item.kind : Kind::kBad;
  item.end_offset = reader_.place().offset;
  return item;
}

}  // namespace flume

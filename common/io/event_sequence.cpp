#include "common/io/event_sequence.h"

#include "common/event/writable_event.h"
#include "common/io/sequence_file.h"

namespace flume {

namespace {

class SequenceFormat final : public OutputFormat {
 public:
  explicit SequenceFormat(bool compressed)
      : writer_({.key_class = "com.cloudera.flume.handlers.hdfs.WriteableEventKey",
                 .value_class = "com.cloudera.flume.handlers.hdfs.WriteableEvent",
                 .compressed = compressed}) {}
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

std::unique_ptr<OutputFormat> make_sequence_format(bool compressed) {
  return std::make_unique<SequenceFormat>(compressed);
}

}  // namespace flume

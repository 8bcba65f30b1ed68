// Output formats: how rows become bytes in a file or on a console (docs/formats/output.md). A format appends the bytes
// of a whole batch to a buffer; `raw` needs no copy at all where the batch holds its output already. One object per
// file, one thread. Nothing here fails: every event has bytes in every format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/event/batch.h"
#include "common/event/event.h"

namespace flume {

// One row as formats see it; views live as long as the batch or event they come from.
struct FormatRow {
  int64_t timestamp = 0;
  Priority priority = Priority::kInfo;
  int64_t nanos = 0;
  std::string_view host;
  std::string_view body;
  std::span<const std::pair<std::string_view, std::string_view>> attributes;  // that the row has, sorted by name
};

class OutputFormat {
 public:
  virtual ~OutputFormat() = default;
  virtual std::string_view name() const = 0;
  // Appends what a file starts with.
  virtual void begin_file(std::string& out) { (void)out; }
  // The bytes of all rows of `batch`, if they lie in it already: write them from there.
  virtual std::optional<std::string_view> in_place(const EventBatch& batch) const;
  // Appends the bytes of all rows. No allocation besides the growth of `out`.
  void append(const EventBatch& batch, std::string& out);
  void append(const Event& event, std::string& out);

 protected:
  virtual void append_row(const FormatRow& row, std::string& out) = 0;
  virtual bool wants_attributes() const { return true; }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> attributes_;  // of the row at hand; kept for its capacity
};

// kNotFound: `no output format is called "jsn"; did you mean json?`; kInvalid: arguments that the format does not take.
Result<std::unique_ptr<OutputFormat>> make_format(std::string_view name, std::span<const std::string> args);
// All names and aliases, sorted.
std::vector<std::string> format_names();

}  // namespace flume

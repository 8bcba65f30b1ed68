// Columns while they grow row by row, and the choice of their encoding. They begin as constant or linear and are
// written out per row only when a row differs, so the common cases cost nothing per row. Internal to common/event; one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flume {

struct EncodedColumn {
  uint8_t encoding = 0;
  std::string data;
};

// Timestamps, nanos, priorities.
class NumberColumn {
 public:
  void append(int64_t value) { append_run(value, 0, 1); }
  void append_run(int64_t first, int64_t step, uint32_t n);
  void clear();
  uint32_t rows() const { return rows_; }
  int64_t at(uint32_t row) const;
  std::optional<int64_t> constant() const;
  EncodedColumn encode() const;                            // constant, linear or array of i64
  std::optional<EncodedColumn> encode_priorities() const;  // none: all INFO, the default

 private:
  bool continues(int64_t first, int64_t step, uint32_t n) const;
  uint32_t rows_ = 0;
  bool linear_ = true;  // value i is first_ + i * step_; else values_
  uint64_t first_ = 0, step_ = 0;
  std::vector<int64_t> values_;
};

// Hosts and attributes.
class TextColumn {
 public:
  void append(std::optional<std::string_view> value);
  void fill(uint32_t rows, std::optional<std::string_view> value);  // until there are `rows`
  void clear();
  uint32_t rows() const { return rows_; }
  bool any() const { return present_ > 0; }
  EncodedColumn encode() const;  // constant, bytes or dictionary, with a bitmap where rows have no value

 private:
  void spread();  // from one value to values per row
  std::string_view value(uint32_t row) const;
  std::optional<std::string> dictionary() const;

  uint32_t rows_ = 0;
  uint32_t present_ = 0;
  bool one_value_ = true;       // all present rows have value bytes_
  std::vector<uint32_t> ends_;  // unless one_value_
  std::string bytes_;
  std::string bitmap_;  // presence, once a row has no value
};

}  // namespace flume

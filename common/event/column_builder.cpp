#include "common/event/column_builder.h"

#include <unordered_map>

#include "common/event/encoding.h"

namespace flume {

using namespace encoding;  // NOLINT: this file is about these names

bool NumberColumn::continues(int64_t first, int64_t step, uint32_t n) const {
  const auto next = static_cast<uint64_t>(first);
  if (rows_ == 1) {
    return n == 1 || next - first_ == static_cast<uint64_t>(step);
  }
  return next == first_ + rows_ * step_ && (n == 1 || static_cast<uint64_t>(step) == step_);
}

void NumberColumn::append_run(int64_t first, int64_t step, uint32_t n) {
  if (n == 0) {
    return;
  }
  if (rows_ == 0) {
    first_ = static_cast<uint64_t>(first);
    step_ = n == 1 ? 0 : static_cast<uint64_t>(step);
  } else if (linear_ && continues(first, step, n)) {
    if (rows_ == 1) {
      step_ = static_cast<uint64_t>(first) - first_;
    }
  } else {
    if (linear_) {
      values_.resize(rows_);
      for (uint32_t row = 0; row < rows_; ++row) {
        values_[row] = static_cast<int64_t>(first_ + row * step_);
      }
      linear_ = false;
    }
    for (uint32_t i = 0; i < n; ++i) {
      values_.push_back(static_cast<int64_t>(static_cast<uint64_t>(first) + i * static_cast<uint64_t>(step)));
    }
  }
  rows_ += n;
}

void NumberColumn::clear() {
  rows_ = 0;
  linear_ = true;
  values_.clear();
}

int64_t NumberColumn::at(uint32_t row) const {
  return linear_ ? static_cast<int64_t>(first_ + row * step_) : values_[row];
}

std::optional<int64_t> NumberColumn::constant() const {
  return linear_ && (rows_ == 1 || step_ == 0) ? std::optional(static_cast<int64_t>(first_)) : std::nullopt;
}

EncodedColumn NumberColumn::encode() const {
  EncodedColumn out;
  if (const auto value = constant()) {
    out.encoding = kConstant;
    append_raw(out.data, *value);
  } else if (linear_) {
    out.encoding = kLinear;
    append_raw(out.data, first_);
    append_raw(out.data, step_);
  } else {
    out.encoding = kArray;
    out.data.assign(reinterpret_cast<const char*>(values_.data()), values_.size() * sizeof(int64_t));
  }
  return out;
}

std::optional<EncodedColumn> NumberColumn::encode_priorities() const {
  const auto value = constant();
  if (value == static_cast<int64_t>(Priority::kInfo)) {
    return std::nullopt;
  }
  EncodedColumn out;
  out.encoding = value ? kConstant : kArray;
  for (uint32_t row = 0; row < (value ? 1 : rows_); ++row) {
    out.data.push_back(static_cast<char>(at(row)));
  }
  return out;
}

void TextColumn::append(std::optional<std::string_view> value) {
  if (!value && bitmap_.empty()) {  // the first row without a value
    bitmap_.assign(rows_ / 8, '\xFF');
    if (rows_ % 8 != 0) {
      bitmap_.push_back(static_cast<char>((1U << (rows_ % 8)) - 1));
    }
    if (bitmap_.empty()) {
      bitmap_.push_back('\0');
    }
  }
  if (!bitmap_.empty()) {
    if (bitmap_.size() < bitmap_bytes(rows_ + 1)) {
      bitmap_.push_back('\0');
    }
    if (value) {
      bitmap_[rows_ / 8] = static_cast<char>(bitmap_[rows_ / 8] | (1 << (rows_ % 8)));
    }
  }
  if (value && one_value_) {
    if (present_ == 0) {
      bytes_.assign(*value);
    } else if (bytes_ != *value) {
      spread();
    }
  }
  if (!one_value_) {
    bytes_.append(value.value_or(std::string_view()));
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  ++rows_;
  present_ += value ? 1 : 0;
}

void TextColumn::fill(uint32_t rows, std::optional<std::string_view> value) {
  while (rows_ < rows) {
    append(value);
  }
}

void TextColumn::spread() {
  one_value_ = false;
  const std::string value = std::move(bytes_);
  bytes_.clear();
  ends_.clear();
  for (uint32_t row = 0; row < rows_; ++row) {
    if (bitmap_.empty() || (bitmap_[row / 8] >> (row % 8) & 1) != 0) {
      bytes_.append(value);
    }
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
}

void TextColumn::clear() {
  rows_ = present_ = 0;
  one_value_ = true;
  ends_.clear();
  bytes_.clear();
  bitmap_.clear();
}

std::string_view TextColumn::value(uint32_t row) const {
  const uint32_t begin = row == 0 ? 0 : ends_[row - 1];
  return std::string_view(bytes_).substr(begin, ends_[row] - begin);
}

// Only where it is smaller than values one by one, and only with indices of a byte.
std::optional<std::string> TextColumn::dictionary() const {
  constexpr size_t kMaxEntries = 256;
  std::unordered_map<std::string_view, uint8_t> entries;
  std::vector<uint32_t> ends;
  std::string bytes;
  std::string index;
  index.reserve(rows_);
  for (uint32_t row = 0; row < rows_; ++row) {
    const auto [entry, is_new] = entries.try_emplace(value(row), static_cast<uint8_t>(ends.size()));
    if (is_new) {
      if (ends.size() == kMaxEntries) {
        return std::nullopt;
      }
      bytes.append(value(row));
      ends.push_back(static_cast<uint32_t>(bytes.size()));
    }
    index.push_back(static_cast<char>(entry->second));
  }
  std::string out;
  append_raw(out, static_cast<uint32_t>(ends.size()));
  out.append(reinterpret_cast<const char*>(ends.data()), ends.size() * 4);
  out.append(bytes);
  out.append(index);
  return out.size() < bytes_.size() + ends_.size() * 4 ? std::optional(std::move(out)) : std::nullopt;
}

EncodedColumn TextColumn::encode() const {
  EncodedColumn out;
  out.data = bitmap_;
  if (one_value_) {
    out.encoding = kConstant;
    out.data.append(bytes_);
  } else if (auto entries = dictionary()) {
    out.encoding = kDictionary;
    out.data.append(*entries);
  } else {
    out.encoding = kBytes;
    out.data.append(reinterpret_cast<const char*>(ends_.data()), ends_.size() * 4);
    out.data.append(bytes_);
  }
  if (!bitmap_.empty()) {
    out.encoding |= kPresence;
  }
  return out;
}

}  // namespace flume

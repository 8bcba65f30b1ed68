#include "common/rpc/message_scan.h"

#include <algorithm>

namespace flume::rpc {

namespace {

constexpr size_t kMaxDepth = 32;
constexpr uint8_t kStruct = 12;
constexpr uint8_t kMap = 13;
constexpr uint8_t kSet = 14;
constexpr uint8_t kList = 15;
constexpr uint8_t kString = 11;

// Bytes of a plain value; 0: the type is not plain.
size_t plain_size(uint8_t type) {
  switch (type) {
    case 2:  // bool
    case 3:  // byte
      return 1;
    case 6: return 2;
    case 8: return 4;
    case 4:  // double
    case 10: return 8;
    default: return 0;
  }
}

}  // namespace

bool is_thrift_type(uint8_t type) { return type == 0 || plain_size(type) != 0 || (type >= kString && type <= kList); }

uint32_t MessageScan::u32(size_t offset) const {
  return static_cast<uint32_t>(byte(offset)) << 24 | static_cast<uint32_t>(byte(offset + 1)) << 16 |
         static_cast<uint32_t>(byte(offset + 2)) << 8 | byte(offset + 3);
}

MessageScan::State MessageScan::bad(std::string_view error) {
  error_ = error;
  return State::kBad;
}

bool MessageScan::head() {
  if (!has(8)) {
    return false;
  }
  if (byte(0) != 0x80 || byte(1) != 0x01) {
    error_ = "no strict binary message";
    return false;
  }
  const uint32_t name = u32(4);
  if (name > 1024) {
    error_ = "the method's name is too long";
    return false;
  }
  at_ += 8;
  skip_ = name + 4U;  // and the sequence number
  open_.push_back({0, 0, 0});
  head_done_ = true;
  return true;
}

bool MessageScan::begin_value(uint8_t type) {
  if (const size_t size = plain_size(type); size != 0) {
    skip_ = size;
    return true;
  }
  if (type == kStruct) {
    open_.push_back({0, 0, 0});
    return true;
  }
  const size_t head = type == kString ? 4 : type == kMap ? 6 : type == kSet || type == kList ? 5 : 0;
  if (head == 0) {
    error_ = "unknown type of a field";
    return false;
  }
  if (!has(head)) {
    return false;
  }
  const uint32_t count = u32(head - 4);
  if (count > limit_) {
    error_ = "a string or container is larger than a message may be";
    return false;
  }
  const bool has_no_type = type != kString && (byte(0) == 0 || (type == kMap && byte(1) == 0));
  if (has_no_type && count != 0) {
    error_ = "a container of values without a type";
    return false;
  }
  if (type != kString && (!is_thrift_type(byte(0)) || (type == kMap && !is_thrift_type(byte(1))))) {
    error_ = "unknown type of a container's values";
    return false;
  }
  if (count == 0) {  // an empty container may leave its types out
    at_ += head;
    return true;
  }
  if (type == kString) {
    skip_ = count;
  } else if (type == kMap) {
    open_.push_back({byte(0), byte(1), uint64_t{count} * 2});
  } else if (const size_t size = plain_size(byte(0)); size != 0) {
    skip_ = uint64_t{count} * size;
  } else {
    open_.push_back({byte(0), byte(0), count});
  }
  at_ += head;
  return true;
}

bool MessageScan::step() {
  if (skip_ > 0) {
    const uint64_t now = std::min<uint64_t>(skip_, buffer_.size() - at_);
    at_ += now;
    skip_ -= now;
    return skip_ == 0;
  }
  if (open_.size() > kMaxDepth) {
    error_ = "nested too deeply";
    return false;
  }
  Open& top = open_.back();
  if (top.value_type == 0 && top.key_type == 0) {  // a struct: type, then (unless it is the end) a number
    if (!has(1)) {
      return false;
    }
    const uint8_t type = byte(0);
    if (type == 0) {
      ++at_;
      open_.pop_back();
      return true;
    }
    // The value's own head must be there too, so that a field is begun once.
    const size_t before = at_;
    if (!has(3)) {
      return false;
    }
    at_ += 3;
    if (!begin_value(type)) {
      at_ = before;
      return false;
    }
    return true;
  }
  if (top.left == 0) {
    open_.pop_back();
    return true;
  }
  const uint8_t type = top.left % 2 == 0 ? top.key_type : top.value_type;
  const size_t index = open_.size() - 1;
  if (!begin_value(type)) {
    return false;
  }
  --open_[index].left;
  return true;
}

MessageScan::State MessageScan::feed(std::string_view buffer) {
  buffer_ = buffer;
  while (!head_done_ || skip_ > 0 || !open_.empty()) {
    if (at_ + skip_ > limit_) {
      return bad("longer than a message may be");
    }
    if (!(head_done_ ? step() : head())) {
      return error_.empty() ? State::kMore : State::kBad;
    }
  }
  return State::kWhole;
}

}  // namespace flume::rpc

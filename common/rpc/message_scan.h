// MessageScan: where the first unframed strict binary Thrift message in a growing buffer ends. Classic peers send
// messages without a frame, each field perhaps in a segment of its own, so the scan is resumed and never starts over.
// One object per message and connection; one thread. Allocates its stack of open containers only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace flume::rpc {

// Whether Thrift knows a type of this number; 0 ends a struct, or stands for no type.
bool is_thrift_type(uint8_t type);

class MessageScan {
 public:
  enum class State : uint8_t { kMore, kWhole, kBad };

  explicit MessageScan(size_t limit) : limit_(limit) {}

  // `buffer` is everything received since the message began, more of it with each call.
  State feed(std::string_view buffer);
  size_t length() const { return at_; }              // of the whole message, after kWhole
  std::string_view error() const { return error_; }  // after kBad

 private:
  struct Open {          // a struct (types 0), or what is left of a list, set or map
    uint8_t key_type;    // 0: none
    uint8_t value_type;  // 0: a struct, whose next thing is a field header
    uint64_t left;       // values to come; of a map keys and values both
  };
  bool has(size_t bytes) const { return buffer_.size() - at_ >= bytes; }
  uint8_t byte(size_t offset) const { return static_cast<uint8_t>(buffer_[at_ + offset]); }
  uint32_t u32(size_t offset) const;
  State bad(std::string_view error);
  bool begin_value(uint8_t type);  // false: more bytes are needed (or error_ is set)
  bool step();                     // likewise
  bool head();

  const size_t limit_;
  std::string_view buffer_;
  std::string_view error_;
  size_t at_ = 0;
  uint64_t skip_ = 0;  // bytes of a string or of plain values still to pass over
  bool head_done_ = false;
  std::vector<Open> open_;  // at most kMaxDepth
};

}  // namespace flume::rpc

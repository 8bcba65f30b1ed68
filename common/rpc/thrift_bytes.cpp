#include "common/rpc/thrift_bytes.h"

#include <thrift/protocol/TProtocolException.h>

#include "common/base/text.h"
#include "common/rpc/message_scan.h"

namespace flume::rpc {

namespace {

using apache::thrift::protocol::TMessageType;
using apache::thrift::protocol::TProtocolException;

constexpr uint32_t kVersionBytes = 4;  // the last one is the message's type

[[noreturn]] void refuse(std::string_view what, uint8_t byte) {
  throw TProtocolException(TProtocolException::INVALID_DATA, str_cat(what, ' ', static_cast<uint32_t>(byte)));
}

}  // namespace

void Binary::require_types(uint32_t count) const {
  uint32_t there = count;
  const uint8_t* next = trans_->borrow(nullptr, &there);
  for (uint32_t i = 0; next != nullptr && i < count; ++i) {  // too few bytes: the library says so
    if (!is_thrift_type(next[i])) {
      refuse("unknown type", next[i]);
    }
  }
}

uint32_t Binary::readMessageBegin(std::string& name, TMessageType& type, int32_t& sequence) {
  uint32_t there = kVersionBytes;
  const uint8_t* next = trans_->borrow(nullptr, &there);
  if (next != nullptr && (next[kVersionBytes - 1] < apache::thrift::protocol::T_CALL ||
                          next[kVersionBytes - 1] > apache::thrift::protocol::T_ONEWAY)) {
    refuse("unknown type of message", next[kVersionBytes - 1]);
  }
  return Base::readMessageBegin(name, type, sequence);
}

uint32_t Binary::readMessageBegin_virt(std::string& name, TMessageType& type, int32_t& sequence) {
  return readMessageBegin(name, type, sequence);
}

uint32_t Binary::readFieldBegin_virt(std::string& name, TType& type, int16_t& id) {
  require_types(1);
  return readFieldBegin(name, type, id);
}

uint32_t Binary::readMapBegin_virt(TType& key, TType& value, uint32_t& size) {
  require_types(2);
  return readMapBegin(key, value, size);
}

uint32_t Binary::readListBegin_virt(TType& element, uint32_t& size) {
  require_types(1);
  return readListBegin(element, size);
}

uint32_t Binary::readSetBegin_virt(TType& element, uint32_t& size) {
  require_types(1);
  return readSetBegin(element, size);
}

// Through the calls above, not through the base's own.
uint32_t Binary::skip_virt(TType type) {
  return apache::thrift::protocol::skip(static_cast<apache::thrift::protocol::TProtocol&>(*this), type);
}

}  // namespace flume::rpc

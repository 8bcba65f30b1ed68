// Thrift over memory: whoever owns the sockets hands whole messages in and takes whole messages out. Every transport
// gets its limits explicitly (the library's default kills a connection after 100 MB). Used where generated code is
// used.
#pragma once

#include <thrift/TConfiguration.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/rpc/message_scan.h"

namespace flume::rpc {

inline constexpr int kMaxMessageBytes = 16 << 20;
inline constexpr int kMaxContainer = 1 << 20;

using Memory = apache::thrift::transport::TMemoryBuffer;
using Binary = apache::thrift::protocol::TBinaryProtocolT<Memory>;

inline std::shared_ptr<apache::thrift::TConfiguration> thrift_limits() {
  return std::make_shared<apache::thrift::TConfiguration>(kMaxMessageBytes, kMaxMessageBytes, 32);
}

// A protocol that reads these bytes, which must stay as long as it is used. They were found sound: the library reads
// type bytes into an enum before it looks at them. An element of a container costs more memory than bytes, so who reads
// from strangers says how many there may be.
inline std::shared_ptr<Binary> reader_of_sound(std::string_view bytes, int max_container = kMaxContainer) {
  auto memory = std::make_shared<Memory>(reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data())),
                                         static_cast<uint32_t>(bytes.size()), Memory::OBSERVE, thrift_limits());
  return std::make_shared<Binary>(memory, kMaxMessageBytes, max_container, true, true);
}

inline void require_sound(std::string_view message) {
  MessageScan scan(kMaxMessageBytes);
  if (scan.feed(message) != MessageScan::State::kWhole) {
    throw apache::thrift::protocol::TProtocolException(
        apache::thrift::protocol::TProtocolException::INVALID_DATA,
        scan.error().empty() ? std::string("a message that ends too early") : std::string(scan.error()));
  }
}

// A protocol that reads a whole message, which must stay as long as it is used; throws when it is not sound.
inline std::shared_ptr<Binary> reader_of(std::string_view message) {
  require_sound(message);
  return reader_of_sound(message);
}

// The same for a struct alone, without the head of a message.
inline std::shared_ptr<Binary> reader_of_struct(std::string_view bytes) {
  std::string message("\x80\x01\x00\x01\0\0\0\0\0\0\0\0", 12);  // a call without a name
  message += bytes;
  require_sound(message);
  return reader_of_sound(bytes);
}

// A protocol that writes into memory; take(...) what it wrote.
inline std::shared_ptr<Binary> writer() {
  auto memory = std::make_shared<Memory>(thrift_limits());
  return std::make_shared<Binary>(memory, kMaxMessageBytes, kMaxContainer, true, true);
}

inline std::string take(Binary& protocol) {
  auto& memory = dynamic_cast<Memory&>(*protocol.getTransport());
  std::string bytes = memory.getBufferAsString();
  memory.resetBuffer();
  return bytes;
}

inline std::string with_frame(std::string_view message) {
  const auto size = static_cast<uint32_t>(message.size());
  std::string out;
  out.reserve(message.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(size >> shift));
  }
  out.append(message);
  return out;
}

}  // namespace flume::rpc

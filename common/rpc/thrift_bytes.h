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

#include "common/rpc/link_frame.h"

namespace flume::rpc {

inline constexpr int kMaxMessageBytes = 16 << 20;
inline constexpr int kMaxContainer = 1 << 20;

using Memory = apache::thrift::transport::TMemoryBuffer;

// The library puts bytes from elsewhere into enums before it looks at them, which is undefined behaviour for those that
// none of the enum has; a container's declared type need not be the one that generated code reads, so no look at the
// message beforehand helps. This one looks at each type byte before the library does, and throws.
class Binary final : public apache::thrift::protocol::TBinaryProtocolT<Memory> {
 public:
  using Base = apache::thrift::protocol::TBinaryProtocolT<Memory>;
  using TType = apache::thrift::protocol::TType;
  using Base::Base;

  uint32_t readMessageBegin(std::string& name, apache::thrift::protocol::TMessageType& type,  // NOLINT: its name
                            int32_t& sequence);

  uint32_t readMessageBegin_virt(std::string& name, apache::thrift::protocol::TMessageType& type,
                                 int32_t& sequence) override;
  uint32_t readFieldBegin_virt(std::string& name, TType& type, int16_t& id) override;
  uint32_t readMapBegin_virt(TType& key, TType& value, uint32_t& size) override;
  uint32_t readListBegin_virt(TType& element, uint32_t& size) override;
  uint32_t readSetBegin_virt(TType& element, uint32_t& size) override;
  uint32_t skip_virt(TType type) override;

 private:
  void require_types(uint32_t count) const;  // the next bytes are types
};

inline std::shared_ptr<apache::thrift::TConfiguration> thrift_limits() {
  return std::make_shared<apache::thrift::TConfiguration>(kMaxMessageBytes, kMaxMessageBytes, 32);
}

// A protocol that reads `bytes`, which must stay as long as it is used; bad bytes throw. An element of a container
// costs more memory than bytes, so who reads from strangers says how many there may be.
inline std::shared_ptr<Binary> reader_of(std::string_view bytes, int max_container = kMaxContainer) {
  auto memory = std::make_shared<Memory>(reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data())),
                                         static_cast<uint32_t>(bytes.size()), Memory::OBSERVE, thrift_limits());
  return std::make_shared<Binary>(memory, kMaxMessageBytes, max_container, true, true);
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
  out.reserve(message.size() + kLengthBytes);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(size >> shift));
  }
  out.append(message);
  return out;
}

}  // namespace flume::rpc

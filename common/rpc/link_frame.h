// Frames of the link between nodes (docs/formats/wire.md, link.thrift). The envelope of a batch is written and read by
// hand around the batch's two buffers, so that no byte of it is copied; the small calls go through generated code, of
// which nothing is seen here, and carry a checksum of their arguments. Functions without state; what is read comes from
// the network and is bounds-checked.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"

namespace flume::rpc {

inline constexpr int32_t kLinkProtocol = 1;
inline constexpr size_t kLengthBytes = 4;        // of a frame: big-endian, without itself
inline constexpr size_t kCallHeadBytes = 25;     // length, version, name of nine letters, sequence number
inline constexpr size_t kBatchPrefix = 32;       // what stands before the batch in its frame: columns stay aligned
inline constexpr size_t kBatchSuffix = 1;        // the zero that ends the arguments
inline constexpr size_t kMaxStreams = 500;       // in a hello
inline constexpr size_t kSmallFrame = 64 << 10;  // frames without a batch are not longer

enum class LinkCall : uint8_t { kHello, kBatch, kReply, kAlive };

// What one side knows of a stream of rows that a log numbered: a sender that it may send rows of it, a receiver how far
// it has some and their running hash there (R6).
struct LinkStream {
  Id128 stream{};
  int64_t below = 0;
  uint64_t chain = 0;
  bool operator==(const LinkStream&) const = default;
};

struct LinkHello {
  int32_t protocol = kLinkProtocol;
  int32_t oldest_protocol = kLinkProtocol;
  Id128 node_id{};
  std::string node;
  int64_t boot_epoch = 0;
  std::string version;
  int64_t max_frame = 0;
  std::vector<std::string> codecs;
  std::vector<std::string> acks;
  int64_t credit = 0;
  std::vector<LinkStream> streams;  // at most kMaxStreams
  Id128 link{};                     // zero: not said
  Id128 follows{};                  // likewise
  bool operator==(const LinkHello&) const = default;
};

struct LinkRange {
  Id128 stream{};
  int64_t first = 0;
  int64_t below = 0;
  bool operator==(const LinkRange&) const = default;
};

struct LinkReply {
  int64_t received = 0;  // rows of this connection taken over by the receiver's flow
  int64_t credit = 0;    // batch bytes that may have been sent on this connection in all
  int64_t settled = 0;   // rows of this connection, without a gap, that the receiver's sinks answer for
  std::vector<LinkRange> durable;
  std::string error;  // last words
  bool operator==(const LinkReply&) const = default;
};

// Whole frames.
std::string hello_frame(const LinkHello& hello);
std::string reply_frame(const LinkReply& reply);
std::string alive_frame(bool want_commit = false);
// What goes before a batch of so many bytes; after it goes one zero byte.
std::array<char, kBatchPrefix> batch_prefix(uint32_t batch_bytes, uint32_t sequence);

// What the first kCallHeadBytes of a frame say. kCorrupt: no call of the link.
Result<LinkCall> read_call_head(std::string_view head);
// The length of the batch, from the first kBatchPrefix bytes of a frame.
Result<uint32_t> read_batch_prefix(std::string_view prefix);
// `frame`: a whole frame with its length, of that call.
Result<LinkHello> read_hello(std::string_view frame);
Result<LinkReply> read_reply(std::string_view frame);
Result<bool> read_alive(std::string_view frame);  // is a commit wanted?

uint32_t read_u32(std::string_view bytes);  // big-endian, of the first four

}  // namespace flume::rpc

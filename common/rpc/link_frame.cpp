#include "common/rpc/link_frame.h"

#include <cstring>

#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "common/rpc/thrift_bytes.h"
#include "rpc/FlumeLink.h"

namespace flume::rpc {

namespace {

constexpr std::string_view kHelloName = "linkHello";
constexpr std::string_view kBatchName = "sendBatch";
constexpr std::string_view kReplyName = "linkReply";
constexpr std::string_view kAliveName = "linkAlive";
constexpr size_t kNameBytes = 9;
constexpr size_t kSequenceAt = 21;
constexpr size_t kMaxList = 100'000;

void put_u32(char* at, uint32_t value) {
  for (int i = 0; i < 4; ++i) {
    at[i] = static_cast<char>(value >> (24 - 8 * i));
  }
}

// length, version and type, name, sequence number.
void put_head(char* at, uint32_t length, std::string_view name, uint32_t sequence) {
  put_u32(at, length);
  put_u32(at + 4, 0x80010004U);  // strict binary, one-way
  put_u32(at + 8, kNameBytes);
  std::memcpy(at + 12, name.data(), kNameBytes);
  put_u32(at + 12 + kNameBytes, sequence);
}

// Stands in a small call as its sequence number, which one-way calls have no other use for. 0 is left to clients of
// generated code: they say none.
uint32_t checksum(std::string_view arguments) {
  const uint32_t crc = crc32c(arguments);
  return crc == 0 ? 1 : crc;
}

std::string frame_around(std::string_view name, std::string_view arguments) {
  std::string out(kCallHeadBytes, '\0');
  put_head(out.data(), static_cast<uint32_t>(kCallHeadBytes - kLengthBytes + arguments.size()), name,
           checksum(arguments));
  out += arguments;
  return out;
}

template <class Args>
std::string frame_of(std::string_view name, const Args& args) {
  const auto protocol = writer();
  args.write(protocol.get());
  return frame_around(name, take(*protocol));
}

template <class Args>
Status read_args(std::string_view frame, Args& args) {
  const std::string_view arguments = frame.substr(kCallHeadBytes);
  const uint32_t told = read_u32(frame.substr(kSequenceAt));
  if (told != 0 && told != checksum(arguments)) {
    return {Code::kCorrupt, "the arguments of a call of the link have another checksum than it says"};
  }
  try {
    const auto protocol = reader_of(arguments);
    args.read(protocol.get());
  } catch (const std::exception& error) {
    return {Code::kCorrupt, str_cat("read the arguments of a call of the link: ", error.what())};
  }
  return {};
}

std::string bytes_of(const Id128& id) { return {reinterpret_cast<const char*>(id.data()), id.size()}; }

bool to_id(const std::string& bytes, Id128& out) {
  if (bytes.size() != out.size()) {
    return false;
  }
  std::memcpy(out.data(), bytes.data(), out.size());
  return true;
}

}  // namespace

uint32_t read_u32(std::string_view bytes) {
  const auto at = [bytes](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  return at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);
}

std::string hello_frame(const LinkHello& hello) {
  link::FlumeLink_linkHello_args args;
  link::Hello& out = args.hello;
  out.protocol = hello.protocol;
  out.oldest_protocol = hello.oldest_protocol;
  out.node_id = bytes_of(hello.node_id);
  out.node = hello.node;
  out.boot_epoch = hello.boot_epoch;
  out.version = hello.version;
  out.max_frame = hello.max_frame;
  out.codecs = hello.codecs;
  out.acks = hello.acks;
  out.credit = hello.credit;
  for (const LinkStream& stream : hello.streams) {
    link::StreamState one;
    one.stream = bytes_of(stream.stream);
    one.upcoming = stream.below;
    one.chain = static_cast<int64_t>(stream.chain);
    out.streams.push_back(std::move(one));
  }
  if (hello.link != Id128{}) {
    out.__set_link(bytes_of(hello.link));
  }
  if (hello.follows != Id128{}) {
    out.__set_follows(bytes_of(hello.follows));
  }
  return frame_of(kHelloName, args);
}

std::string reply_frame(const LinkReply& reply) {
  link::FlumeLink_linkReply_args args;
  link::Reply& out = args.reply;
  out.received = reply.received;
  out.credit = reply.credit;
  out.settled = reply.settled;
  for (const LinkRange& range : reply.durable) {
    link::Range one;
    one.stream = bytes_of(range.stream);
    one.first = range.first;
    one.below = range.below;
    out.durable.push_back(std::move(one));
  }
  out.error = reply.error;
  return frame_of(kReplyName, args);
}

// Without the wish it is an empty call, as it was before there was one.
std::string alive_frame(bool want_commit) {
  if (want_commit) {
    link::FlumeLink_linkAlive_args args;
    args.want_commit = true;
    return frame_of(kAliveName, args);
  }
  return frame_around(kAliveName, std::string_view("\0", 1));
}

std::array<char, kBatchPrefix> batch_prefix(uint32_t batch_bytes, uint32_t sequence) {
  std::array<char, kBatchPrefix> out{};
  put_head(out.data(), static_cast<uint32_t>(kBatchPrefix - kLengthBytes + batch_bytes + kBatchSuffix), kBatchName,
           sequence);
  out[25] = 11;  // a string ...
  out[27] = 1;   // ... as field 1
  put_u32(out.data() + 28, batch_bytes);
  return out;
}

Result<LinkCall> read_call_head(std::string_view head) {
  FLUME_CHECK(head.size() >= kCallHeadBytes, "the whole head of a call");
  const auto type = static_cast<uint8_t>(head[7]);
  if (read_u32(head.substr(4)) >> 16 != 0x8001U || (type != 1 && type != 4)) {
    return Status(Code::kCorrupt, "no strict binary call");
  }
  if (read_u32(head.substr(8)) != kNameBytes) {
    return Status(Code::kCorrupt, "no call of the link");
  }
  const std::string_view name = head.substr(12, kNameBytes);
  if (name == kBatchName) {
    return LinkCall::kBatch;
  }
  if (name == kAliveName) {
    return LinkCall::kAlive;
  }
  if (name == kReplyName) {
    return LinkCall::kReply;
  }
  if (name == kHelloName) {
    return LinkCall::kHello;
  }
  return Status(Code::kCorrupt, str_cat("no call of the link: ", quoted(name)));
}

Result<uint32_t> read_batch_prefix(std::string_view prefix) {
  FLUME_CHECK(prefix.size() >= kBatchPrefix, "the whole prefix of a batch");
  if (prefix.substr(25, 3) != std::string_view("\x0b\0\1", 3)) {
    return Status(Code::kCorrupt, "sendBatch without its binary argument");
  }
  const uint32_t length = read_u32(prefix);
  const uint32_t bytes = read_u32(prefix.substr(28));
  if (length != uint64_t{bytes} + kBatchPrefix - kLengthBytes + kBatchSuffix) {
    return Status(Code::kCorrupt, str_cat("a batch of ", bytes, " bytes in a frame of ", length));
  }
  return bytes;
}

Result<LinkHello> read_hello(std::string_view frame) {
  link::FlumeLink_linkHello_args args;
  FLUME_RETURN_IF_ERROR(read_args(frame, args));
  const link::Hello& in = args.hello;
  LinkHello out;
  out.protocol = in.protocol;
  out.oldest_protocol = in.oldest_protocol;
  if (!to_id(in.node_id, out.node_id)) {
    return Status(Code::kCorrupt, "a hello without the node's identity of 16 bytes");
  }
  out.node = in.node;
  out.boot_epoch = in.boot_epoch;
  out.version = in.version;
  out.max_frame = in.max_frame;
  out.codecs = in.codecs;
  out.acks = in.acks;
  out.credit = in.credit;
  if (in.streams.size() > kMaxStreams) {
    return Status(Code::kCorrupt, str_cat("a hello with ", in.streams.size(), " streams, at most ", kMaxStreams));
  }
  for (const link::StreamState& one : in.streams) {
    LinkStream stream{{}, one.upcoming, static_cast<uint64_t>(one.chain)};
    if (!to_id(one.stream, stream.stream) || stream.below < 0) {
      return Status(Code::kCorrupt, "a stream in a hello without its 16 bytes, or with a negative number");
    }
    out.streams.push_back(stream);
  }
  if ((in.__isset.link && !to_id(in.link, out.link)) || (in.__isset.follows && !to_id(in.follows, out.follows))) {
    return Status(Code::kCorrupt, "a hello with a link's identity that has not 16 bytes");
  }
  return out;
}

Result<bool> read_alive(std::string_view frame) {
  link::FlumeLink_linkAlive_args args;
  FLUME_RETURN_IF_ERROR(read_args(frame, args));
  return args.want_commit;
}

Result<LinkReply> read_reply(std::string_view frame) {
  link::FlumeLink_linkReply_args args;
  FLUME_RETURN_IF_ERROR(read_args(frame, args));
  const link::Reply& in = args.reply;
  LinkReply out;
  out.received = in.received;
  out.credit = in.credit;
  out.settled = in.settled;
  if (in.durable.size() > kMaxList) {
    return Status(Code::kCorrupt, "a reply with too many ranges");
  }
  for (const link::Range& range : in.durable) {
    LinkRange one;
    if (!to_id(range.stream, one.stream)) {
      return Status(Code::kCorrupt, "a reply with a stream that has no 16 bytes");
    }
    one.first = range.first;
    one.below = range.below;
    out.durable.push_back(one);
  }
  out.error = in.error;
  return out;
}

}  // namespace flume::rpc

// What a peer may send to a collector's port, below the connection: calls of the link, and calls of classic senders
// found by MessageScan. Whatever can be read must be written and read again as the same.
#include "common/rpc/classic_event.h"
#include "common/rpc/link_frame.h"
#include "common/rpc/message_scan.h"
#include "tests/support/fuzz.h"

namespace flume {
namespace {

using support::require;

constexpr BatchLimits kLimits{.event_bytes = 1U << 16};

void try_call(rpc::LinkCall call, std::string_view frame) {
  switch (call) {
    case rpc::LinkCall::kHello:
      if (const auto hello = rpc::read_hello(frame); hello.ok()) {
        require(rpc::read_hello(rpc::hello_frame(*hello)).value() == *hello, "a hello is read back as it was");
      }
      return;
    case rpc::LinkCall::kReply:
      if (const auto reply = rpc::read_reply(frame); reply.ok()) {
        require(rpc::read_reply(rpc::reply_frame(*reply)).value() == *reply, "a reply is read back as it was");
      }
      return;
    case rpc::LinkCall::kBatch:
      if (frame.size() >= rpc::kBatchPrefix) {
        if (const auto bytes = rpc::read_batch_prefix(frame); bytes.ok()) {
          require(rpc::read_u32(frame) == *bytes + rpc::kBatchPrefix - rpc::kLengthBytes + rpc::kBatchSuffix,
                  "a batch fills its frame");
        }
      }
      return;
    case rpc::LinkCall::kAlive: return;
  }
}

void try_classic(std::string_view bytes) {
  while (!bytes.empty()) {
    rpc::MessageScan scan(1 << 20);
    if (scan.feed(bytes) != rpc::MessageScan::State::kWhole) {
      return;
    }
    if (const auto call = rpc::read_classic_call(bytes.substr(0, scan.length()), kLimits); call.ok()) {
      (void)BatchBuilder::check(call->event, kLimits);
    }
    bytes.remove_prefix(scan.length());
  }
}

}  // namespace
}  // namespace flume

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = flume::support::fuzz_text(data, size);
  if (size >= flume::rpc::kCallHeadBytes) {
    if (const auto call = flume::rpc::read_call_head(bytes); call.ok()) {
      flume::try_call(*call, bytes);
    }
  }
  flume::try_classic(bytes);
  return 0;
}

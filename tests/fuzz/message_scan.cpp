// Finding the end of a classic unframed call: the answer is the same whether the bytes come at once or one by one.
#include "common/rpc/message_scan.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using flume::rpc::MessageScan;
  const std::string_view bytes = flume::support::fuzz_text(data, size);
  constexpr size_t kLimit = 4096;
  MessageScan whole(kLimit);
  const MessageScan::State at_once = whole.feed(bytes);
  MessageScan pieces(kLimit);
  MessageScan::State one_by_one = MessageScan::State::kMore;
  for (size_t n = 0; n <= bytes.size() && one_by_one == MessageScan::State::kMore; ++n) {
    one_by_one = pieces.feed(bytes.substr(0, n));
  }
  flume::support::require(at_once == one_by_one, "the answer does not depend on how the bytes come");
  if (at_once == MessageScan::State::kWhole) {
    flume::support::require(
        whole.length() == pieces.length() && whole.length() <= bytes.size() && whole.length() <= kLimit,
        "a message ends within the bytes and the limit");
  }
  return 0;
}

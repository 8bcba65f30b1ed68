// docs/formats/wire.md tells the truth: the frames of its example are what the program writes, and are read back.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/rpc/link_frame.h"
#include "tests/support/batches.h"

namespace flume::rpc {
namespace {

// The hex digits of the block "```hex NAME".
std::string on_page(const std::string& name) {
  std::ifstream file(FLUME_SOURCE_DIR "/docs/formats/wire.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const std::string begin = "```hex " + name + "\n";
  const size_t at = text.find(begin);
  if (at == std::string::npos) {
    return "not there";
  }
  std::string hex;
  for (const char c : text.substr(at + begin.size(), text.find("```", at + 1) - at - begin.size())) {
    if (c != ' ' && c != '\n') {
      hex.push_back(c);
    }
  }
  return hex;
}

TEST(WireDocument, ShowsTheHelloThatIsSent) {
  LinkHello hello;
  hello.node_id.fill(0x11);
  hello.node = "agent";
  hello.boot_epoch = 3;
  hello.version = "0.1.0";
  hello.max_frame = 83886144;
  hello.codecs = {"none"};
  hello.acks = {"received"};
  EXPECT_EQ(on_page("hello"), support::hex_of(hello_frame(hello)));
  EXPECT_EQ(read_hello(hello_frame(hello)).value(), hello);
}

TEST(WireDocument, ShowsWhatStandsBeforeABatch) {
  const auto prefix = batch_prefix(256, 3);
  EXPECT_EQ(on_page("batch"), support::hex_of({prefix.data(), prefix.size()}));
  EXPECT_EQ(read_batch_prefix({prefix.data(), prefix.size()}).value(), 256u);
}

TEST(WireDocument, ShowsAReplyAndASignOfLife) {
  LinkReply reply;
  reply.received = 20;
  reply.credit = 4194560;
  reply.settled = 12;
  LinkRange range;
  range.stream.fill(0x42);
  range.first = 100;
  range.below = 112;
  reply.durable = {range};
  EXPECT_EQ(on_page("reply"), support::hex_of(reply_frame(reply)));
  EXPECT_EQ(read_reply(reply_frame(reply)).value(), reply);
  EXPECT_EQ(on_page("alive"), support::hex_of(alive_frame()));
  EXPECT_FALSE(read_alive(alive_frame()).value());
  EXPECT_EQ(on_page("commit"), support::hex_of(alive_frame(true)));
  EXPECT_TRUE(read_alive(alive_frame(true)).value());
}

}  // namespace
}  // namespace flume::rpc

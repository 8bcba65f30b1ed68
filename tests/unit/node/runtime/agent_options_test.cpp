#include "node/runtime/agent_options.h"

#include <gtest/gtest.h>

#include "common/io/crc32c.h"
#include "node/runtime/placed.h"
#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

class AgentOptions : public testing::Test {
 protected:
  void build(const std::string& compression) {
    lang::Args args;
    args.set("compression", {compression}, true);
    sink_ = compressing(placed(std::make_unique<test::ScriptedSink>(rig_.below), "sink"), args);
    ASSERT_TRUE(rig_.open(*sink_).ok());
  }
  int64_t in_bytes() const { return rig_.world.metric("flume_compression_in_bytes_total"); }
  int64_t out_bytes() const { return rig_.world.metric("flume_compression_out_bytes_total"); }

  test::SinkRig rig_;
  std::unique_ptr<Sink> sink_;
};

TEST_F(AgentOptions, EveryWordMeansACodec) {
  const EventBatch batch = rig_.issued(test::numbered_events(200));
  for (const char* word : {"zstd", "lz4", "gzip", "true"}) {
    build(word);
    const int64_t before = out_bytes();
    ASSERT_TRUE(sink_->append(batch.with_token({}), rig_.wait).status.ok());
    EXPECT_GT(out_bytes(), before) << word;
  }
  for (const char* word : {"none", "false"}) {
    build(word);
    const int64_t before = in_bytes();
    ASSERT_TRUE(sink_->append(batch.with_token({}), rig_.wait).status.ok());
    EXPECT_EQ(in_bytes(), before) << word;
  }
  EXPECT_LT(out_bytes(), in_bytes());
  EXPECT_EQ(rig_.below->rows.size(), 1200U);
  EXPECT_EQ(rig_.below->rows[1199], batch.body(199));
}

TEST_F(AgentOptions, ABatchThatIsOfferedAgainIsNotCompressedAgain) {
  build("lz4");
  const EventBatch batch = rig_.issued(test::numbered_events(200));
  rig_.below->appends = {{Status(Code::kTimeout, "full"), 0}, {Status(Code::kTimeout, "full"), 0}};
  EXPECT_EQ(sink_->append(batch, rig_.wait).taken, 0U);
  EXPECT_EQ(sink_->append(batch, rig_.wait).taken, 0U);
  EXPECT_EQ(sink_->append(batch, rig_.wait).taken, 200U);
  EXPECT_EQ(in_bytes(), static_cast<int64_t>(batch.blob().size()));
  const EventBatch other = rig_.issued(test::numbered_events(200));
  EXPECT_EQ(sink_->append(other, rig_.wait).taken, 200U);
  EXPECT_EQ(in_bytes(), static_cast<int64_t>(2 * batch.blob().size()));
  EXPECT_EQ(rig_.tracker->settled(), 400U);
}

TEST_F(AgentOptions, WhatIsSmallOrCompressedAlreadyPassesAsItIs) {
  build("zstd");
  ASSERT_TRUE(sink_->append(rig_.issued(test::numbered_events(3)), rig_.wait).status.ok());
  const EventBatch batch = rig_.issued(test::numbered_events(200)).compressed(BlobCodec::kGzip).value();
  ASSERT_TRUE(sink_->append(batch, rig_.wait).status.ok());
  EXPECT_EQ(in_bytes(), 0);
  EXPECT_EQ(rig_.below->rows.size(), 203U);
}

// A blob with a right checksum that is no gzip member.
TEST(Placed, WhatCannotBeUncompressedIsDroppedAndTheFlowGoesOn) {
  test::SinkRig rig;
  const std::unique_ptr<Sink> sink = rig.build("keep");
  ASSERT_TRUE(rig.open(*sink).ok());
  const EventBatch good = support::batch_of(test::numbered_events(200)).compressed(BlobCodec::kGzip).value();
  std::string bytes = support::bytes_of(good);
  const auto put = [&bytes](size_t at, uint32_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  uint32_t head = 0;
  uint32_t stored = 0;
  std::memcpy(&head, bytes.data() + 8, sizeof head);
  std::memcpy(&stored, bytes.data() + 12, sizeof stored);
  bytes[head + 20] = static_cast<char>(bytes[head + 20] ^ 1);
  put(120, crc32c(std::string_view(bytes).substr(head, stored)));
  put(124, 0);
  put(124, crc32c(std::string_view(bytes).substr(0, head)));
  const auto bad = support::decode(bytes);
  ASSERT_TRUE(bad.ok()) << bad.status().to_string();
  EXPECT_TRUE(sink->append(rig.issued(*bad), rig.wait).status.ok());
  EXPECT_TRUE(sink->append(rig.issued(good), rig.wait).status.ok());
  EXPECT_EQ(rig.below->rows.size(), 200U);
  EXPECT_EQ(rig.tracker->counts().dropped.at("undecodable").first, 200U);
}

}  // namespace
}  // namespace flume::node

#include "common/event/batch.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/batches.h"

namespace flume {
namespace {

using support::feed;

std::vector<std::string> bodies(const EventBatch& batch) {
  std::vector<std::string> out;
  for (uint32_t i = 0; i < batch.rows(); ++i) {
    out.emplace_back(batch.body(i));
  }
  return out;
}

using Strings = std::vector<std::string>;

TEST(EventBatch, IsEmptyByDefault) {
  const EventBatch none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.blob(), "");
  EXPECT_EQ(none.body_bytes(), 0u);
  EXPECT_EQ(none.constant(Field::kHost), std::nullopt);
  EXPECT_FALSE(none.blob_is_rows_of("\n"));
}

TEST(EventBatch, ShowsTheRowsThatWereRead) {
  BatchBuilder builder(support::byte_options());
  EXPECT_EQ(feed(builder, "one\n\nthree\nfo", 5000, 77), 3u);
  EXPECT_EQ(builder.unfinished_bytes(), 2u);
  const EventBatch batch = builder.seal({});
  EXPECT_EQ(bodies(batch), (Strings{"one", "", "three"}));
  EXPECT_EQ(batch.blob(), "one\n\nthree\n");
  EXPECT_EQ(batch.body_bytes(), 8u);
  EXPECT_TRUE(batch.blob_is_rows_of("\n"));
  EXPECT_FALSE(batch.blob_is_rows_of("\r\n"));
  EXPECT_EQ(batch.timestamp(2), 5000);
  EXPECT_EQ(batch.nanos(0), 77);
  EXPECT_EQ(batch.nanos(2), 79);
  EXPECT_EQ(batch.priority(1), Priority::kInfo);
  EXPECT_EQ(batch.host(1), "h1");
  EXPECT_EQ(batch.constant(Field::kHost), "h1");
  EXPECT_EQ(batch.constant_number(Field::kTimestamp), 5000);
  EXPECT_EQ(batch.constant_number(Field::kNanos), std::nullopt);
  EXPECT_EQ(batch.origin().position, 1000u);
  EXPECT_EQ(batch.origin().end_position, 1011u);
  EXPECT_EQ(batch.origin_position(1), 1004u);
}

TEST(EventBatch, SlicesAreViewsWithTheirOwnPlace) {
  BatchBuilder builder(support::byte_options());
  feed(builder, "a\nbb\nccc\ndddd\n", 1, 0);
  const EventBatch batch = builder.seal({});
  const EventBatch middle = batch.slice(1, 2);
  EXPECT_EQ(bodies(middle), (Strings{"bb", "ccc"}));
  EXPECT_EQ(middle.blob(), "bb\nccc\n");
  EXPECT_EQ(middle.blob().data(), batch.blob().data() + 2);
  EXPECT_EQ(middle.origin().position, 1002u);
  EXPECT_EQ(middle.origin().end_position, 1009u);
  EXPECT_EQ(middle.from(1).body(0), "ccc");
  EXPECT_EQ(middle.from(1).origin_position(0), 1005u);
  EXPECT_EQ(middle.nanos(0), 1);
  EXPECT_TRUE(batch.slice(4, 0).empty());
  EXPECT_TRUE(batch.from(4).empty());
}

TEST(EventBatch, SettlesItsRowsWithTheirBytes) {
  const auto tracker = AckTracker::create(0);
  BatchBuilder builder(support::byte_options());
  feed(builder, "a\nbb\nccc\n", 1, 0);
  const EventBatch batch = builder.seal(tracker->issue(9, 3, 6));
  batch.slice(0, 2).settle(Outcome::kDelivered);
  EXPECT_EQ(tracker->counts().delivered_bytes, 3u);
  batch.from(2).settle(Outcome::kDropped, "test");
  EXPECT_EQ(tracker->settled(), 9u);
}

TEST(EventBatch, DecodesWhatItEncodes) {
  BatchBuilder builder(support::byte_options());
  builder.set_constant("tailSrcFile", "app.log");
  feed(builder, "one\ntwo\n", 5000, 77);
  const EventBatch batch = builder.seal({});
  const auto decoded = support::decode(support::bytes_of(batch));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(support::events_of(*decoded), support::events_of(batch));
  EXPECT_EQ(decoded->constant("tailSrcFile"), "app.log");
  EXPECT_EQ(decoded->attribute_names(), std::vector<std::string_view>{"tailSrcFile"});
  EXPECT_EQ(decoded->origin().stream, batch.origin().stream);
  EXPECT_EQ(decoded->origin().boot_epoch, 9u);
  EXPECT_EQ(support::bytes_of(*decoded), support::bytes_of(batch));
}

TEST(EventBatch, ASliceEncodesAsABatchOfItsOwn) {
  BatchBuilder builder(support::byte_options());
  feed(builder, "a\nbb\nccc\ndddd\n", 1, 0);
  const EventBatch slice = builder.seal({}).slice(1, 2);
  const auto decoded = support::decode(support::bytes_of(slice));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(support::events_of(*decoded), support::events_of(slice));
  EXPECT_EQ(decoded->origin().position, 1002u);
  EXPECT_EQ(decoded->origin().end_position, 1009u);
}

TEST(EventBatch, DecodesFromAnUnalignedPlace) {
  const EventBatch batch = support::mixed_batch();
  const std::string bytes = support::bytes_of(batch);
  auto odd = std::make_shared<char[]>(bytes.size() + 1);
  std::memcpy(odd.get() + 1, bytes.data(), bytes.size());
  const auto decoded =
      EventBatch::decode({std::shared_ptr<const char[]>(odd, odd.get() + 1), bytes.size()}, BatchLimits(), {});
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(support::events_of(*decoded), support::events_of(batch));
}

TEST(EventBatch, ConstantsAreKnownWithoutLookingAtRows) {
  const EventBatch batch = support::mixed_batch();
  EXPECT_EQ(batch.constant(Field::kHost), std::nullopt);
  EXPECT_EQ(batch.constant("kind"), std::nullopt);
  EXPECT_EQ(batch.constant("absent"), std::nullopt);
  EXPECT_EQ(batch.slice(0, 1).constant(Field::kHost), "host-0");
  EXPECT_EQ(batch.slice(0, 1).constant_number(Field::kPriority), 0);
}

}  // namespace
}  // namespace flume

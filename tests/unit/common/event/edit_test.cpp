#include <gtest/gtest.h>

#include "common/event/batch.h"
#include "tests/support/batches.h"

namespace flume {
namespace {

using support::bytes_of;
using support::events_of;

// Each edit is checked on the batch and on what its bytes decode to.
void expect_rows(const EventBatch& batch, const std::vector<Event>& events) {
  EXPECT_EQ(events_of(batch), events);
  const auto decoded = support::decode(bytes_of(batch));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(events_of(*decoded), events);
  EXPECT_EQ(decoded->origin().position, batch.origin().position);
  EXPECT_EQ(decoded->origin().end_position, batch.origin().end_position);
  for (uint32_t row = 0; row < batch.rows(); ++row) {
    EXPECT_EQ(decoded->origin_position(row), batch.origin_position(row)) << row;
    EXPECT_EQ(decoded->hop_ordinal(row), batch.hop_ordinal(row)) << row;
  }
}

std::vector<Event> changed(std::vector<Event> events, const std::function<void(Event&, size_t)>& change) {
  for (size_t i = 0; i < events.size(); ++i) {
    change(events[i], i);
  }
  return events;
}

EventBatch lines() {
  BatchBuilder builder(support::byte_options());
  support::feed(builder, "a\nbb\nccc\ndddd\neeeee\n", 50, 7);
  return builder.seal({});
}

TEST(EventBatchEdit, AConstantIsAddedWithoutTouchingTheBlob) {
  const EventBatch batch = lines();
  const EventBatch tagged = batch.with_constant("k", "v");
  EXPECT_EQ(tagged.blob().data(), batch.blob().data());
  expect_rows(tagged, changed(events_of(batch), [](Event& e, size_t) { e.attributes["k"] = "v"; }));
  expect_rows(tagged.with_constant("k", ""),
              changed(events_of(batch), [](Event& e, size_t) { e.attributes["k"] = ""; }));
  expect_rows(batch, events_of(lines()));
}

TEST(EventBatchEdit, AnAttributeIsReplacedRowByRow) {
  const EventBatch batch = support::mixed_batch();
  std::vector<std::optional<std::string_view>> values(batch.rows());
  values[3] = "three";
  values[7] = "";
  const EventBatch edited = batch.with_attribute("kind", values);
  expect_rows(edited, changed(support::mixed_events(), [&](Event& e, size_t i) {
                e.attributes.erase("kind");
                if (values[i]) {
                  e.attributes["kind"] = *values[i];
                }
              }));
}

TEST(EventBatchEdit, ASliceIsEditedAsWhatItShows) {
  const std::vector<Event> all = support::mixed_events();
  const EventBatch slice = support::mixed_batch().slice(5, 6);
  const std::vector<Event> part(all.begin() + 5, all.begin() + 11);
  expect_rows(slice.with_constant("k", "v"), changed(part, [](Event& e, size_t) { e.attributes["k"] = "v"; }));
  const std::vector<std::optional<std::string_view>> values(6, "x");
  expect_rows(slice.with_attribute("third", values),
              changed(part, [](Event& e, size_t) { e.attributes["third"] = "x"; }));
  const std::vector<std::string> names{"kind", "seven"};
  expect_rows(slice.without_attributes(names), changed(part, [](Event& e, size_t) {
                e.attributes.erase("kind");
                e.attributes.erase("seven");
              }));
}

TEST(EventBatchEdit, AttributesAreTakenAwayByName) {
  const EventBatch batch = support::mixed_batch();
  const std::vector<std::string> names{"third", "absent", "kind"};
  expect_rows(batch.with_only_attributes(names), changed(support::mixed_events(), [](Event& e, size_t) {
                e.attributes.erase("number");
                e.attributes.erase("seven");
              }));
  expect_rows(batch.with_only_attributes({}),
              changed(support::mixed_events(), [](Event& e, size_t) { e.attributes.clear(); }));
}

TEST(EventBatchEdit, WhatTheFormatHasNoRoomForIsNotAdded) {
  const EventBatch batch = lines();
  const std::string long_name(65536, 'n');
  const std::string long_value((1 << 20) + 1, 'v');
  EXPECT_FALSE(batch.attribute_fits("", 1));
  EXPECT_FALSE(batch.attribute_fits(long_name, 1));
  EXPECT_FALSE(batch.attribute_fits(std::string_view("a\0b", 3), 1));
  EXPECT_FALSE(batch.attribute_fits("k", long_value.size()));
  EXPECT_TRUE(batch.attribute_fits("k", long_value.size() - 1));
  expect_rows(batch.with_constant("", "v"), events_of(batch));
  expect_rows(batch.with_constant("k", long_value), events_of(batch));
  EventBatch full = batch;
  uint32_t added = 0;
  while (full.attribute_fits("n" + std::to_string(added), 1)) {
    full = full.with_constant("n" + std::to_string(added), "v");
    ASSERT_LT(++added, 300u);
  }
  EXPECT_EQ(added, 246u);  // of 250 columns four are ends, timestamp, nanos and host
  EXPECT_EQ(full.attribute_names().size(), added);
  EXPECT_TRUE(support::decode(bytes_of(full)).ok());
}

TEST(EventBatchEdit, NewBodiesKeepTheRowsPlaces) {
  const EventBatch batch = lines();
  const std::vector<std::string_view> bodies{"", "x\ny", "second", "3", std::string_view("\0", 1)};
  const EventBatch edited = batch.with_bodies(bodies, "");
  expect_rows(edited, changed(events_of(batch), [&](Event& e, size_t i) { e.body = bodies[i]; }));
  EXPECT_EQ(edited.origin_position(2), 1005u);
  EXPECT_FALSE(edited.blob_is_rows_of("\n"));
  expect_rows(edited.slice(1, 2), {events_of(edited)[1], events_of(edited)[2]});
}

TEST(EventBatchEdit, PickedRowsKeepTheirIdentity) {
  const EventBatch batch = lines().with_hop({.stream = {9}, .ordinal = 500, .chain = 3, .span = 5});
  const std::vector<uint32_t> rows{1, 2, 4};
  const EventBatch picked = batch.pick(rows);
  expect_rows(picked, {events_of(batch)[1], events_of(batch)[2], events_of(batch)[4]});
  EXPECT_EQ(picked.origin_position(0), 1002u);
  EXPECT_EQ(picked.origin_position(2), 1014u);
  EXPECT_EQ(picked.hop_ordinal(0), 501u);
  EXPECT_EQ(picked.hop_ordinal(2), 504u);
  EXPECT_EQ(picked.hop().span, 5u);  // the span does not shrink: acknowledged is what is below its end
  const std::vector<uint32_t> again{0, 2};
  EXPECT_EQ(picked.pick(again).hop_ordinal(1), 504u);
  expect_rows(picked.slice(1, 2), {events_of(batch)[2], events_of(batch)[4]});
}

TEST(EventBatchEdit, SlicesTileTheSpanOfTheirBatch) {
  const std::vector<uint32_t> rows{1, 2, 4};
  const EventBatch picked = lines().with_hop({.stream = {9}, .ordinal = 500, .chain = 0, .span = 5}).pick(rows);
  uint64_t next = picked.hop().ordinal;
  for (uint32_t row = 0; row < picked.rows(); ++row) {
    const Hop hop = picked.slice(row, 1).hop();
    EXPECT_EQ(hop.ordinal, next);
    EXPECT_GE(picked.hop_ordinal(row), hop.ordinal);
    EXPECT_LT(picked.hop_ordinal(row), hop.ordinal + hop.span);
    next += hop.span;
  }
  EXPECT_EQ(next, 505u);
}

TEST(EventBatchEdit, AStampTouchesTheHeadOnly) {
  const EventBatch batch = lines();
  const EventBatch stamped = batch.slice(2, 2).with_hop({.stream = {7}, .ordinal = 40, .chain = 11, .span = 2});
  EXPECT_EQ(stamped.hop_ordinal(0), 40u);
  EXPECT_EQ(stamped.hop_ordinal(1), 41u);
  EXPECT_EQ(stamped.hop().chain, 11u);
  EXPECT_EQ(stamped.blob().data(), batch.blob().data() + 5);
  expect_rows(stamped, {events_of(batch)[2], events_of(batch)[3]});
  EXPECT_FALSE(batch.multiplied());
  EXPECT_TRUE(batch.with_multiplied().multiplied());
  EXPECT_TRUE(support::decode(bytes_of(batch.with_multiplied()))->multiplied());
}

TEST(EventBatchEdit, EveryCodecGivesTheRowsBack) {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += "line " + std::to_string(i % 7) + " of a log that repeats itself\n";
  }
  BatchBuilder builder(support::byte_options());
  support::feed(builder, text);
  const EventBatch batch = builder.seal({});
  for (const BlobCodec codec : {BlobCodec::kZstd, BlobCodec::kLz4, BlobCodec::kGzip}) {
    const auto packed = batch.compressed(codec);
    ASSERT_TRUE(packed.ok()) << packed.status().to_string();
    EXPECT_EQ(packed->codec(), codec);
    EXPECT_LT(bytes_of(*packed).size(), bytes_of(batch).size() / 2);
    const auto decoded = support::decode(bytes_of(packed->with_constant("k", "v")));
    ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
    EXPECT_EQ(decoded->rows(), batch.rows());
    const auto plain = decoded->uncompressed({});
    ASSERT_TRUE(plain.ok()) << plain.status().to_string();
    EXPECT_EQ(plain->blob(), batch.blob());
    EXPECT_EQ(plain->constant("k"), "v");
    EXPECT_EQ(decoded->uncompressed({.blob_bytes = 100}).status().code(), Code::kCorrupt);
  }
}

TEST(EventBatchEdit, WhatDoesNotShrinkStaysPlain) {
  const EventBatch batch = lines();
  const auto packed = batch.compressed(BlobCodec::kZstd);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(packed->codec(), BlobCodec::kNone);
  EXPECT_EQ(packed->blob(), batch.blob());
}

}  // namespace
}  // namespace flume

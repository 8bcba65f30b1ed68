#include <gtest/gtest.h>

#include "common/event/writable_event.h"
#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

using test::numbered_events;

const Status kBroken(Code::kUnavailable, "connection refused");

class Packing : public testing::Test, protected test::SinkRig {
 protected:
  void start(const std::string& text) {
    sink_ = build(text);
    ASSERT_TRUE(open(*sink_).ok());
  }
  AppendResult append(const std::vector<Event>& events) { return sink_->append(issued(events), wait); }
  std::unique_ptr<Sink> sink_;
};

TEST_F(Packing, BatchPacksNEventsIntoOne) {
  start("batch(3) keep");
  const std::vector<Event> events = numbered_events(7);
  ASSERT_EQ(append(events).taken, 7U);
  std::vector<Event> packed = kept();
  ASSERT_EQ(packed.size(), 2U);
  EXPECT_EQ(packed[1].body, "");
  EXPECT_EQ(packed[1].timestamp, events[3].timestamp);
  EXPECT_EQ(packed[1].host, "h");
  EXPECT_EQ(packed[1].priority, events[3].priority);
  EXPECT_EQ(packed[1].attributes.size(), 2U);
  EXPECT_EQ(packed[1].attributes["batchSize"], std::string("\0\0\0\3", 4));
  size_t used = 0;
  EXPECT_EQ(read_writable_event(packed[1].attributes["batchData"], {}, &used).value(), events[3]);
  EXPECT_EQ(world.metric("flume_rows_held"), 1);
  EXPECT_EQ(tracker->settled(), 0U);  // one token was given for all seven
  ASSERT_TRUE(sink_->close(wait).ok());
  packed = kept();
  ASSERT_EQ(packed.size(), 3U);
  EXPECT_EQ(packed[2].attributes["batchSize"], std::string("\0\0\0\1", 4));
  EXPECT_EQ(tracker->settled(), 7U);
  EXPECT_EQ(tracker->counts().delivered_rows, 7U);
}

TEST_F(Packing, UnbatchAndGunzipGiveBackWhatBatchAndGzipPacked) {
  start("batch(5) gzip gunzip unbatch keep");
  const std::vector<Event> events = numbered_events(33);
  ASSERT_EQ(append(events).taken, 33U);
  ASSERT_TRUE(sink_->flush(wait).ok());
  EXPECT_EQ(kept(), events);
  EXPECT_EQ(tracker->settled(), 33U);
  EXPECT_EQ(tracker->counts().delivered_bytes, tracker->counts().issued_bytes);
}

TEST_F(Packing, GzipKeepsWhatIsNeededToSortAndStore) {
  start("gzip keep");
  const std::vector<Event> events = numbered_events(2);
  ASSERT_EQ(append(events).taken, 2U);
  const Event packed = kept()[1];
  EXPECT_EQ(packed.body, "");
  EXPECT_EQ(packed.timestamp, events[1].timestamp);
  EXPECT_EQ(packed.nanos, events[1].nanos);
  EXPECT_EQ(packed.priority, events[1].priority);
  EXPECT_EQ(packed.host, "h");
  EXPECT_EQ(packed.attributes.size(), 1U);
  EXPECT_EQ(packed.attributes.at("compressGzip").substr(0, 2), "\x1F\x8B");
}

TEST_F(Packing, APartialBatchGoesWhenItsLatencyIsOver) {
  start("batch(10, 500) keep");
  append(numbered_events(2));
  const TimePoint due = sink_->due();
  EXPECT_EQ(due, world.clock.now() + std::chrono::milliseconds(500));
  world.clock.advance(std::chrono::milliseconds(300));
  append(numbered_events(1));
  EXPECT_EQ(sink_->due(), due);  // of the event that waits longest
  ASSERT_TRUE(sink_->tick(world.clock.now()).ok());
  EXPECT_EQ(kept().size(), 0U);
  world.clock.advance(std::chrono::milliseconds(200));
  ASSERT_TRUE(sink_->tick(world.clock.now()).ok());
  ASSERT_EQ(kept().size(), 1U);
  EXPECT_EQ(kept()[0].attributes["batchSize"], std::string("\0\0\0\3", 4));
  EXPECT_EQ(sink_->due(), TimePoint::max());
}

TEST_F(Packing, WithoutALatencyAPartialBatchGoesWhenNoEventComesForASecond) {
  start("batch(10) keep");
  append(numbered_events(1));
  world.clock.advance(std::chrono::milliseconds(900));
  append(numbered_events(1));
  EXPECT_EQ(sink_->due(), world.clock.now() + std::chrono::seconds(1));
  world.clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(sink_->tick(world.clock.now()).ok());
  EXPECT_EQ(kept().size(), 1U);
}

TEST_F(Packing, WhatTheSinkBelowDoesNotTakeWaitsAndComesFirst) {
  start("batch(2) keep");
  below->appends = {{kBroken, 0}, {kBroken, 0}};
  const AppendResult first = append(numbered_events(5));
  EXPECT_EQ(first.status.to_string(), kBroken.to_string());
  EXPECT_EQ(first.taken, 2U);  // these wait in the decorator
  EXPECT_LE(sink_->due(), world.clock.now());
  EXPECT_EQ(sink_->tick(world.clock.now()).to_string(), kBroken.to_string());
  EXPECT_EQ(append(numbered_events(1)).taken, 1U);
  ASSERT_TRUE(sink_->flush(wait).ok());
  EXPECT_EQ(kept().size(), 2U);
}

TEST_F(Packing, WhatIsTakenBackIsNotDelivered) {
  start("batch(4) keep");
  below->settles = false;
  append(numbered_events(6));
  EXPECT_EQ(tracker->first_failed(), std::nullopt);
  EXPECT_TRUE(sink_->take_back().empty());
  EXPECT_EQ(tracker->first_failed(), 0U);
  EXPECT_EQ(tracker->counts().not_delivered_rows, 6U);
  EXPECT_EQ(world.metric("flume_rows_held"), 0);
}

TEST_F(Packing, ALostBatchIsLostForAllItsRows) {
  start("batch(3) keep");
  below->settles = false;
  append(numbered_events(3));
  ASSERT_EQ(below->unsettled.size(), 1U);
  below->unsettled[0].settle(Outcome::kDropped, "test");
  EXPECT_EQ(tracker->counts().dropped.at("test").first, 3U);
}

TEST_F(Packing, ManyForOneIsSettledWhenAllAreSettled) {
  start("unbatch keep");
  test::SinkRig packer;
  const auto batch = packer.build("batch(4) keep");
  ASSERT_TRUE(packer.open(*batch).ok());
  ASSERT_EQ(batch->append(packer.issued(numbered_events(4)), wait).taken, 4U);
  below->settles = false;
  ASSERT_EQ(append(packer.kept()).taken, 1U);
  EXPECT_EQ(kept(), numbered_events(4));
  ASSERT_EQ(below->unsettled.size(), 1U);
  EXPECT_TRUE(below->unsettled[0].multiplied());
  below->unsettled[0].slice(0, 3).settle(Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 0U);
  below->unsettled[0].from(3).settle(Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 1U);
  EXPECT_EQ(world.metric("flume_rows_added_total"), 3);
}

TEST_F(Packing, WhatCannotBeUnpackedPassesAndIsCounted) {
  std::vector<Event> events = numbered_events(5);
  events[0].attributes["compressGzip"] = "not gzip";
  events[1].attributes = {{"batchSize", std::string("\0\0\0\1", 4)}, {"batchData", "xx"}};
  events[2].attributes = {{"batchSize", "1"}, {"batchData", "xx"}};
  events[3].attributes = {{"batchSize", std::string("\0\0\0\0", 4)}, {"batchData", ""}};
  events[4].attributes = {{"batchSize", std::string("\0\0\0\1", 4)}};  // half of it: none of ours
  start("gunzip unbatch keep");
  ASSERT_EQ(append(events).taken, 5U);
  EXPECT_EQ(kept(), events);
  EXPECT_EQ(world.metric("flume_rows_not_understood_total"), 4);
  EXPECT_EQ(tracker->settled(), 5U);
}

TEST_F(Packing, WhatDoesNotFitAnAttributePassesAsItIs) {
  std::vector<Event> events = numbered_events(3);
  Random random(1);
  events[1].body.resize(1 << 20);
  for (char& c : events[1].body) {
    c = static_cast<char>(random());
  }
  for (const std::string text : {"batch(10) keep", "gzip keep"}) {
    below->taken.clear();
    start(text);
    for (const Event& event : events) {
      ASSERT_EQ(append({event}).taken, 1U);
    }
    ASSERT_TRUE(sink_->flush(wait).ok());
    ASSERT_EQ(kept().size(), 3U) << text;
    EXPECT_EQ(kept()[1], events[1]) << text;
  }
  EXPECT_EQ(tracker->settled(), 6U);
}

TEST_F(Packing, ALargeEventBesideSmallOnesKeepsItsAttributes) {
  world.context.limits.event_bytes = 4096;
  std::vector<Event> events = numbered_events(3);
  Random random(1);
  events[1].body.resize(4096);
  for (char& c : events[1].body) {
    c = static_cast<char>(random());
  }
  start("gzip gunzip keep");
  ASSERT_EQ(append(events).taken, 3U);
  EXPECT_EQ(kept(), events);
}

TEST_F(Packing, AnAttributeIsNeverFilledBeyondTheLimit) {
  world.context.limits.event_bytes = 1000;
  start("batch(1000) keep");
  std::vector<Event> events = numbered_events(100);
  ASSERT_EQ(append(events).taken, 100U);
  ASSERT_TRUE(sink_->flush(wait).ok());
  EXPECT_GT(kept().size(), 5U);
  for (const Event& event : kept()) {
    EXPECT_LE(event.attributes.at("batchData").size(), 1000U);
  }
  start("unbatch keep");
  const std::vector<Event> packed = kept();
  below->taken.clear();
  ASSERT_EQ(append(packed).taken, packed.size());
  EXPECT_EQ(kept(), events);
}

TEST_F(Packing, GunzipRefusesABomb) {
  test::SinkRig packer;
  const auto gzip = packer.build("gzip keep");
  std::vector<Event> events = numbered_events(1);
  events[0].body.assign(1 << 20, 'x');
  ASSERT_TRUE(packer.open(*gzip).ok());
  ASSERT_EQ(gzip->append(packer.issued(events), wait).taken, 1U);
  world.context.limits.event_bytes = 1 << 19;
  start("gunzip keep");
  ASSERT_EQ(append(packer.kept()).taken, 1U);
  EXPECT_EQ(kept(), packer.kept());
  EXPECT_EQ(world.metric("flume_rows_not_understood_total"), 1);
}

}  // namespace
}  // namespace flume::node

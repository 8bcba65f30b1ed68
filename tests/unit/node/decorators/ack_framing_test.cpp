#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/sink_rig.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

class AckFraming : public testing::Test {
 protected:
  void build(const std::string& text) {
    sink_ = rig_.build(text);
    ASSERT_TRUE(rig_.open(*sink_).ok());
  }
  void append(const std::vector<Event>& events) {
    ASSERT_TRUE(sink_->append(rig_.issued(events), rig_.wait).status.ok());
  }
  int64_t metric(const std::string& name) const { return rig_.world.metric(name); }
  // One group of five events, as ackInjector makes it: begin, five, end.
  static std::vector<Event> group() {
    test::SinkRig rig;
    const auto injector = rig.build("ackInjector keep");
    EXPECT_TRUE(rig.open(*injector).ok());
    EXPECT_TRUE(injector->append(rig.issued(test::numbered_events(5)), rig.wait).status.ok());
    EXPECT_TRUE(injector->close(rig.wait).ok());
    return rig.kept();
  }
  static std::string text(const Event& event, const std::string& name) { return event.attributes.at(name); }

  test::SinkRig rig_;
  std::unique_ptr<Sink> sink_;
};

TEST_F(AckFraming, AGroupIsABeginItsEventsAndAnEndWhenItCloses) {
  const std::vector<Event> events = group();
  ASSERT_EQ(events.size(), 7U);
  EXPECT_EQ(text(events[0], "AckType"), "beg");
  EXPECT_EQ(text(events[3], "AckType"), "msg");
  EXPECT_EQ(text(events[6], "AckType"), "end");
  EXPECT_EQ(events[0].body, "");
  EXPECT_EQ(events[3].body, test::numbered_events(5)[2].body);
  std::string sum(8, '\0');
  for (const Event& event : events) {
    EXPECT_EQ(text(event, "AckTag"), text(events[0], "AckTag"));
    const std::string checksum = text(event, "AckChecksum");
    ASSERT_EQ(checksum.size(), 8U);
    std::transform(sum.begin(), sum.end(), checksum.begin(), sum.begin(), [](char a, char b) { return a ^ b; });
  }
  EXPECT_EQ(sum, std::string(8, '\0')) << "the end is the exclusive or of the rest";
}

TEST_F(AckFraming, TheChecksumOfAnEventIsTheClassicOne) {
  build("ackInjector keep");
  Event event;
  event.body = "first line";
  append({event});
  EXPECT_EQ(text(rig_.kept()[1], "AckChecksum"), std::string("\0\0\0\0\x5d\x64\x7c\xdc", 8));
  EXPECT_TRUE(sink_->close(rig_.wait).ok());
}

TEST_F(AckFraming, NothingIsSentWhileNothingComes) {
  build("ackInjector keep");
  EXPECT_TRUE(sink_->close(rig_.wait).ok());
  EXPECT_TRUE(rig_.kept().empty());
}

TEST_F(AckFraming, AnEventThatWasNotTakenCountsOnce) {
  build("ackInjector ackChecker keep");
  rig_.below->appends = {{Status(Code::kTimeout, "full"), 1}};
  const EventBatch batch = rig_.issued(test::numbered_events(3));
  const AppendResult result = sink_->append(batch, rig_.wait);
  EXPECT_EQ(result.taken, 1U);
  EXPECT_TRUE(sink_->append(batch.from(1), rig_.wait).status.ok());
  EXPECT_TRUE(sink_->close(rig_.wait).ok());
  EXPECT_EQ(rig_.kept().size(), 3U);
  EXPECT_EQ(metric("flume_ack_groups_verified_total"), 1);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 0);
}

TEST_F(AckFraming, AWholeGroupIsVerifiedInAnyOrderAndLeavesItsEventsOnly) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  std::swap(events[1], events[5]);
  append(events);
  EXPECT_EQ(rig_.kept().size(), 5U);
  EXPECT_EQ(rig_.kept()[0].body, events[1].body);
  EXPECT_EQ(metric("flume_ack_groups_verified_total"), 1);
  EXPECT_EQ(rig_.tracker->counts().delivered_rows, 7U);
  EXPECT_EQ(rig_.tracker->settled(), rig_.position);
}

TEST_F(AckFraming, ALostOrDoubledEventIsReportedAndTheOthersPass) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  events.insert(events.begin() + 2, events[2]);
  append(events);
  events.erase(events.begin() + 2, events.begin() + 4);
  append(events);
  EXPECT_EQ(rig_.kept().size(), 10U);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 2);
  EXPECT_EQ(metric("flume_ack_groups_verified_total"), 0);
}

TEST_F(AckFraming, ADamagedBodyIsSeenByItselfAndInItsGroup) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  events[2].body[0] ^= 1;
  append(events);
  EXPECT_EQ(metric("flume_ack_events_damaged_total"), 1);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 1);
}

TEST_F(AckFraming, WithoutItsBeginAGroupIsDamagedAndItsEventsPass) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  events.erase(events.begin());
  append(events);
  EXPECT_EQ(rig_.kept().size(), 5U);
  EXPECT_EQ(metric("flume_ack_events_unexpected_total"), 5);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 1);
}

TEST_F(AckFraming, AGroupThatIsSentAgainCountsFromItsNewBegin) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  append({events[0], events[1]});
  append(events);
  EXPECT_EQ(metric("flume_ack_groups_verified_total"), 1);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 0);
}

TEST_F(AckFraming, AGroupWithoutEndIsGivenUpAfterAnHour) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  append({events[0], events[1]});
  EXPECT_EQ(metric("flume_ack_groups_open"), 1);
  rig_.world.clock.advance(std::chrono::hours(2));
  events[0].attributes["AckTag"] = "another";
  append({events[0]});
  EXPECT_EQ(metric("flume_ack_groups_open"), 1);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 1);
}

TEST_F(AckFraming, NoMoreGroupsThanTheirLimitAreHeld) {
  build("ackChecker keep");
  Event begin = group()[0];
  std::vector<Event> events;
  for (int i = 0; i < 10'002; ++i) {
    begin.attributes["AckTag"] = "g" + std::to_string(i);
    events.push_back(begin);
  }
  append(events);
  EXPECT_EQ(metric("flume_ack_groups_open"), 10'000);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 2);
}

TEST_F(AckFraming, AttributesThatAreNoFrameAreLeftAlone) {
  build("ackChecker keep");
  std::vector<Event> events = group();
  events[1].attributes["AckType"] = "something";
  events[2].attributes["AckChecksum"] = "short";
  events[0].attributes.erase("AckTag");
  append(events);
  EXPECT_EQ(rig_.kept().size(), 5U);
  EXPECT_EQ(metric("flume_ack_events_damaged_total"), 1);
}

class ReceivedGroups : public AckFraming {
 protected:
  // The sink of `source | sink`, as a node builds it.
  void compile_sink(const std::string& source, const std::string& sink) {
    const auto program =
        compile({"n1", "flow", source, sink, 1, false}, rig_.registry, rig_.world.settings, rig_.world.capabilities);
    ASSERT_TRUE(program.ok()) << program.status().to_string();
    sink_ = (*program)->sink();
    ASSERT_TRUE(rig_.open(*sink_).ok());
  }
};

TEST_F(ReceivedGroups, AreCheckedAndUnframedWhereTheyStay) {
  compile_sink("collectorSource", "keep");
  append(group());
  EXPECT_EQ(rig_.kept().size(), 5U);
  EXPECT_EQ(metric("flume_ack_groups_verified_total"), 1);
  std::vector<Event> damaged = group();
  damaged.erase(damaged.begin() + 2);
  append(damaged);
  EXPECT_EQ(metric("flume_ack_groups_damaged_total"), 1);
}

TEST_F(ReceivedGroups, AreLeftToTheNextCollectorByARelay) {
  const test::TempDir dir;
  rig_.world.context.state_folder = dir.path();
  compile_sink("collectorSource", "ackedWriteAhead keep");
  append(group());
  EXPECT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_TRUE(sink_->close(rig_.wait).ok()) << "a moment for the log's sender";
  EXPECT_EQ(rig_.kept().size(), 7U);
}

TEST_F(ReceivedGroups, OfOtherSourcesAreNobodysBusiness) {
  compile_sink("null", "keep");
  append(group());
  EXPECT_EQ(rig_.kept().size(), 7U);
}

}  // namespace
}  // namespace flume::node

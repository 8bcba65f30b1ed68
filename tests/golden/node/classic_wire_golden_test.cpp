// The classic event service: what a real classic sender wrote to a collector's port, and what our own sink writes.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/event/format_reader.h"
#include "common/rpc/classic_event.h"
#include "node/net/classic_handler.h"
#include "tests/support/golden.h"
#include "tests/support/link_rig.h"
#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

using support::golden_cases;

// What the classic receiver made of the same bytes.
std::vector<Event> recorded(const std::string& capture) {
  std::vector<Event> events;
  const std::string text = support::golden_file(capture + ".received.avrojson");
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) {
      events.push_back(read_event_line(ReplayFormat::kAvroJson, line, {}).value());
    }
  }
  return events;
}

class ClassicCapture : public testing::TestWithParam<const char*> {};

TEST_P(ClassicCapture, GivesTheEventsThatTheClassicReceiverGotHoweverTheBytesAreCut) {
  const std::string bytes = support::golden_file(std::string(GetParam()) + ".0.c2s");
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{64}, bytes.size()}) {
    test::NodeWorld world;
    ReceiverInbox inbox(world.context, nullptr);
    const auto peer = std::make_shared<test::FakePeer>();
    std::vector<Event> got;
    {
      ClassicHandler handler(inbox, peer, false);
      for (size_t at = 0; at < bytes.size(); at += piece) {
        EXPECT_EQ(test::feed_handler(handler, std::string_view(bytes).substr(at, piece), piece),
                  StreamHandler::Verdict::kMore);
        while (const auto batch = inbox.take(test::no_wait())) {
          const auto events = support::events_of(*batch);
          got.insert(got.end(), events.begin(), events.end());
          batch->settle(Outcome::kDelivered);
        }
      }
      handler.on_end({});
    }
    EXPECT_EQ(got, recorded(GetParam()));
    EXPECT_EQ(peer->sent, "") << "one-way calls are not answered";
    EXPECT_EQ(inbox.bad_peers().count(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ClassicCapture, testing::Values("rpc-plain", "rpc-attrs", "rpc-batch", "rpc-batch-gzip"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What two agentE2ESinks of the classic system sent: groups with events, and those of an idle agent.
TEST(ClassicWire, TheGroupsOfRealEndToEndAgentsAreVerifiedAndTheirMarkersEndThere) {
  struct Sent {
    const char* capture;
    size_t events;
    int64_t groups;
  };
  for (const Sent& sent : {Sent{"e2e-events.0.c2s", 6, 15}, Sent{"e2e-events.3.c2s", 6, 18}}) {
    test::SinkRig rig;
    const std::unique_ptr<Sink> sink = rig.build("collector(30000) { keep }");
    ASSERT_TRUE(rig.open(*sink).ok());
    ReceiverInbox inbox(rig.world.context, nullptr);
    ClassicHandler handler(inbox, std::make_shared<test::FakePeer>(), false);
    std::string bytes = support::golden_file(sent.capture);
    test::feed_handler(handler, bytes, 100);
    while (const auto batch = inbox.take(test::no_wait())) {
      ASSERT_TRUE(sink->append(*batch, rig.wait).status.ok());
    }
    ASSERT_TRUE(sink->flush(rig.wait).ok());
    EXPECT_EQ(rig.kept().size(), sent.events);
    EXPECT_EQ(rig.world.metric("flume_ack_groups_verified_total"), sent.groups);
    EXPECT_EQ(rig.world.metric("flume_ack_groups_damaged_total"), 0);
    EXPECT_EQ(rig.world.metric("flume_ack_events_damaged_total"), 0);
    EXPECT_EQ(rig.world.metric("flume_ack_groups_open"), 0);
    handler.on_end({});
    EXPECT_TRUE(sink->close(rig.wait).ok());
  }
}

TEST(ClassicWire, MessagesAreTheRecordedOnesAndAreReadBack) {
  for (const JsonValue& one : golden_cases("wire", "thrift")) {
    const std::string expected = support::bytes_of_hex(one.find("expect")->text("bytes_hex").value());
    const Event event = support::golden_event(*one.find("event"));
    const auto call = rpc::read_classic_call(expected, {});
    ASSERT_TRUE(call.ok()) << one.to_json();
    EXPECT_EQ(call->method, rpc::ClassicCall::Method::kAppend);
    EXPECT_EQ(call->event, event) << one.to_json();
    if (event.attributes.size() < 2) {  // with more the classic order is that of a Java hash map
      EXPECT_EQ(support::hex_of(rpc::classic_append(support::batch_of({event}), 0, call->sequence)),
                support::hex_of(expected))
          << one.to_json();
    }
  }
}

}  // namespace
}  // namespace flume::node

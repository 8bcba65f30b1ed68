#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event/writable_event.h"
#include "common/rpc/classic_event.h"
#include "node/net/classic_handler.h"
#include "tests/support/link_rig.h"
#include "tests/support/scripted_sink.h"

namespace flume::node {

void register_sink_thrift(Registry& registry);

namespace {

using test::Collector;
using test::feed_handler;
using test::no_wait;
using test::soon;
using Verdict = StreamHandler::Verdict;

Event event_of(std::string body) {
  Event event;
  event.timestamp = 1234567890123;
  event.host = "h";
  event.body = std::move(body);
  return event;
}

std::string append_call(const Event& event, int32_t sequence = 1) {
  BuilderOptions options;
  options.limits.event_bytes = 4U << 20;  // a sender may have another limit
  return rpc::classic_append(support::batch_of({event}, options), 0, sequence);
}

// The same call under another name.
std::string renamed(std::string message, const std::string& name) {
  message.replace(4, 4 + 6, std::string("\0\0\0", 3) + static_cast<char>(name.size()) + name);
  return message;
}

struct Rig {
  explicit Rig(bool truncate = false) { handler.emplace(inbox, peer, truncate); }
  Verdict feed(std::string_view bytes) { return feed_handler(*handler, bytes, bytes.size()); }
  std::vector<Event> take() {
    std::vector<Event> all;
    while (const auto batch = inbox.take(no_wait())) {
      const auto events = support::events_of(*batch);
      all.insert(all.end(), events.begin(), events.end());
      batch->settle(Outcome::kDelivered);
    }
    return all;
  }

  test::NodeWorld world;
  ReceiverInbox inbox{world.context, nullptr};
  std::shared_ptr<test::FakePeer> peer = std::make_shared<test::FakePeer>();
  std::optional<ClassicHandler> handler;
};

TEST(ClassicHandler, AnswersAnAckedAppendOnceTheFlowHasTheEvent) {
  Rig rig;
  ASSERT_EQ(rig.feed(renamed(append_call(event_of("x"), 7), "ackedAppend")), Verdict::kMore);
  EXPECT_EQ(rig.peer->sent, "");
  ASSERT_EQ(rig.take().size(), 1u);
  EXPECT_GT(rig.peer->wakes, 0);
  EXPECT_EQ(rig.handler->on_wake(), Verdict::kMore);
  EXPECT_EQ(support::hex_of(rig.peer->sent), "800100020000000b61636b6564417070656e64000000070800000000000000");
}

TEST(ClassicHandler, TakesARawEventAsTheClassicFilesHoldIt) {
  Rig rig;
  const Event event = event_of("raw one");
  std::string raw;
  append_writable_event({event.timestamp, event.priority, event.nanos, event.host, event.body, {}}, raw);
  std::string message = renamed(append_call(event_of("")).substr(0, 18), "rawAppend");
  message += std::string("\x0c\0\1\x0b\0\1\0\0\0", 9) + static_cast<char>(raw.size()) + raw + std::string(2, '\0');
  ASSERT_EQ(rig.feed(message), Verdict::kMore);
  EXPECT_EQ(rig.take(), std::vector<Event>{event});
}

TEST(ClassicHandler, AnswersCloseAndUnknownMethods) {
  Rig rig;
  ASSERT_EQ(rig.feed(std::string("\x80\1\0\1\0\0\0\5close\0\0\0\2\0", 18)), Verdict::kMore);
  EXPECT_EQ(support::hex_of(rig.peer->sent), "8001000200000005636c6f73650000000200");
  rig.peer->sent.clear();
  ASSERT_EQ(rig.feed(std::string("\x80\1\0\1\0\0\0\1x\0\0\0\3\0", 14)), Verdict::kMore);
  EXPECT_THAT(rig.peer->sent, testing::HasSubstr("Invalid method name: 'x'"));
}

TEST(ClassicHandler, RefusesAnEventOverTheLimitAndGoesOn) {
  Rig rig;
  const Event large = event_of(std::string(rig.world.context.limits.event_bytes + 1, 'x'));
  ASSERT_EQ(rig.feed(append_call(event_of("a")) + append_call(large) + append_call(event_of("b"))), Verdict::kMore);
  const std::vector<Event> got = rig.take();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[1].body, "b");
  EXPECT_EQ(rig.world.metric("flume_link_events_refused_total"), 1);
  EXPECT_EQ(rig.inbox.bad_peers().count(), 1u);
}

TEST(ClassicHandler, CutsABodyOverTheLimitWhenToldSo) {
  Rig rig(true);
  const Event large = event_of(std::string(rig.world.context.limits.event_bytes + 1, 'x'));
  ASSERT_EQ(rig.feed(append_call(large)), Verdict::kMore);
  const std::vector<Event> got = rig.take();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].body.size(), rig.world.context.limits.event_bytes);
  EXPECT_EQ(rig.world.metric("flume_link_events_cut_total"), 1);
}

TEST(ClassicHandler, ClosesTheConnectionAtBytesThatAreNoMessageAndKeepsWhatCameBefore) {
  Rig rig;
  EXPECT_EQ(rig.feed(append_call(event_of("good")) + "\x80\x02 garbage"), Verdict::kFinish);
  EXPECT_EQ(rig.take().size(), 1u);
  EXPECT_EQ(rig.world.metric("flume_link_peers_refused_total"), 1);
}

TEST(RpcSink, SendsEveryEventToACollectorOnTheSamePortAsLinks) {
  Collector collector;
  test::NodeWorld world;
  const auto sink = test::make_sink(register_sink_thrift, "thriftSink", collector.port());
  ASSERT_TRUE(sink->open(world.context, soon()).ok());
  const std::vector<Event> events = support::mixed_events();
  const auto tracker = AckTracker::create(0);
  const EventBatch batch = support::batch_of(events);
  const auto result = sink->append(batch.with_token(tracker->issue(20, 20, batch.body_bytes())), soon());
  EXPECT_TRUE(result.status.ok()) << result.status.to_string();
  EXPECT_EQ(result.taken, 20u);
  EXPECT_EQ(collector.take(20), events);
  EXPECT_EQ(tracker->settled(), 20u);
  EXPECT_TRUE(sink->close(soon()).ok());
}

TEST(RpcSink, SaysThatThePeerIsGone) {
  Collector collector;
  test::NodeWorld world;
  const auto sink = test::make_sink(register_sink_thrift, "thriftSink", collector.port());
  ASSERT_TRUE(sink->open(world.context, soon()).ok());
  const std::string name = str_cat("127.0.0.1:", collector.port());
  const auto tracker = AckTracker::create(0);
  uint64_t position = 0;
  const auto first = sink->append(test::rows_of({"seen"}, *tracker, position), soon());
  EXPECT_EQ(first.taken, 1u);
  collector.take(1);
  collector.close();
  const auto result = sink->append(test::rows_of({"kept by the caller"}, *tracker, position), soon());
  EXPECT_EQ(result.taken, 0u);
  EXPECT_EQ(result.status.code(), Code::kUnavailable);
  EXPECT_EQ(result.status.message(), str_cat("read from ", name, ": the peer closed the connection"));
  EXPECT_TRUE(sink->close(soon()).ok());
}

}  // namespace
}  // namespace flume::node

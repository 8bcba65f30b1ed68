#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rpc/link_frame.h"
#include "node/net/link_client.h"
#include "tests/support/free_port.h"
#include "tests/support/link_rig.h"
#include "tests/support/scripted_sink.h"
#include "tests/support/sink_rig.h"

namespace flume::node {

void register_sink_agent_be(Registry& registry);

namespace {

using test::Collector;
using test::FreePort;
using test::Impostor;
using test::no_wait;
using test::NodeWorld;
using test::soon;
using testing::ElementsAre;

// A batch of one row of so many bytes.
EventBatch big_row(size_t bytes, AckTracker& tracker, uint64_t& position) {
  return test::rows_of({std::string(bytes, 'x')}, tracker, position);
}

struct Agent {
  explicit Agent(uint16_t port, Duration wait = 30s)
      : sink(test::make_sink(register_sink_agent_be, "agentBESink", port, wait)) {}
  ~Agent() { EXPECT_TRUE(sink->close(soon()).ok()); }
  Status open() { return sink->open(world.context, soon()); }
  AppendResult append(const std::vector<std::string>& bodies, const Wait& wait = soon()) {
    return sink->append(test::rows_of(bodies, *tracker, position), wait);
  }

  NodeWorld world;
  std::shared_ptr<AckTracker> tracker = AckTracker::create(0);
  uint64_t position = 0;
  std::unique_ptr<Sink> sink;
};

std::vector<std::string> bodies(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (const Event& event : events) {
    out.push_back(event.body);
  }
  return out;
}

rpc::LinkHello generous_hello() {
  rpc::LinkHello hello;
  hello.max_frame = 1 << 20;
  hello.credit = 1 << 20;
  return hello;
}

TEST(Link, CarriesRowsWholeAndSettlesThemWhenTheFlowTookThem) {
  Collector collector;
  Agent agent(collector.port());
  ASSERT_TRUE(agent.open().ok());
  const EventBatch sent = support::mixed_batch();
  agent.position = sent.rows();
  const AppendResult first =
      agent.sink->append(sent.with_token(agent.tracker->issue(sent.rows(), sent.rows(), sent.body_bytes())), soon());
  EXPECT_TRUE(first.status.ok()) << first.status.to_string();
  EXPECT_EQ(first.taken, sent.rows());
  EXPECT_TRUE(agent.append({"one", "", std::string("\0\n\xFF", 3)}).status.ok());
  EXPECT_EQ(agent.tracker->settled(), 0u);

  std::vector<EventBatch> kept;
  const std::vector<Event> got = collector.take(sent.rows() + 3, &kept);
  ASSERT_EQ(got.size(), sent.rows() + 3);
  for (uint32_t row = 0; row < sent.rows(); ++row) {
    EXPECT_EQ(got[row], sent.event(row));
  }
  EXPECT_EQ(got.back().body, std::string("\0\n\xFF", 3));
  EXPECT_EQ(kept[0].origin().stream, sent.origin().stream);
  EXPECT_EQ(support::bytes_of(kept[0]), support::bytes_of(sent)) << "the bytes on the wire are those in memory";
  EXPECT_TRUE(agent.sink->flush(soon()).ok());
  EXPECT_EQ(agent.tracker->settled(), agent.position);
  EXPECT_EQ(agent.tracker->counts().delivered_rows, agent.position);
  for (const EventBatch& batch : kept) {
    batch.settle(Outcome::kDelivered);
  }
  EXPECT_EQ(collector.source.trackers()[0]->counts().delivered_rows, agent.position);
}

TEST(Link, KeepsTheOrderOfManyBatches) {
  Collector collector;
  Agent agent(collector.port());
  ASSERT_TRUE(agent.open().ok());
  std::vector<std::string> all;
  std::vector<std::string> got;
  for (int i = 0; i < 300; ++i) {
    const std::vector<std::string> rows = {"a" + std::to_string(i), std::string(static_cast<size_t>(i * 37), 'b')};
    all.insert(all.end(), rows.begin(), rows.end());
    ASSERT_TRUE(agent.append(rows).status.ok());
    if (i % 50 == 49) {
      const auto taken = bodies(collector.take(all.size() - got.size()));
      got.insert(got.end(), taken.begin(), taken.end());
    }
  }
  EXPECT_EQ(got, all);
  EXPECT_TRUE(agent.sink->flush(soon()).ok());
  EXPECT_EQ(agent.world.metric("flume_rows_out_total"), 600);
  EXPECT_EQ(agent.world.metric("flume_rows_held"), 0);
}

TEST(Link, SendsNoMoreThanTheFarEndGrants) {
  Collector collector;
  const int64_t window = collector.world.net.options().link_window;
  Agent agent(collector.port());
  ASSERT_TRUE(agent.open().ok());
  int sent = 0;
  AppendResult last;
  for (; sent < 100; ++sent) {
    last = agent.sink->append(big_row(1000000, *agent.tracker, agent.position), no_wait());
    if (!last.status.ok()) {
      break;
    }
  }
  EXPECT_EQ(last.status.code(), Code::kTimeout);
  EXPECT_EQ(last.taken, 0u);
  EXPECT_EQ(sent, window / 1000000);
  collector.take(1);
  EXPECT_TRUE(agent.sink->append(big_row(1000000, *agent.tracker, agent.position), soon()).status.ok());
  collector.take(static_cast<size_t>(sent));
  EXPECT_TRUE(agent.sink->flush(soon()).ok());
}

TEST(Link, DropsWhatDoesNotFitTheWindowWhenRowsDoNotWait) {
  Collector collector;
  const int64_t window = collector.world.net.options().link_window;
  Agent agent(collector.port(), Duration::zero());
  ASSERT_TRUE(agent.open().ok());
  const int64_t fit = window / 1000000;
  for (int64_t sent = 0; sent < fit + 3; ++sent) {
    ASSERT_TRUE(agent.sink->append(big_row(1000000, *agent.tracker, agent.position), soon()).status.ok());
  }
  EXPECT_EQ(agent.tracker->counts().dropped.at("slow").first, 3u);
  collector.take(static_cast<size_t>(fit));
  EXPECT_TRUE(agent.sink->flush(soon()).ok());
  EXPECT_EQ(agent.tracker->counts().delivered_rows, static_cast<uint64_t>(fit));
}

// The link is up, the far end's process is stopped: nothing comes back, nothing is refused.
TEST(Link, AHalfOpenLinkIsLetGoAfterItsSilenceAndRowsWaitNoLongerThanTheyMay) {
  rpc::LinkHello hello = generous_hello();
  hello.credit = 1;
  Impostor impostor(rpc::hello_frame(hello));
  Agent agent(impostor.port());
  ASSERT_TRUE(agent.open().ok());
  ASSERT_TRUE(agent.append({"on its way"}).status.ok());
  for (int seconds = 0; seconds < 15; seconds += 5) {
    EXPECT_EQ(agent.append({"waits"}, no_wait()).status.code(), Code::kTimeout);
    agent.world.clock.advance(5s);
  }
  EXPECT_EQ(agent.sink->tick(agent.world.clock.now()).code(), Code::kUnavailable);
  EXPECT_EQ(agent.tracker->counts().dropped.at("unconfirmed").first, 1u);
  EXPECT_TRUE(agent.sink->close(soon()).ok());
  ASSERT_TRUE(agent.open().ok()) << "it still greets";
  ASSERT_TRUE(agent.append({"on its way too"}).status.ok());
  EXPECT_EQ(agent.append({"waits"}, no_wait()).status.code(), Code::kTimeout);
  agent.world.clock.advance(14s);
  EXPECT_EQ(agent.append({"waits"}, no_wait()).status.code(), Code::kTimeout);
  agent.world.clock.advance(16s);
  EXPECT_TRUE(agent.append({"waits"}, no_wait()).status.ok());
  EXPECT_EQ(agent.tracker->counts().dropped.at("slow").first, 1u);
  EXPECT_EQ(agent.sink->tick(agent.world.clock.now()).code(), Code::kUnavailable);
}

Settings impatient() {
  Settings settings = test::loopback_settings();
  EXPECT_TRUE(settings.set("flume.link.heartbeat.millis", "100", "test").ok());
  EXPECT_TRUE(settings.set("flume.link.silence.millis", "500", "test").ok());
  return settings;
}

// Ticks of a second once made a link of a shorter silence look dead that spoke all the time.
TEST(Link, AnIdleLinkThatSpeaksStaysOpen) {
  Collector collector(impatient());
  test::NodeWorld world(impatient());
  LinkClient client;
  ASSERT_TRUE(client.open(world.context, "127.0.0.1", collector.port(), LinkClient::Ack::kReceived, soon()).ok());
  for (int i = 0; i < 40; ++i) {  // two seconds and a half
    const Status nothing_comes = client.wait_received(1, Wait::for_duration(60ms));
    ASSERT_EQ(nothing_comes.code(), Code::kTimeout) << nothing_comes.to_string();
    world.clock.advance(100ms);
    ASSERT_TRUE(client.tick(world.clock.now()).ok());
  }
  EXPECT_EQ(collector.world.metric("flume_link_peers_refused_total"), 0);
  EXPECT_EQ(collector.world.metric("flume_link_connections"), 1);
}

// agentBESink(compression=...): the sender compresses, relays pass it on, whoever needs bodies unpacks.
TEST(Link, CompressedBatchesTravelAsTheyAre) {
  for (const char* codec : {"zstd", "lz4", "gzip"}) {
    Collector relay;
    Collector collector;
    test::SinkRig rig;
    const auto agent = rig.build(
        str_cat("agentBESink(\"127.0.0.1\", ", relay.port(), ", compression=\"", codec, "\", batchCount=100)"));
    ASSERT_TRUE(rig.open(*agent).ok());
    const std::vector<Event> events = test::numbered_events(200);
    ASSERT_TRUE(agent->append(rig.issued(events), soon()).status.ok());
    std::vector<EventBatch> at_relay;
    EXPECT_EQ(relay.take(200, &at_relay), events);
    ASSERT_EQ(at_relay.size(), 1u);
    EXPECT_EQ(blob_codec_name(at_relay[0].codec()), codec);
    EXPECT_TRUE(agent->close(soon()).ok());
    EXPECT_EQ(rig.tracker->counts().delivered_rows, 200u);

    const auto sender = rig.build(str_cat("value(\"hop\", \"1\") agentBESink(\"127.0.0.1\", ", collector.port(), ")"));
    ASSERT_TRUE(sender->open(relay.world.context, soon()).ok());
    ASSERT_TRUE(sender->append(at_relay[0], soon()).status.ok());
    ASSERT_TRUE(sender->append(at_relay[0].slice(7, 3).with_token({}), soon()).status.ok()) << "a part of one";
    std::vector<EventBatch> at_collector;
    const std::vector<Event> got = collector.take(203, &at_collector);
    ASSERT_EQ(got.size(), 203u);
    EXPECT_EQ(got[199].body, events[199].body);
    EXPECT_EQ(got[202].body, events[9].body);
    EXPECT_EQ(got[202].attributes.at("hop"), "1");
    EXPECT_EQ(blob_codec_name(at_collector[0].codec()), codec);
    EXPECT_TRUE(sender->close(soon()).ok());
    for (const EventBatch& batch : at_collector) {
      batch.settle(Outcome::kDelivered);
    }
  }
}

TEST(Link, APeerIsSentOnlyWhatItUnderstands) {
  rpc::LinkHello hello = generous_hello();
  hello.codecs = {"none", "lz4"};
  Impostor impostor(rpc::hello_frame(hello));
  NodeWorld world;
  LinkClient client;
  ASSERT_TRUE(client.open(world.context, "127.0.0.1", impostor.port(), LinkClient::Ack::kReceived, soon()).ok());
  EXPECT_TRUE(client.understands(BlobCodec::kNone));
  EXPECT_TRUE(client.understands(BlobCodec::kLz4));
  EXPECT_FALSE(client.understands(BlobCodec::kZstd));
}

TEST(Link, SettlesRowsOfADeadLinkAsDroppedUnconfirmed) {
  Collector collector;
  Agent agent(collector.port());
  ASSERT_TRUE(agent.open().ok());
  ASSERT_TRUE(agent.append({"seen"}).status.ok());
  collector.take(1);
  ASSERT_TRUE(agent.sink->flush(soon()).ok());
  ASSERT_TRUE(agent.append({"lost", "lost too"}).status.ok());
  collector.close();  // nobody took them out
  const Status status = agent.sink->flush(soon());
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(),
            str_cat("read from 127.0.0.1:", collector.port(), ": the peer closed the link: the port is closed"));
  const AckCounts counts = agent.tracker->counts();
  EXPECT_EQ(counts.delivered_rows, 1u);
  EXPECT_THAT(counts.dropped,
              ElementsAre(std::pair<const std::string, std::pair<uint64_t, uint64_t>>("unconfirmed", {2, 12})));
  EXPECT_EQ(agent.append({"kept by the caller"}).taken, 0u);
  EXPECT_EQ(collector.world.metric("flume_rows_in_total"), 0);
}

TEST(Link, SaysWhyThereIsNoConnection) {
  const FreePort nobody;
  Agent agent(nobody.number());
  const Status status = agent.open();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), str_cat("connect to 127.0.0.1:", nobody.number(), ": Connection refused (ECONNREFUSED)"));
}

TEST(Link, GivesUpAPeerThatFallsSilent) {
  Impostor impostor(rpc::hello_frame(generous_hello()));
  Agent agent(impostor.listener->port());
  ASSERT_TRUE(agent.open().ok());
  ASSERT_TRUE(agent.append({"into the void"}).status.ok());
  agent.world.clock.advance(14s);
  EXPECT_TRUE(agent.sink->tick(agent.world.clock.now()).ok());
  agent.world.clock.advance(1s);
  EXPECT_LE(agent.sink->due(), agent.world.clock.now());
  const Status status = agent.sink->tick(agent.world.clock.now());
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), str_cat("read from 127.0.0.1:", impostor.listener->port(), ": silent for 15s"));
  EXPECT_EQ(agent.tracker->counts().dropped.at("unconfirmed").first, 1u);
}

TEST(Link, DoesNotOpenWithoutAHello) {
  Impostor impostor("");
  Agent agent(impostor.listener->port());
  const Status status = agent.sink->open(agent.world.context, Wait::for_duration(300ms));
  EXPECT_EQ(status.code(), Code::kTimeout);
  EXPECT_EQ(status.message(),
            str_cat("connect to 127.0.0.1:", impostor.listener->port(), ": it does not answer the hello"));
}

TEST(Link, DoesNotOpenToAnotherService) {
  Impostor impostor("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  Agent agent(impostor.listener->port());
  const Status status = agent.open();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), str_cat("read from 127.0.0.1:", impostor.listener->port(), ": no strict binary call"));
}

TEST(Link, AnAnswerOfWhichABitWasChangedEndsItAndSettlesNothing) {
  rpc::LinkReply reply;
  reply.received = 1;
  std::string bytes = rpc::reply_frame(reply);
  bytes[bytes.size() - 3] =
      static_cast<char>(bytes[bytes.size() - 3] ^ 1);  // a row is settled that nobody answered for
  Impostor impostor(rpc::hello_frame(generous_hello()) + bytes);
  Agent agent(impostor.port());
  Status status = agent.open();
  if (status.ok()) {  // the answer comes with the hello or after it
    (void)agent.append({"a"});
    status = agent.sink->flush(soon());
  }
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.to_string();
  EXPECT_EQ(agent.tracker->counts().delivered_rows, 0U);
  EXPECT_EQ(agent.world.metric("flume_link_answers_refused_total"), 1);
}

TEST(Link, RefusesAnotherProtocolByNumber) {
  rpc::LinkHello hello = generous_hello();
  hello.protocol = 9;
  hello.oldest_protocol = 4;
  Impostor impostor(rpc::hello_frame(hello));
  Agent agent(impostor.listener->port());
  const Status status = agent.open();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_EQ(status.message(), str_cat("connect to 127.0.0.1:", impostor.listener->port(),
                                      ": it speaks protocols 4 to 9, this program 1"));
}

TEST(Link, CutsABatchThatIsTooLargeForThePeer) {
  rpc::LinkHello hello = generous_hello();
  hello.max_frame = 4096;
  Impostor impostor(rpc::hello_frame(hello));
  Agent agent(impostor.listener->port());
  ASSERT_TRUE(agent.open().ok());
  const AppendResult result = agent.append({std::string(2000, 'a'), std::string(2000, 'b'), std::string(5000, 'c')});
  EXPECT_TRUE(result.status.ok()) << result.status.to_string();
  EXPECT_EQ(result.taken, 3u);
  EXPECT_EQ(agent.tracker->counts().dropped.at("too_large_for_peer"), std::make_pair(uint64_t{1}, uint64_t{5000}));
  EXPECT_EQ(agent.world.metric("flume_rows_held"), 2);
  impostor.listener->close(Duration::zero());
  EXPECT_EQ(agent.sink->flush(soon()).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace flume::node

#include "node/net/link_handler.h"

#include <gtest/gtest.h>

#include "tests/support/link_rig.h"

namespace flume::node {
namespace {

using test::FakePeer;
using test::feed_handler;
using Verdict = StreamHandler::Verdict;

struct Rig {
  Rig() {
    told = rpc::hello_frame(hello);
    handler.emplace(inbox, peer);
  }
  Verdict feed(std::string_view bytes, size_t piece = 1 << 20) { return feed_handler(*handler, bytes, piece); }
  // The last words of the handler to its peer.
  std::string last_error() {
    std::string_view rest = peer->sent;
    std::string error;
    while (!rest.empty()) {
      const std::string_view frame = rest.substr(0, rpc::kLengthBytes + rpc::read_u32(rest));
      if (rpc::read_call_head(frame).value() == rpc::LinkCall::kReply) {
        error = rpc::read_reply(frame).value().error;
      }
      rest.remove_prefix(frame.size());
    }
    return error;
  }

  test::NodeWorld world;
  ReceiverInbox inbox{world.context, nullptr};
  std::shared_ptr<FakePeer> peer = std::make_shared<FakePeer>();
  rpc::LinkHello hello;
  std::string told;
  std::optional<LinkHandler> handler;
};

std::string batch_frame(const EventBatch& batch) {
  const std::string bytes = support::bytes_of(batch);
  const auto prefix = rpc::batch_prefix(static_cast<uint32_t>(bytes.size()), 1);
  return std::string(prefix.data(), prefix.size()) + bytes + '\0';
}

TEST(LinkHandler, TakesBatchesHoweverTheBytesAreCut) {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{25}, size_t{33}, size_t{1} << 20}) {
    Rig rig;
    const EventBatch sent = support::mixed_batch();
    EXPECT_EQ(rig.feed(rig.told + batch_frame(sent) + rpc::alive_frame() + batch_frame(sent), piece), Verdict::kMore);
    for (int i = 0; i < 2; ++i) {
      const auto got = rig.inbox.take(test::no_wait());
      ASSERT_TRUE(got.has_value()) << piece;
      EXPECT_EQ(support::events_of(*got), support::events_of(sent));
    }
    EXPECT_EQ(rig.world.metric("flume_link_frames_total"), 2);
  }
}

TEST(LinkHandler, AnswersAHelloWithItsOwn) {
  Rig rig;
  EXPECT_EQ(rig.feed(rig.told), Verdict::kMore);
  const auto ours = rpc::read_hello(rig.peer->sent);
  ASSERT_TRUE(ours.ok());
  EXPECT_EQ(ours->protocol, 1);
  EXPECT_EQ(ours->node, "p1");
  EXPECT_EQ(ours->credit, rig.world.net.options().link_window);
  EXPECT_EQ(ours->acks, (std::vector<std::string>{"received", "durable"}));
}

TEST(LinkHandler, TellsWhatTheFlowTookAndWhatItsSinksAnswerFor) {
  Rig rig;
  const EventBatch sent = support::mixed_batch().with_hop({{0x42}, 100, 0, 20});
  ASSERT_EQ(rig.feed(rig.told + batch_frame(sent)), Verdict::kMore);
  rig.peer->sent.clear();
  const auto got = rig.inbox.take(test::no_wait());
  ASSERT_TRUE(got.has_value());
  EXPECT_GT(rig.peer->wakes, 0);
  EXPECT_EQ(rig.handler->on_wake(), Verdict::kMore);
  const auto received = rpc::read_reply(rig.peer->sent);
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->received, 20);
  EXPECT_EQ(received->settled, 0);
  EXPECT_TRUE(received->durable.empty());
  EXPECT_EQ(received->credit,
            rig.world.net.options().link_window + static_cast<int64_t>(support::bytes_of(sent).size()));
  rig.peer->sent.clear();
  got->settle(Outcome::kDelivered);
  EXPECT_EQ(rig.handler->on_wake(), Verdict::kMore);
  const auto durable = rpc::read_reply(rig.peer->sent);
  ASSERT_TRUE(durable.ok());
  EXPECT_EQ(durable->settled, 20);
  EXPECT_EQ(durable->durable, (std::vector<rpc::LinkRange>{{{0x42}, 100, 120}}));
}

TEST(LinkHandler, ReadsNoMoreWhileTheInboxIsFullAndGoesOnWhenWoken) {
  Rig rig;
  Event event;
  event.body = std::string(1 << 20, 'x');
  const std::string frame = batch_frame(support::batch_of({event}));
  Verdict verdict = rig.feed(rig.told);
  int fed = 0;
  while (verdict == Verdict::kMore && fed < 100) {
    verdict = rig.feed(frame);
    ++fed;
  }
  EXPECT_EQ(verdict, Verdict::kPark);
  EXPECT_LT(fed, 10);
  EXPECT_EQ(rig.handler->on_tick(std::chrono::steady_clock::now() + 1h), Verdict::kMore) << "the silence is ours";
  int taken = 0;
  for (; rig.inbox.take(test::no_wait()).has_value(); ++taken) {
    EXPECT_EQ(rig.handler->on_wake(), Verdict::kMore);
  }
  EXPECT_EQ(taken, fed);
}

TEST(LinkHandler, KeepsAnIdleLinkAliveAndGivesUpASilentPeer) {
  Rig rig;
  ASSERT_EQ(rig.feed(rig.told), Verdict::kMore);
  rig.peer->sent.clear();
  const TimePoint start = std::chrono::steady_clock::now();
  EXPECT_EQ(rig.handler->on_tick(start + 2s), Verdict::kMore);
  EXPECT_EQ(rig.peer->sent, "");
  EXPECT_EQ(rig.handler->on_tick(start + 6s), Verdict::kMore);
  EXPECT_EQ(rig.peer->sent, rpc::alive_frame());
  ASSERT_EQ(rig.feed(rpc::alive_frame()), Verdict::kMore);
  EXPECT_EQ(rig.handler->on_tick(start + 20s), Verdict::kMore) << "heard after 6 s";
  EXPECT_EQ(rig.handler->on_tick(start + 22s), Verdict::kFinish);
  EXPECT_EQ(rig.last_error(), "a peer that says nothing any more");
}

// What a network kept back of a link that was given up would come behind what the next one brought.
TEST(LinkHandler, RowsOfALinkThatWasGivenUpAreTakenNoMoreOnceTheNextOneIsThere) {
  Rig rig;
  rpc::LinkHello hello;
  hello.link = {1};
  const auto rows = [](const std::string& body) {
    Event event;
    event.body = body;
    return batch_frame(support::batch_of({event}));
  };
  const auto taken = [&rig] {
    const auto batch = rig.inbox.take(test::no_wait());
    return batch ? std::string(batch->body(0)) : std::string("nothing");
  };
  ASSERT_EQ(rig.feed(rpc::hello_frame(hello) + rows("first")), Verdict::kMore);
  LinkHandler next(rig.inbox, rig.peer);
  hello.link = {2};
  hello.follows = {1};
  ASSERT_EQ(feed_handler(next, rpc::hello_frame(hello) + rows("third"), 1 << 20), Verdict::kMore);
  EXPECT_EQ(rig.feed(rows("second")), Verdict::kMore);
  EXPECT_EQ(rig.handler->on_wake(), Verdict::kFinish);
  EXPECT_EQ(rig.last_error(), "its sender has opened another link");
  ASSERT_EQ(feed_handler(next, rows("fourth"), 1 << 20), Verdict::kMore);
  EXPECT_EQ(taken(), "first") << "it came before the next link did";
  EXPECT_EQ(taken(), "third");
  EXPECT_EQ(taken(), "fourth");
  EXPECT_EQ(taken(), "nothing");
  EXPECT_EQ(rig.world.metric("flume_link_superseded_total"), 1);
}

TEST(LinkHandler, ALinkThatFollowsNoneThatIsHereSupersedesNothing) {
  Rig rig;
  rpc::LinkHello hello;
  hello.link = {1};
  ASSERT_EQ(rig.feed(rpc::hello_frame(hello)), Verdict::kMore);
  LinkHandler other(rig.inbox, rig.peer);  // a live copy of the sender: it had the same link before
  hello.link = {2};
  hello.follows = {7};
  ASSERT_EQ(feed_handler(other, rpc::hello_frame(hello), 1 << 20), Verdict::kMore);
  EXPECT_EQ(rig.handler->on_wake(), Verdict::kMore);
  EXPECT_EQ(rig.world.metric("flume_link_superseded_total"), 0);
}

struct Refusal {
  std::string bytes;
  std::string error;
};

TEST(LinkHandler, ClosesTheConnectionForWhatAPeerMustNotSend) {
  const std::string good = batch_frame(support::mixed_batch());
  std::string flipped = good;
  flipped[flipped.size() - 9] = static_cast<char>(flipped[flipped.size() - 9] ^ 1);
  std::string longer = good;
  longer[3] = static_cast<char>(longer[3] + 1);
  std::string no_end = good;
  no_end.back() = 1;
  std::string huge = good.substr(0, rpc::kBatchPrefix);
  const auto prefix = rpc::batch_prefix(90'000'000, 1);
  huge.assign(prefix.data(), prefix.size());
  std::string method = rpc::alive_frame();
  method[12] = 'k';
  std::string large_call = rpc::alive_frame();
  large_call[1] = 1;
  const std::string length = std::to_string(support::bytes_of(support::mixed_batch()).size());
  const Refusal refusals[] = {
      {"GET / HTTP/1.1\r\nHost: collector\r\n\r\n", "bytes that are no call of the link: no strict binary call"},
      {method, "bytes that are no call of the link: no call of the link: \"kinkAlive\""},
      {large_call, "a frame of a wrong size: 65558 bytes"},
      {rpc::reply_frame({}), "a call that is not for receivers"},
      {rpc::hello_frame({}), "a second hello"},
      {huge, "a frame over the limit: 90000033 bytes, allowed are 83886144"},
      {no_end, "a frame that does not end where its batch does"},
      {longer, str_cat("a frame of a wrong size: a batch of ", length, " bytes in a frame of ",
                       good.size() - rpc::kLengthBytes + 1)},
  };
  for (const Refusal& refusal : refusals) {
    Rig rig;
    EXPECT_EQ(rig.feed(rig.told + refusal.bytes), Verdict::kFinish) << refusal.error;
    EXPECT_EQ(rig.last_error(), refusal.error);
    EXPECT_EQ(rig.world.metric("flume_link_peers_refused_total"), 1);
    EXPECT_FALSE(rig.inbox.take(test::no_wait()).has_value());
  }
  Rig rig;
  EXPECT_EQ(rig.feed(rig.told + flipped), Verdict::kFinish);
  EXPECT_EQ(rig.last_error().substr(0, 29), "a batch that fails its checks");
}

// Whatever bit of a call's arguments or checksum was changed on its way, nothing is taken from it.
TEST(LinkFrames, OfWhichABitWasChangedAreNotRead) {
  constexpr size_t kChecksum = rpc::kCallHeadBytes - 4;
  const auto each_changed_bit = [](const std::string& good, const auto& is_read) {
    for (size_t bit = 8 * kChecksum; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      EXPECT_FALSE(is_read(bad)) << bit;
    }
  };
  rpc::LinkHello hello;
  hello.acks = {"durable"};
  hello.streams = {{Id128{7}, 12, 34}};
  const rpc::LinkReply reply{
      .received = 20, .credit = 100, .settled = 12, .durable = {{Id128{7}, 0, 12}}, .error = "e"};
  each_changed_bit(rpc::hello_frame(hello), [](const std::string& frame) { return rpc::read_hello(frame).ok(); });
  each_changed_bit(rpc::reply_frame(reply), [](const std::string& frame) { return rpc::read_reply(frame).ok(); });
  each_changed_bit(rpc::alive_frame(true), [](const std::string& frame) { return rpc::read_alive(frame).ok(); });
  each_changed_bit(rpc::alive_frame(), [](const std::string& frame) { return rpc::read_alive(frame).ok(); });
}

TEST(LinkFrames, OfGeneratedCodeSayNoChecksum) {
  std::string frame = rpc::alive_frame(true);
  frame.replace(rpc::kCallHeadBytes - 4, 4, 4, '\0');
  EXPECT_TRUE(rpc::read_alive(frame).value());
}

TEST(LinkHandler, ACallOfWhichABitWasChangedEndsTheLink) {
  std::string bad = rpc::alive_frame(true);
  bad[bad.size() - 2] = 0;  // no commit is wanted
  Rig rig;
  EXPECT_EQ(rig.feed(rig.told + bad), Verdict::kFinish);
  EXPECT_EQ(
      rig.last_error(),
      "an empty call that cannot be read: the arguments of a call of the link have another checksum than it says");
}

TEST(LinkHandler, WantsTheHelloFirst) {
  Rig rig;
  EXPECT_EQ(rig.feed(batch_frame(support::mixed_batch())), Verdict::kFinish);
  EXPECT_EQ(rig.peer->sent, "") << "a stranger is told nothing";
  EXPECT_EQ(rig.inbox.bad_peers().count(), 1u);
}

TEST(LinkHandler, ShowsItsProtocolsToAPeerOfAnotherOne) {
  Rig rig;
  rig.hello.protocol = 9;
  rig.hello.oldest_protocol = 4;
  EXPECT_EQ(rig.feed(rpc::hello_frame(rig.hello)), Verdict::kFinish);
  EXPECT_EQ(rpc::read_hello(rig.peer->sent.substr(0, rpc::kLengthBytes + rpc::read_u32(rig.peer->sent)))->protocol, 1);
  EXPECT_EQ(rig.last_error(), "another protocol: protocols 4 to 9 are spoken there, 1 here");
}

}  // namespace
}  // namespace flume::node

// A sender that keeps rows until the far end answers for them, against a real port: what it is told and when, what
// becomes of rows that come again, and of rows that the collector could not store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/net/link_sink.h"
#include "tests/support/link_rig.h"
#include "tests/support/scripted_sink.h"

namespace flume::node {
namespace {

using test::Collector;
using test::NodeWorld;
using test::soon;
using testing::ElementsAre;

// Rows as a log numbers them.
class Log {
 public:
  EventBatch rows(uint64_t first, const std::vector<std::string>& bodies) {
    EventBatch batch = test::rows_of(bodies, *tracker, position);
    return batch.with_hop({stream, first, 0, batch.rows()});
  }

  const Id128 stream = random_id();
  std::shared_ptr<AckTracker> tracker = AckTracker::create(0);
  uint64_t position = 0;
};

struct Sender {
  explicit Sender(uint16_t port, LinkSink::Promise promise = LinkSink::Promise::kDurable)
      : sink("127.0.0.1", port, promise) {}
  ~Sender() { (void)sink.close(Wait{TimePoint(), {}}); }
  Status open() { return sink.open(world.context, soon()); }
  Status send(const EventBatch& batch) { return sink.append(batch, soon()).status; }

  NodeWorld world;
  LinkSink sink;
};

std::vector<std::string> bodies(const std::vector<Event>& events) {
  std::vector<std::string> out;
  out.reserve(events.size());
  for (const Event& event : events) {
    out.push_back(event.body);
  }
  return out;
}

class DurableLink : public testing::Test {
 protected:
  // What the collector gives out now; none of it is settled.
  std::vector<std::string> given(size_t rows) { return bodies(collector_.take(rows, &kept_)); }
  bool nothing_more() {
    EventBatch batch;
    const auto next = collector_.source.next(batch, Wait::for_duration(std::chrono::milliseconds(50)));
    return next.ok() && *next == Source::Next::kNothingYet;
  }
  void settle_all() {
    for (const EventBatch& batch : std::exchange(kept_, {})) {
      batch.settle(Outcome::kDelivered);
    }
  }

  Collector collector_;
  std::vector<EventBatch> kept_;
  Log log_;
};

TEST_F(DurableLink, RowsAreDeliveredWhenTheFarEndsSinksAnswerForThemNotWhenItHasThem) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(0, {"a", "b"})).ok());
  EXPECT_THAT(given(2), ElementsAre("a", "b"));
  EXPECT_EQ(sender.sink.flush(Wait::for_duration(std::chrono::milliseconds(50))).code(), Code::kTimeout);
  EXPECT_EQ(log_.tracker->settled(), 0U);
  settle_all();
  EXPECT_TRUE(sender.sink.flush(soon()).ok());
  EXPECT_EQ(log_.tracker->settled(), 2U);
}

TEST_F(DurableLink, NothingIsSentAgainWhileTheLinkLives) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(0, {"a", "b"})).ok());
  given(2);
  for (int second = 0; second < 14; ++second) {  // rows that are only slow, on a link that is not yet silent for long
    sender.world.clock.advance(std::chrono::seconds(1));
    ASSERT_TRUE(sender.sink.tick(sender.world.clock.now()).ok());
    EXPECT_EQ(sender.sink.flush(Wait{TimePoint(), {}}).code(), Code::kTimeout);
  }
  EXPECT_TRUE(nothing_more());
  EXPECT_EQ(collector_.world.metric("flume_link_frames_total"), 1);
  settle_all();
  EXPECT_TRUE(sender.sink.flush(soon()).ok());
}

TEST_F(DurableLink, ACollectorThatGotOnlyTheEndSaysSo) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(1'000'000, {"y", "z"})).ok());
  EXPECT_THAT(given(2), ElementsAre("y", "z"));
  settle_all();
  EXPECT_TRUE(sender.sink.flush(soon()).ok());
  EXPECT_EQ(log_.tracker->settled(), 2U);
  ASSERT_TRUE(sender.send(log_.rows(0, {"a"})).ok());
  EXPECT_THAT(given(1), ElementsAre("a")) << "rows before it are not taken for stored";
}

TEST_F(DurableLink, RowsThatAreStoredAreConfirmedAndNotGivenOutAgain) {
  {
    Sender first(collector_.port());
    ASSERT_TRUE(first.open().ok());
    ASSERT_TRUE(first.send(log_.rows(0, {"a", "b"})).ok());
    given(2);
    settle_all();
  }
  Sender again(collector_.port());
  ASSERT_TRUE(again.open().ok());
  ASSERT_TRUE(again.send(log_.rows(0, {"a", "b", "c"})).ok());
  EXPECT_THAT(given(1), ElementsAre("c"));
  EXPECT_EQ(collector_.world.metric("flume_link_repeated_rows_total"), 2);
  settle_all();
  EXPECT_TRUE(again.sink.flush(soon()).ok());
}

TEST_F(DurableLink, RowsThatAreUnderWayAreConfirmedWithTheirFirstCopy) {
  Sender first(collector_.port());
  ASSERT_TRUE(first.open().ok());
  ASSERT_TRUE(first.send(log_.rows(0, {"a", "b"})).ok());
  given(2);
  Sender again(collector_.port());
  ASSERT_TRUE(again.open().ok());
  ASSERT_TRUE(again.send(log_.rows(1, {"b", "c"})).ok());
  EXPECT_THAT(given(1), ElementsAre("c"));
  EXPECT_EQ(again.sink.flush(Wait::for_duration(std::chrono::milliseconds(50))).code(), Code::kTimeout);
  settle_all();
  EXPECT_TRUE(again.sink.flush(soon()).ok());
}

TEST_F(DurableLink, WhatCouldNotBeStoredEndsTheLinkAndIsTakenWhenItIsSentAgain) {
  {
    Sender sender(collector_.port());
    ASSERT_TRUE(sender.open().ok());
    ASSERT_TRUE(sender.send(log_.rows(0, {"a"})).ok());
    ASSERT_TRUE(sender.send(log_.rows(1, {"b"})).ok());
    given(2);
    kept_[0].settle(Outcome::kDelivered);
    kept_.clear();  // "b" is not delivered
    ASSERT_TRUE(collector_.source.rewind().value());
    const Status told = sender.sink.flush(soon());
    EXPECT_EQ(told.code(), Code::kUnavailable);
    EXPECT_THAT(std::string(told.message()), testing::HasSubstr("could not be stored"));
    EXPECT_EQ(log_.tracker->counts().delivered_rows, 1U);
  }
  Sender again(collector_.port());
  ASSERT_TRUE(again.open().ok());
  ASSERT_TRUE(again.send(log_.rows(0, {"a", "b"})).ok());
  EXPECT_THAT(given(1), ElementsAre("b"));
  settle_all();
  EXPECT_TRUE(again.sink.flush(soon()).ok());
}

TEST_F(DurableLink, RowsBehindThoseThatWereLostWaitForThemToComeAgain) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(0, {"a"})).ok());
  given(1);
  ASSERT_TRUE(sender.send(log_.rows(1, {"b"})).ok());
  while (collector_.world.metric("flume_link_frames_total") < 2) {
  }
  kept_.clear();
  ASSERT_TRUE(collector_.source.rewind().value());
  EXPECT_TRUE(nothing_more()) << "row b before row a";
}

TEST_F(DurableLink, RowsOfASenderThatKeepsNoneAreGivenOutAgain) {
  Sender sender(collector_.port(), LinkSink::Promise::kReceived);
  ASSERT_TRUE(sender.open().ok());
  uint64_t position = 0;
  auto tracker = AckTracker::create(0);
  ASSERT_TRUE(sender.send(test::rows_of({"a", "b"}, *tracker, position)).ok());
  ASSERT_TRUE(sender.send(test::rows_of({"c"}, *tracker, position)).ok());
  given(3);
  kept_[0].settle(Outcome::kDelivered);
  kept_.clear();
  EXPECT_TRUE(sender.sink.flush(soon()).ok());
  ASSERT_TRUE(collector_.source.rewind().value());
  EXPECT_THAT(given(1), ElementsAre("c"));
  settle_all();
  EXPECT_TRUE(nothing_more());
}

TEST_F(DurableLink, APortThatIsToCloseGivesOutOnlyWhatNobodyElseHas) {
  Sender keeps(collector_.port());
  Sender trusts(collector_.port(), LinkSink::Promise::kReceived);
  ASSERT_TRUE(keeps.open().ok());
  ASSERT_TRUE(trusts.open().ok());
  uint64_t position = 0;
  auto tracker = AckTracker::create(0);
  EXPECT_FALSE(collector_.source.holds_rows());
  ASSERT_TRUE(keeps.send(log_.rows(0, {"a"})).ok());
  given(1);
  EXPECT_FALSE(collector_.source.holds_rows());
  ASSERT_TRUE(trusts.send(test::rows_of({"b"}, *tracker, position)).ok());
  given(1);
  EXPECT_TRUE(collector_.source.holds_rows());
  collector_.source.end_intake();
  kept_.clear();  // not delivered
  ASSERT_TRUE(collector_.source.rewind().value());
  EXPECT_TRUE(collector_.source.holds_rows());
  EXPECT_THAT(given(1), ElementsAre("b"));
  EXPECT_TRUE(nothing_more());
  settle_all();
  EXPECT_FALSE(collector_.source.holds_rows());
}

TEST_F(DurableLink, RowsThatSettleAfterThePortWasClosedAreKnownAfterwards) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(0, {"a", "b"})).ok());
  given(2);
  collector_.close();
  settle_all();
  collector_.open();
  Sender again(collector_.port());
  ASSERT_TRUE(again.open().ok());
  ASSERT_TRUE(again.send(log_.rows(0, {"a", "b", "c"})).ok());
  EXPECT_THAT(given(1), ElementsAre("c"));
}

TEST_F(DurableLink, RowsThatAreOnTheirWayThroughAnotherPortAreNotTakenTwice) {
  Collector other;
  const auto parts = collector_.world.net.streams()->claim(log_.stream, 0, 2, this);
  ASSERT_EQ(parts.size(), 1U);
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(0, {"a", "b"})).ok());
  EXPECT_TRUE(nothing_more());
  EXPECT_EQ(sender.sink.flush(soon()).code(), Code::kUnavailable);
  EXPECT_EQ(log_.tracker->counts().delivered_rows, 0U);
}

// R8: a wish goes down the link, and from the port to the sinks of its node.
TEST_F(DurableLink, AWishForACommitIsPassedOnToTheNodeBehindThePort) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.open().ok());
  ASSERT_TRUE(sender.send(log_.rows(0, {"a", "b"})).ok());
  given(2);
  EXPECT_EQ(collector_.world.logs.commits().asked(), 0U);
  sender.world.logs.commits().ask();
  while (collector_.world.logs.commits().asked() == 0) {
    ASSERT_TRUE(sender.sink.tick(sender.world.clock.now()).ok());
  }
  settle_all();
  EXPECT_TRUE(sender.sink.flush(soon()).ok()) << "the link lives";
  EXPECT_EQ(collector_.world.logs.commits().asked(), 1U) << "said once";
}

TEST_F(DurableLink, ASenderThatMaySendNoMoreAsksForACommit) {
  Sender sender(collector_.port());
  ASSERT_TRUE(sender.world.settings.set("flume.link.unsettled.bytes", "1048576", "test").ok());
  ASSERT_TRUE(sender.open().ok());
  for (uint64_t row = 0; row < 2; ++row) {
    ASSERT_TRUE(sender.send(log_.rows(row, {std::string(600'000, 'x')})).ok());
  }
  ASSERT_TRUE(sender.sink.tick(sender.world.clock.now()).ok());
  given(2);
  const Wait short_wait = Wait::for_duration(std::chrono::milliseconds(20));
  EXPECT_EQ(sender.sink.append(log_.rows(2, {"b"}), short_wait).status.code(), Code::kTimeout);
  EXPECT_EQ(collector_.world.logs.commits().asked(), 0U) << "it has patience";
  sender.world.clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(sender.sink.append(log_.rows(2, {"b"}), short_wait).status.code(), Code::kTimeout);
  for (const Wait wait = soon(); collector_.world.logs.commits().asked() == 0 && !wait.over();) {
  }
  EXPECT_EQ(collector_.world.logs.commits().asked(), 1U);
  EXPECT_EQ(collector_.world.metric("flume_link_commits_wanted_total"), 1);
}

// agent -> relay -> collector, where the relay keeps no log.
class Relay : public DurableLink {
 protected:
  Relay() {
    EXPECT_TRUE(onward_.open().ok());
    EXPECT_TRUE(sender_.open().ok());
  }
  // The sender's rows 0 and 1 are handed on.
  void pass_on() {
    ASSERT_TRUE(sender_.send(log_.rows(0, {"a", "b"})).ok());
    std::vector<EventBatch> at_relay;
    relay_.take(2, &at_relay);
    for (const EventBatch& batch : at_relay) {
      ASSERT_TRUE(onward_.send(batch).ok());
    }
    EXPECT_THAT(given(2), ElementsAre("a", "b"));
  }

  Collector relay_;
  Sender onward_{collector_.port()};
  Sender sender_{relay_.port()};
};

TEST_F(Relay, AnswersWhenItsOwnFarEndDoes) {
  ASSERT_NO_FATAL_FAILURE(pass_on());
  EXPECT_EQ(sender_.sink.flush(Wait::for_duration(std::chrono::milliseconds(50))).code(), Code::kTimeout);
  EXPECT_EQ(log_.tracker->counts().delivered_rows, 0U);
  settle_all();
  EXPECT_TRUE(onward_.sink.flush(soon()).ok());
  EXPECT_TRUE(sender_.sink.flush(soon()).ok());
  EXPECT_EQ(log_.tracker->counts().delivered_rows, 2U);
}

TEST_F(Relay, WhoseFarEndIsGoneEndsItsSendersLinks) {
  ASSERT_NO_FATAL_FAILURE(pass_on());
  collector_.close();
  EXPECT_EQ(onward_.sink.flush(soon()).code(), Code::kUnavailable);
  EXPECT_TRUE(relay_.source.rewind().value()) << "what the driver does when rows come back";
  EXPECT_EQ(sender_.sink.flush(soon()).code(), Code::kUnavailable);
  EXPECT_EQ(log_.tracker->counts().not_delivered_rows, 2U) << "the log in front sends them again";
}

}  // namespace
}  // namespace flume::node

// Several collectors behind one log: rows stay with the one they were offered to (R7).
#include "node/spooling/homed_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/spooling/wal_source.h"
#include "tests/support/node_world.h"
#include "tests/support/scripted_sink.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Rows = std::vector<std::string>;

const Status kGone(Code::kUnavailable, "connection reset");

class HomedChainTest : public testing::Test {
 protected:
  HomedChainTest() {
    a_->settles = false;
    b_->settles = false;
    start({"a", "b"});
  }
  void TearDown() override { end(); }

  // A process: the log, what reads it, and the chain.
  void start(const std::vector<std::string>& names) {
    wal::Recovered recovered;
    wal::WalOptions options;
    options.folder = dir_.path();
    options.free_bytes = 0;
    wal_ = wal::Wal::open(options, local_files(), world_.clock, recovered).value();
    feeding_.reset(  // NOLINT: an aggregate
        new FeedingLog{.wal = *wal_, .folder = dir_.path(), .recovered_end = wal_->status().next_ordinal});
    world_.logs.set_feeding(feeding_.get());
    std::vector<HomedChain::HostSink> hosts;
    hosts.reserve(names.size());
    for (const std::string& name : names) {
      hosts.push_back({name, std::make_unique<test::ScriptedSink>(name == "a" ? a_ : b_)});
    }
    chain_ = std::make_unique<HomedChain>(std::move(hosts));
    progress_ = std::make_unique<WalProgress>(wal_->status().released, wal_->status().first_ordinal);
    source_ = std::make_unique<WalSource>(*wal_, *progress_);
    ASSERT_TRUE(chain_->open(world_.context, wait_).ok());
    ASSERT_TRUE(source_->open(world_.context, wait_).ok());
  }
  void end() {
    if (chain_ != nullptr) {
      (void)chain_->close(Wait{TimePoint(), {}});
    }
    kill();
  }
  // As `kill -9` does: nobody closes anything.
  void kill() {
    chain_.reset();
    source_.reset();
    wal_.reset();
    for (const auto& script : {a_, b_}) {
      script->unsettled.clear();
      script->rows.clear();
      script->is_open = false;
      script->due = TimePoint::max();
      script->appends.clear();
      script->opens.clear();
    }
  }

  // Into the log.
  void write(const Rows& rows) {
    for (const std::string& row : rows) {
      ASSERT_TRUE(wal_->append(test::rows_of({row}, *tracker_, position_)).ok());
    }
    ASSERT_TRUE(wal_->flush(wait_).ok());
  }
  // From the log into the chain, as its driver does; until nothing is left.
  void move() {
    for (;;) {
      EventBatch batch;
      const auto next = source_->next(batch, Wait{TimePoint(), {}});
      ASSERT_TRUE(next.ok());
      if (*next != Source::Next::kBatch) {
        return;
      }
      const AppendResult result = chain_->append(batch, wait_);
      ASSERT_TRUE(result.status.ok()) << result.status.to_string();
      ASSERT_EQ(result.taken, batch.rows());
    }
  }
  void tick() {
    const Status status = chain_->tick(world_.clock.now());
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  // Its link breaks, and the next try comes to nothing for a while.
  void lose(test::SinkScript& host) {
    host.due = TimePoint::min();
    host.ticks = {kGone};
    host.opens.assign(1000, kGone);
    (void)chain_->tick(world_.clock.now());
    host.due = TimePoint::max();
  }
  void bring_back(test::SinkScript& host) {
    host.opens.clear();
    world_.clock.advance(std::chrono::minutes(2));
    tick();
  }
  static void confirm(test::SinkScript& host) {
    for (const EventBatch& batch : std::exchange(host.unsettled, {})) {
      batch.settle(Outcome::kDelivered);
    }
  }
  uint64_t released() {
    (void)source_->checkpoint();
    return wal_->status().released;
  }

  test::TempDir dir_;
  test::NodeWorld world_;
  Wait wait_ = Wait::for_duration(std::chrono::seconds(10));
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
  uint64_t position_ = 0;
  std::shared_ptr<test::SinkScript> a_ = std::make_shared<test::SinkScript>();
  std::shared_ptr<test::SinkScript> b_ = std::make_shared<test::SinkScript>();
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<FeedingLog> feeding_;
  std::unique_ptr<HomedChain> chain_;
  std::unique_ptr<WalProgress> progress_;
  std::unique_ptr<WalSource> source_;
};

TEST_F(HomedChainTest, RowsOfACollectorThatIsGoneWaitForItAndNewOnesGoToTheNext) {
  write({"1", "2", "3"});
  move();
  EXPECT_THAT(a_->rows, ElementsAre("1", "2", "3"));
  a_->unsettled[0].settle(Outcome::kDelivered);
  lose(*a_);
  write({"4", "5"});
  move();
  EXPECT_THAT(b_->rows, ElementsAre("4", "5")) << "a may have stored 2 and 3";
  EXPECT_EQ(feeding_->parked, 2);
  EXPECT_EQ(world_.metric("flume_wal_parked_rows"), 2);
  confirm(*b_);
  tick();
  EXPECT_EQ(released(), 1U);
  a_->rows.clear();
  bring_back(*a_);
  EXPECT_THAT(a_->rows, ElementsAre("2", "3")) << "it knows them if it has them";
  write({"6"});
  move();
  EXPECT_THAT(a_->rows, ElementsAre("2", "3", "6")) << "it is preferred again";
  EXPECT_THAT(b_->rows, ElementsAre("4", "5"));
  confirm(*a_);
  tick();
  EXPECT_TRUE(chain_->flush(wait_).ok());
  EXPECT_EQ(released(), 6U);
  EXPECT_EQ(feeding_->parked, 0);
  EXPECT_EQ(feeding_->doubled, 0U);
}

// The second of the chain is opened for its rows though the first works.
TEST_F(HomedChainTest, RowsOfALessPreferredCollectorWaitForItToo) {
  lose(*a_);
  write({"1", "2"});
  move();
  EXPECT_THAT(b_->rows, ElementsAre("1", "2"));
  bring_back(*a_);
  write({"3"});
  move();
  EXPECT_THAT(a_->rows, ElementsAre("3"));
  lose(*b_);
  EXPECT_EQ(feeding_->parked, 2);
  b_->rows.clear();
  bring_back(*b_);
  EXPECT_THAT(b_->rows, ElementsAre("1", "2"));
  EXPECT_THAT(a_->rows, ElementsAre("3"));
}

TEST_F(HomedChainTest, RowsThatWaitedTooLongGoElsewhereAndAreCounted) {
  write({"1", "2", "3"});
  move();
  a_->unsettled[0].settle(Outcome::kDelivered);
  lose(*a_);
  write({"4"});
  move();
  world_.clock.advance(std::chrono::minutes(9));
  tick();
  EXPECT_THAT(b_->rows, ElementsAre("4"));
  EXPECT_LE(chain_->due(), world_.clock.now() + std::chrono::minutes(1));
  world_.clock.advance(std::chrono::minutes(1));
  tick();
  EXPECT_THAT(b_->rows, ElementsAre("4", "2", "3"));
  EXPECT_EQ(feeding_->doubled, 2U);
  EXPECT_EQ(world_.metric("flume_possibly_doubled_rows_total"), 2);
  confirm(*b_);
  tick();
  EXPECT_TRUE(chain_->flush(wait_).ok());
  EXPECT_EQ(released(), 4U);
}

TEST_F(HomedChainTest, ARestartKnowsWhoseRowsAreWhose) {
  write({"1", "2"});
  move();
  lose(*a_);
  write({"3", "4"});
  move();
  EXPECT_THAT(b_->rows, ElementsAre("3", "4"));
  kill();
  a_->opens.assign(1000, kGone);
  start({"a", "b"});
  move();
  EXPECT_THAT(b_->rows, ElementsAre("3", "4")) << "b knows them; 1 and 2 are not its business";
  write({"5"});
  move();
  EXPECT_THAT(b_->rows, ElementsAre("3", "4", "5"));
  bring_back(*a_);
  EXPECT_THAT(a_->rows, ElementsAre("1", "2"));
}

// It was killed while it sent, so it could not say how far it came.
TEST_F(HomedChainTest, RowsOfAProcessThatWasKilledStayWithTheCollectorItSentTo) {
  write({"1", "2", "3"});
  move();
  kill();
  a_->opens.assign(1000, kGone);
  start({"a", "b"});
  write({"4"});
  move();
  EXPECT_THAT(b_->rows, ElementsAre("4"));
  bring_back(*a_);
  EXPECT_THAT(a_->rows, ElementsAre("1", "2", "3"));
}

TEST_F(HomedChainTest, WhatIsConfirmedAboveRowsThatWaitIsNotSentAgain) {
  write({"1", "2"});
  move();
  lose(*a_);
  write({"3", "4"});
  move();
  confirm(*b_);
  tick();
  (void)chain_->close(Wait{TimePoint(), {}});  // as the driver does when something fails, and then goes back
  ASSERT_TRUE(source_->rewind().value());
  b_->rows.clear();
  ASSERT_TRUE(chain_->open(world_.context, wait_).ok());
  move();
  EXPECT_THAT(b_->rows, IsEmpty());
  bring_back(*a_);
  confirm(*a_);
  tick();
  EXPECT_TRUE(chain_->flush(wait_).ok());
  EXPECT_EQ(released(), 4U);
}

TEST_F(HomedChainTest, ACollectorThatTheChainHasNoMoreIsNotWaitedFor) {
  write({"1", "2"});
  move();
  kill();
  start({"b"});
  move();
  tick();
  EXPECT_THAT(b_->rows, ElementsAre("1", "2"));
  EXPECT_EQ(feeding_->doubled, 2U);
}

TEST_F(HomedChainTest, WhatItDropsIsDroppedForTheLogToo) {
  a_->settles = true;
  write({"1"});
  move();
  a_->settles = false;
  write({"2"});
  move();
  a_->unsettled[0].settle(Outcome::kDropped, "too_large_for_peer");
  a_->unsettled.clear();
  write({"3"});
  move();
  confirm(*a_);
  EXPECT_TRUE(chain_->flush(wait_).ok());
  const AckCounts counts = source_->trackers()[0]->counts();
  EXPECT_EQ(counts.delivered_rows, 2U);
  EXPECT_EQ(counts.dropped.at("too_large_for_peer").first, 1U);
}

TEST_F(HomedChainTest, WhenNothingWorksItFailsAndNothingIsLost) {
  write({"1"});
  move();
  b_->opens.assign(1000, kGone);
  lose(*a_);
  write({"2"});
  EventBatch batch;
  ASSERT_TRUE(source_->next(batch, wait_).ok());
  EXPECT_EQ(chain_->append(batch, wait_).status.code(), Code::kUnavailable);
  (void)chain_->close(Wait{TimePoint(), {}});
  ASSERT_TRUE(source_->rewind().value());
  a_->opens.clear();
  a_->rows.clear();
  world_.clock.advance(std::chrono::minutes(2));
  ASSERT_TRUE(chain_->open(world_.context, wait_).ok());
  move();
  EXPECT_THAT(a_->rows, ElementsAre("1", "2"));
}

}  // namespace
}  // namespace flume::node

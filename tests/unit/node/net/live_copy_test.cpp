// R6: two live copies of one machine, with the same log and the same stream, that go on with different rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/journal/journal.h"
#include "node/net/link_sink.h"
#include "node/runtime/feeding_log.h"
#include "node/runtime/log_book.h"
#include "tests/support/crash_files.h"
#include "tests/support/link_rig.h"
#include "tests/support/scripted_sink.h"

namespace flume::node {
namespace {

using test::soon;
using testing::ElementsAre;

// An agent's log and its sink.
struct Copy {
  Copy(uint16_t port, const Id128& stream, LinkSink::Promise promise)
      : sink("127.0.0.1", port, promise, LinkSink::Unconfirmed::kGiveBack) {
    wal::Recovered recovered;
    log = std::move(wal::Wal::open({.folder = "/wal", .stream = stream}, files, world.clock, recovered)).value();
    feeding.reset(new FeedingLog{.wal = *log, .folder = "/wal", .recovered_end = 0});  // atomics cannot be moved
    world.context.logs.set_feeding(feeding.get());
  }
  ~Copy() { (void)sink.close(Wait{TimePoint(), {}}); }
  void write(const EventBatch& row) {
    ASSERT_TRUE(log->append(row).ok());
    ASSERT_TRUE(log->flush(soon()).ok());
  }
  // As the log's driver does after its link died: all that is not confirmed.
  Status send_all() {
    FLUME_RETURN_IF_ERROR(sink.open(world.context, soon()));
    const auto reader = log->reader();
    for (auto item = reader->next(); item.ok() && *item; item = reader->next()) {
      FLUME_RETURN_IF_ERROR(sink.append((**item).batch, soon()).status);
    }
    return {};
  }
  Status confirmed() { return sink.flush(soon()); }

  test::CrashFiles files;
  test::NodeWorld world;
  std::unique_ptr<wal::Wal> log;
  std::unique_ptr<FeedingLog> feeding;
  LinkSink sink;
};

// Behind a log, and behind one of store on failure.
class LiveCopies : public testing::TestWithParam<LinkSink::Promise> {
 protected:
  EventBatch row(const std::string& body) { return test::rows_of({body}, *tracker_, position_); }
  std::vector<std::string> stored(size_t rows) {
    std::vector<std::string> out;
    for (const Event& event : collector_.take(rows)) {
      out.push_back(event.body);
    }
    return out;
  }
  bool nothing_more() {
    EventBatch batch;
    const auto next = collector_.source.next(batch, Wait::for_duration(std::chrono::milliseconds(50)));
    return next.ok() && *next == Source::Next::kNothingYet;
  }

  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
  uint64_t position_ = 0;
  const Id128 stream_ = random_id();
  test::Collector collector_;
  Copy a_{collector_.port(), stream_, GetParam()};
  Copy b_{collector_.port(), stream_, GetParam()};
};

TEST_P(LiveCopies, RowsThatBothHaveAreStoredOnce) {
  const EventBatch common = row("1");
  a_.write(common);
  b_.write(common.with_token({}));
  ASSERT_TRUE(a_.send_all().ok());
  EXPECT_THAT(stored(1), ElementsAre("1"));
  EXPECT_TRUE(a_.confirmed().ok());
  ASSERT_TRUE(b_.send_all().ok());
  EXPECT_TRUE(nothing_more());
  EXPECT_TRUE(b_.confirmed().ok());
  EXPECT_EQ(b_.log->sent_as(stream_), stream_);
}

TEST_P(LiveCopies, RowsOfTheOneAreNotTakenForThoseOfTheOther) {
  const EventBatch common = row("1");
  a_.write(common);
  b_.write(common.with_token({}));
  a_.write(row("a2"));
  b_.write(row("b2"));
  ASSERT_TRUE(a_.send_all().ok());
  EXPECT_THAT(stored(2), ElementsAre("1", "a2"));
  ASSERT_TRUE(b_.send_all().ok());
  EXPECT_THAT(stored(2), ElementsAre("1", "b2"));  // the first one twice, and counted
  EXPECT_TRUE(b_.confirmed().ok());
  EXPECT_NE(b_.log->sent_as(stream_), stream_);
  EXPECT_EQ(b_.feeding->doubled.load(), 2U);
  EXPECT_EQ(b_.world.metric("flume_possibly_doubled_rows_total"), 2);
  EXPECT_EQ(b_.world.metric("flume_link_foreign_streams_total"), 1);
  ASSERT_TRUE(a_.send_all().ok());  // the one that was first goes on as before
  EXPECT_TRUE(nothing_more());
  EXPECT_TRUE(a_.confirmed().ok());
  EXPECT_EQ(a_.log->sent_as(stream_), stream_);
}

TEST_P(LiveCopies, WhenBothAreConnectedTheSecondHasToAskAgain) {
  ASSERT_TRUE(a_.send_all().ok());
  ASSERT_TRUE(b_.send_all().ok());
  a_.write(row("a1"));
  b_.write(row("b1"));
  ASSERT_TRUE(a_.sink.append((**a_.log->reader()->next()).batch, soon()).status.ok());
  EXPECT_THAT(stored(1), ElementsAre("a1"));
  ASSERT_TRUE(b_.sink.append((**b_.log->reader()->next()).batch, soon()).status.ok());
  EXPECT_TRUE(nothing_more());
  EXPECT_FALSE(b_.confirmed().ok());
  ASSERT_TRUE(b_.send_all().ok());
  EXPECT_THAT(stored(1), ElementsAre("b1"));
  EXPECT_TRUE(b_.confirmed().ok());
}

// A chain with two ways to one collector: what one brings does not disturb what comes again over the other.
TEST_P(LiveCopies, TwoLinksOfOneLogGoOnSideBySide) {
  a_.write(row("1"));
  ASSERT_TRUE(a_.send_all().ok());
  EXPECT_THAT(stored(1), ElementsAre("1"));
  LinkSink other("127.0.0.1", collector_.port(), GetParam());
  ASSERT_TRUE(other.open(a_.world.context, soon()).ok());
  ASSERT_TRUE(a_.sink.open(a_.world.context, soon()).ok());  // a new link, that sends again what is not confirmed
  a_.write(row("2"));
  const auto reader = a_.log->reader();
  const EventBatch first = (**reader->next()).batch;
  ASSERT_TRUE(other.append((**reader->next()).batch, soon()).status.ok());
  EXPECT_THAT(stored(1), ElementsAre("2"));
  ASSERT_TRUE(a_.sink.append(first, soon()).status.ok());
  EXPECT_TRUE(nothing_more());
  EXPECT_TRUE(a_.confirmed().ok());
  EXPECT_TRUE(other.flush(soon()).ok());
  EXPECT_TRUE(other.close(soon()).ok());
}

TEST_P(LiveCopies, ACollectorKnowsItAfterARestartToo) {
  test::CrashFiles files;
  journal::Journal journal({.folder = "/node"}, files, collector_.world.clock);
  ASSERT_TRUE(journal.open().ok());
  journal.commit(journal::Durable{"sink", "/f", 0, {{stream_, 0, 2, 77}}, collector_.world.clock.wall_millis()});
  collector_.world.context.journal = &journal;
  a_.write(row("1"));
  a_.write(row("2"));
  ASSERT_TRUE(a_.send_all().ok());
  EXPECT_THAT(stored(2), ElementsAre("1", "2"));
  EXPECT_NE(a_.log->sent_as(stream_), stream_);
}

TEST_P(LiveCopies, ALinkThatComesAgainIsTheSame) {
  a_.write(row("1"));
  a_.write(row("2"));
  ASSERT_TRUE(a_.send_all().ok());
  EXPECT_THAT(stored(2), ElementsAre("1", "2"));
  a_.write(row("3"));
  ASSERT_TRUE(a_.send_all().ok());  // nothing was confirmed
  EXPECT_THAT(stored(1), ElementsAre("3"));
  EXPECT_TRUE(a_.confirmed().ok());
  EXPECT_EQ(a_.log->sent_as(stream_), stream_);
}

INSTANTIATE_TEST_SUITE_P(Promise, LiveCopies,
                         testing::Values(LinkSink::Promise::kDurable, LinkSink::Promise::kReceived),
                         [](const auto& promise) {
                           return promise.param == LinkSink::Promise::kDurable ? "Durable" : "Received";
                         });

}  // namespace
}  // namespace flume::node

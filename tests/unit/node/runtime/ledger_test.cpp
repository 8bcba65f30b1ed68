// The ledger of a node with logs: every row has one place in it, and what has none is said.
#include "node/runtime/ledger.h"

#include <gtest/gtest.h>

#include "node/runtime/log_book.h"

namespace flume::node {
namespace {

Ledger source(uint64_t read, uint64_t delivered, uint64_t in_flight = 0) {
  Ledger ledger;
  ledger.read = {read, read * 10};
  ledger.delivered = {delivered, delivered * 10};
  ledger.in_flight = {in_flight, in_flight * 10};
  return ledger;
}

TEST(LedgerWithLogs, WithoutLogsItIsTheSources) {
  const Ledger whole = with_logs(source(10, 7, 3), {});
  EXPECT_EQ(whole.read.events, 10U);
  EXPECT_EQ(whole.delivered, (Amount{7, 70}));
  EXPECT_EQ(whole.unexplained, 0);
  EXPECT_TRUE(whole.balanced);
}

TEST(LedgerWithLogs, RowsInALogAreHeldAndNotDelivered) {
  LogCounts logs;
  logs.recovered = 5;
  logs.accepted = 90;
  logs.accepted_bytes = 900;
  logs.delivered = {60, 600};
  logs.dropped["late"] = {2, 20};
  logs.missing = 3;
  logs.held = 30;
  const Ledger whole = with_logs(source(100, 90, 10), logs);
  EXPECT_EQ(whole.read.events, 100U);
  EXPECT_EQ(whole.recovered.events, 5U);
  EXPECT_EQ(whole.delivered, (Amount{60, 600}));
  EXPECT_EQ(whole.in_flight.events, 10U);
  EXPECT_EQ(whole.held.events, 30U);
  EXPECT_EQ(whole.missing, 3U);
  EXPECT_EQ(whole.dropped_sum().events, 2U);
  EXPECT_EQ(whole.unexplained, 0);
  EXPECT_TRUE(whole.balanced);
}

TEST(LedgerWithLogs, RowsThatALogHadAlreadyWereNotRead) {
  LogCounts logs;
  logs.recovered = 40;
  logs.accepted = 60;
  logs.repeated = 40;
  logs.delivered = {100, 1000};
  const Ledger whole = with_logs(source(100, 100), logs);
  EXPECT_EQ(whole.read.events, 60U);
  EXPECT_EQ(whole.delivered.events, 100U);
  EXPECT_EQ(whole.unexplained, 0);
}

TEST(LedgerWithLogs, WhatIsInNoLogWentStraight) {
  LogCounts logs;
  logs.accepted = 20;
  logs.delivered = {20, 200};
  const Ledger whole = with_logs(source(100, 100), logs);
  EXPECT_EQ(whole.delivered.events, 100U);
  EXPECT_EQ(whole.unexplained, 0);
}

TEST(LedgerWithLogs, RowsThatAreJoinedInFrontOfALogAreSaid) {
  LogCounts logs;
  logs.accepted = 10;
  logs.held = 10;
  const Ledger joined = with_logs(source(100, 100), logs, true);
  EXPECT_EQ(joined.joined, 90U);
  EXPECT_EQ(joined.delivered.events, 0U);
  EXPECT_EQ(joined.held.events, 10U);
  EXPECT_EQ(joined.unexplained, 0);
  const Ledger split = with_logs(source(4, 4), logs, true);
  EXPECT_EQ(split.copies, 6U);
  EXPECT_EQ(split.unexplained, 0);
}

TEST(LedgerWithLogs, ARowThatIsNowhereIsUnexplained) {
  LogCounts logs;
  logs.accepted = 90;
  logs.delivered = {80, 800};
  logs.held = 9;
  const Ledger whole = with_logs(source(90, 90), logs);
  EXPECT_EQ(whole.unexplained, 1);
  EXPECT_FALSE(whole.balanced);
  logs.held = 12;
  EXPECT_EQ(with_logs(source(90, 90), logs).unexplained, -2) << "rows that nobody read";
  logs.held = 10;
  EXPECT_EQ(with_logs(source(80, 80), logs).unexplained, -10) << "more in the log than was given to it";
}

class LogBookTest : public testing::Test {
 protected:
  // A log is opened, counts so much, and is closed.
  void once(const LogCounts& counts) {
    open(counts);
    book_.remove(this);
  }
  void open(const LogCounts& counts) {
    LogStatus status;
    status.folder = "/wal/sink";
    status.counts = counts;
    book_.add(this, [status] { return status; });
  }
  static LogCounts counts(uint64_t recovered, uint64_t accepted, uint64_t delivered, uint64_t held) {
    LogCounts counts;
    counts.recovered = recovered;
    counts.accepted = accepted;
    counts.delivered.events = delivered;
    counts.held = held;
    return counts;
  }

  LogBook book_;
};

TEST_F(LogBookTest, ALogThatIsOpenedAgainRecoversNothingAnew) {
  once(counts(5, 100, 65, 40));
  EXPECT_EQ(book_.counts(), counts(5, 100, 65, 40)) << "closed, and still held";
  open(counts(40, 10, 20, 30));
  EXPECT_EQ(book_.counts(), counts(5, 110, 85, 30));
  EXPECT_EQ(book_.counts().unexplained(), 0);
  book_.remove(this);
  EXPECT_EQ(book_.counts(), counts(5, 110, 85, 30));
}

TEST_F(LogBookTest, RowsThatAClosedLogLostAreUnexplained) {
  once(counts(0, 100, 60, 40));
  open(counts(37, 0, 37, 0));
  EXPECT_EQ(book_.counts().unexplained(), 3);
}

TEST_F(LogBookTest, RowsWhoseDeliveryWasNotWrittenDownAreDeliveredOnceMore) {
  once(counts(0, 100, 60, 40));
  open(counts(45, 0, 45, 0));
  EXPECT_EQ(book_.counts(), counts(5, 100, 105, 0));
  EXPECT_EQ(book_.counts().unexplained(), 0);
}

}  // namespace
}  // namespace flume::node

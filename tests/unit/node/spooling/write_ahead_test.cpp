// The sink with a log in front of a chain: promises on this machine's disk, sends in order, over restarts.
#include <gtest/gtest.h>

#include <poll.h>

#include <filesystem>

#include "common/io/posix.h"
#include "node/spooling/write_ahead_sink.h"
#include "tests/support/sink_rig.h"
#include "tests/support/source_rows.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

class WriteAhead : public testing::Test {
 protected:
  WriteAhead() {
    rig_.world.context.state_folder = dir_.path();
    sink_ = rig_.build("ackedWriteAhead keep");
  }
  Status open() { return rig_.open(*sink_); }
  void close() { EXPECT_TRUE(sink_->close(rig_.wait).ok()); }
  void append(uint64_t from, uint64_t to) { rows_.append_numbered(*sink_, from, to); }
  void expect_kept(uint64_t rows) {
    const std::vector<Event> kept = rig_.kept();
    ASSERT_EQ(kept.size(), rows);
    for (uint64_t row = 0; row < rows; ++row) {
      EXPECT_EQ(kept[row].body, str_cat("row ", row));
    }
  }
  std::string status_folder() const { return dir_.path() + "/wal/sink"; }
  LogStatus status() {
    const auto all = rig_.world.logs.list();
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }

  test::TempDir dir_;
  test::SinkRig rig_;
  test::SourceRows rows_{rig_};
  std::unique_ptr<Sink> sink_;
};

TEST_F(WriteAhead, RowsAreSettledBySyncAndReachTheChainInOrder) {
  ASSERT_TRUE(open().ok());
  append(0, 50);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(rig_.tracker->settled(), 50U);
  close();
  expect_kept(50);
}

TEST_F(WriteAhead, WhatTheChainRefusesIsTriedAgainUntilItTakesIt) {
  rig_.below->appends.assign(2, {unavailable("connection refused"), 0});
  ASSERT_TRUE(open().ok());
  append(0, 10);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(rig_.tracker->settled(), 10U) << "the chain is not waited for";
  while (status().rows > 0) {
    rig_.world.clock.advance(std::chrono::milliseconds(10));
    ::poll(nullptr, 0, 1);
  }
  close();
  expect_kept(10);
}

TEST_F(WriteAhead, RowsThatWereNotSentAreSentAfterARestart) {
  rig_.below->opens.assign(1000, unavailable("nobody there"));
  ASSERT_TRUE(open().ok());
  append(0, 10);
  close();
  rig_.below->opens.clear();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(status().recovered, 10U);
  append(10, 20);
  close();
  expect_kept(20);
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(status().recovered, 0U);
  close();
  expect_kept(20);
}

TEST_F(WriteAhead, ASourceThatGoesBackAfterARestartDoublesNothing) {
  ASSERT_TRUE(open().ok());
  append(0, 10);
  close();
  sink_ = rig_.build("ackedWriteAhead keep");
  ASSERT_TRUE(open().ok());
  append(5, 15);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(status().repeated, 5U);
  close();
  expect_kept(15);
}

TEST_F(WriteAhead, AFullLogTakesNothingAndSaysSo) {
  ASSERT_TRUE(rig_.world.settings.set("flume.wal.max.bytes", "65536", "test").ok());
  rig_.below->opens.assign(1'000'000, unavailable("nobody there"));
  ASSERT_TRUE(open().ok());
  AppendResult result;
  uint64_t taken = 0;
  for (; taken < 10'000; ++taken) {
    Event event;
    event.body.assign(1000, 'x');
    const EventBatch batch = rig_.issued(std::vector<Event>{event});
    result = sink_->append(batch, Wait::for_duration(std::chrono::milliseconds(200)));
    if (!result.status.ok()) {
      break;
    }
  }
  EXPECT_LT(taken, 100U);
  EXPECT_EQ(result.status.code(), Code::kTimeout);
  EXPECT_NE(result.status.message().find("65536"), std::string_view::npos) << result.status.message();
  close();
}

// ---- its account

TEST_F(WriteAhead, ItsAccountExplainsEveryRowOverRestarts) {
  rig_.below->opens.assign(1000, unavailable("nobody there"));
  ASSERT_TRUE(open().ok());
  append(0, 10);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  EXPECT_EQ(status().counts.held, 10U);
  EXPECT_EQ(status().counts.accepted, 10U);
  close();
  EXPECT_EQ(rig_.world.logs.counts().held, 10U) << "closed, and still there";
  rig_.below->opens.clear();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(status().counts.recovered, 10U);
  append(5, 20);
  close();
  const LogCounts whole = rig_.world.logs.counts();
  EXPECT_EQ(whole.recovered, 0U) << "what it held it had been given here";
  EXPECT_EQ(whole.accepted, 20U);
  EXPECT_EQ(whole.repeated, 5U);
  EXPECT_EQ(whole.delivered.events, 20U);
  EXPECT_EQ(whole.held, 0U);
  EXPECT_EQ(whole.unexplained(), 0);
}

TEST_F(WriteAhead, RowsThatComeBackFromTheChainAreHeldAgainAndDeliveredOnce) {
  rig_.below->settles = false;
  rig_.below->flushes.assign(1000, unavailable("connection reset"));
  rig_.below->closes.assign(1, unavailable("connection reset"));
  ASSERT_TRUE(open().ok());
  append(0, 10);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  close();
  EXPECT_EQ(rig_.world.logs.counts().held, 10U);
  EXPECT_EQ(rig_.world.logs.counts().unexplained(), 0);
  rig_.below->settles = true;
  rig_.below->flushes.clear();
  ASSERT_TRUE(open().ok());
  close();
  EXPECT_EQ(rig_.world.logs.counts().delivered.events, 10U);
  EXPECT_EQ(rig_.world.logs.counts().held, 0U);
  EXPECT_EQ(rig_.world.logs.counts().unexplained(), 0);
}

TEST_F(WriteAhead, ARecordThatIsDamagedIsMissingWithItsPlaceAndTheAccountBalances) {
  rig_.below->opens.assign(1000, unavailable("nobody there"));
  ASSERT_TRUE(open().ok());
  append(0, 10);
  close();
  const std::string segment = status_folder() + "/00000000000000000000.sealed";
  std::string bytes = read_file(segment, 1 << 20).value();
  const size_t place = bytes.find("row 4");
  ASSERT_NE(place, std::string::npos);
  bytes[place] ^= 0x10;
  ASSERT_TRUE(replace_file(segment, bytes, 0600).ok());
  rig_.below->opens.clear();
  sink_ = rig_.build("ackedWriteAhead keep");
  ASSERT_TRUE(open().ok());
  append(10, 12);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  while (status().counts.held > 0) {
    ::poll(nullptr, 0, 1);
  }
  const LogStatus seen = status();
  EXPECT_EQ(seen.missing, 1U);
  ASSERT_EQ(seen.places.size(), 1U);
  EXPECT_EQ(seen.places[0].first, 4U);
  EXPECT_EQ(seen.places[0].end, 5U);
  EXPECT_EQ(seen.places[0].segment, segment);
  EXPECT_LT(seen.places[0].offset, place);
  EXPECT_GT(seen.places[0].offset + seen.places[0].bytes, place);
  EXPECT_EQ(seen.counts.recovered, 10U);
  EXPECT_EQ(seen.counts.missing, 1U);
  EXPECT_EQ(seen.counts.delivered.events, 11U);
  EXPECT_EQ(seen.counts.unexplained(), 0);
  close();
}

TEST_F(WriteAhead, DamageThatCostsNoRowsIsCountedOnce) {
  rig_.below->opens.assign(1000, unavailable("nobody there"));
  for (const uint64_t from : {uint64_t{0}, uint64_t{10}}) {
    ASSERT_TRUE(open().ok());
    append(from, from + 10);
    close();
  }
  EXPECT_EQ(rig_.world.metric("flume_wal_damaged_bytes_total"), 0);
  uint64_t damaged = 0;
  for (const char* name : {"/00000000000000000000.sealed", "/00000000000000000010.sealed"}) {
    const std::string segment = status_folder() + name;
    const auto file = local_files().open(segment).value();
    wal::SegmentReader reader(*file, {});
    const auto places = reader.next().value();
    ASSERT_EQ(places.kind, wal::SegmentReader::Kind::kPlaces);
    damaged += places.end_offset - places.offset;
    std::string bytes = read_file(segment, 1 << 20).value();
    bytes[places.offset + wal::kPlacesHeadBytes] ^= 0x10;
    ASSERT_TRUE(replace_file(segment, bytes, 0600).ok());
  }
  rig_.below->opens.clear();
  rig_.below->appends.assign(2, {unavailable("connection refused"), 0});  // so that it is read twice
  sink_ = rig_.build("ackedWriteAhead keep");
  ASSERT_TRUE(open().ok());
  while (status().counts.held > 0) {
    rig_.world.clock.advance(std::chrono::milliseconds(10));
    ::poll(nullptr, 0, 1);
  }
  EXPECT_EQ(status().damaged_bytes, damaged);
  EXPECT_EQ(rig_.world.metric("flume_wal_damaged_bytes_total"), static_cast<int64_t>(damaged));
  EXPECT_EQ(status().missing, 0U);
  close();
  expect_kept(20);
}

TEST_F(WriteAhead, WhatTheFarEndTakesResponsibilityForIsTimed) {
  ASSERT_TRUE(open().ok());
  append(0, 10);
  close();
  ASSERT_TRUE(open().ok());
  append(10, 12);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  while (status().acks.total < 2) {
    ::poll(nullptr, 0, 1);
  }
  EXPECT_EQ(status().acks.total, 2U);
  EXPECT_TRUE(status().acks.median);
  EXPECT_EQ(status().oldest_millis, 0);
  close();
}

TEST_F(WriteAhead, ItsFilesAreForTheirOwnerOnly) {
  ASSERT_TRUE(open().ok());
  append(0, 10);
  close();
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path())) {
    const auto mode = static_cast<unsigned>(entry.status().permissions()) & 0777U;
    EXPECT_EQ(mode, entry.is_directory() ? 0700U : 0600U) << entry.path();
    files += entry.is_directory() ? 0 : 1;
  }
  EXPECT_EQ(files, 2) << "a segment and the chain's text";
}

// R8: a file that is settled when it is published, and published only at its end, is larger than the log may be.
TEST_F(WriteAhead, ALogThatIsNearlyFullAsksForACommit) {
  ASSERT_TRUE(rig_.world.settings.set("flume.wal.max.bytes", "65536", "test").ok());
  sink_ = rig_.build(str_cat("ackedWriteAhead formatDfs(\"", dir_ / "out", "\", raw, ack=\"commit\")"));
  ASSERT_TRUE(open().ok());
  for (uint64_t row = 0; row < 200; ++row) {
    Event event;
    event.body.assign(1000, 'x');
    const EventBatch batch = rig_.issued(std::vector<Event>{event});
    for (int tries = 0; tries < 10'000; ++tries) {
      if (sink_->append(batch, Wait::for_duration(std::chrono::milliseconds(1))).status.ok()) {
        break;
      }
      ASSERT_LT(tries, 5000) << "the log is full, and nobody publishes the file; row " << row;
      rig_.world.clock.advance(std::chrono::milliseconds(100));
    }
  }
  close();
  EXPECT_GE(rig_.world.metric("flume_wal_commits_wanted_total"), 2);
  EXPECT_GE(rig_.world.metric("flume_storage_early_commits_total"), 2);
}

// R8, a relay: what its own sender asks for goes on down the chain.
TEST_F(WriteAhead, AWishForACommitIsPassedOnToTheChain) {
  sink_ = rig_.build(str_cat("ackedWriteAhead formatDfs(\"", dir_ / "out", "\", raw, ack=\"commit\")"));
  ASSERT_TRUE(open().ok());
  append(0, 1);
  ASSERT_TRUE(sink_->flush(rig_.wait).ok());
  while (test::contents_of(dir_ / "out.tmp").empty()) {
    ::poll(nullptr, 0, 1);
  }
  EXPECT_EQ(status().rows, 1U);
  rig_.world.logs.commits().ask();
  append(1, 2);
  for (int tries = 0; tries < 20'000 && rig_.world.metric("flume_storage_early_commits_total") == 0; ++tries) {
    rig_.world.clock.advance(std::chrono::milliseconds(10));
    ::poll(nullptr, 0, 1);
  }
  EXPECT_EQ(rig_.world.metric("flume_storage_early_commits_total"), 1);
  close();
}

TEST_F(WriteAhead, ItNeedsAFolderOfItsOwn) {
  rig_.world.context.state_folder.clear();
  EXPECT_EQ(open().code(), Code::kInvalid);
}

}  // namespace
}  // namespace flume::node

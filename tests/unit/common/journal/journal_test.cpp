#include "common/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/text.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"

namespace flume::journal {
namespace {

using test::CrashFiles;
using test::Names;
using test::soon;
using test::Tail;
using ::testing::ElementsAre;

const std::string kFolder = "/node";
const Id128 kStream{1};
const FileIdentity kIdentity{1, 2, 3};

Wait never() { return Wait{TimePoint::min(), {}}; }

class JournalTest : public testing::Test {
 protected:
  void open(const JournalOptions& options = {.folder = kFolder}) {
    journal_.reset();
    journal_ = std::make_unique<Journal>(options, files_, clock_);
    const Status status = journal_->open();
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  void commit(const Record& record) { EXPECT_TRUE(journal_->wait(journal_->commit(record), soon()).ok()); }
  Durable durable(uint64_t first, uint64_t below, uint64_t length = 0, const Id128& stream = kStream) {
    return {"sink", "/f", length, {{stream, first, below}}, clock_.wall_millis()};
  }
  Begin begin(const std::string& file, uint64_t length) {
    return {file, kIdentity, length, false, clock_.wall_millis()};
  }
  std::vector<Interval> known(const Id128& stream = kStream, std::string_view sink = "sink") {
    return journal_->known(sink, stream, 0, UINT64_MAX).rows.intervals();
  }
  // The newest one.
  std::string* bytes() {
    const auto paths = files_.paths();
    return paths.empty() ? nullptr : files_.bytes_of(paths.back());
  }

  CrashFiles files_;
  ManualClock clock_{1'700'000'000'000};
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, MakesNothingBeforeItIsUsed) {
  open();
  EXPECT_TRUE(known().empty());
  EXPECT_FALSE(journal_->file("/f"));
  journal_.reset();
  EXPECT_TRUE(files_.paths().empty());
}

TEST_F(JournalTest, KnowsAfterARestartWhatWasCommitted) {
  open();
  commit(begin("/f", 7));
  commit(durable(0, 10, 100));
  commit(durable(20, 30, 200));
  commit(begin("/g", 0));
  commit(Gone{"/g"});
  for (int restart = 0; restart < 3; ++restart) {
    EXPECT_EQ(known(), (std::vector<Interval>{{0, 10}, {20, 30}}));
    EXPECT_TRUE(known(Id128{2}).empty());
    EXPECT_TRUE(known(kStream, "another").empty());
    const auto file = journal_->file("/f");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->length, 200U);
    EXPECT_EQ(file->identity, kIdentity);
    EXPECT_FALSE(journal_->file("/g"));
    EXPECT_EQ(journal_->files().size(), 1U);
    EXPECT_EQ(journal_->status().streams, 1U);
    if (restart == 1) {
      commit(durable(10, 12, 210));  // into a new file, with all the rest
      commit(durable(20, 30, 200));
      journal_.reset();
      EXPECT_THAT(files_.paths(), ElementsAre("/node/journal-2"));
      EXPECT_TRUE(files_.remove("/node/journal-2").ok());
      open();
      EXPECT_TRUE(known().empty());
      commit(begin("/f", 7));
      commit(durable(0, 10, 100));
      commit(durable(20, 30, 200));
    }
    open();
  }
}

TEST_F(JournalTest, TellsAtOnceAndSaysWhenItIsDurable) {
  open();
  files_.fail_at(0, 1'000'000);
  const uint64_t ticket = journal_->commit(durable(0, 10));
  const auto known = journal_->known("sink", kStream, 5, 15);
  EXPECT_EQ(known.rows.intervals(), (std::vector<Interval>{{5, 10}}));
  EXPECT_EQ(known.ticket, ticket);
  EXPECT_FALSE(journal_->done(ticket));
  EXPECT_EQ(journal_->wait(ticket, never()).code(), Code::kTimeout);
  StopSource stop;
  stop.request_stop();
  EXPECT_EQ(journal_->wait(ticket, {TimePoint::max(), stop.token()}).code(), Code::kStopped);
  files_.fail_at(-1);
  EXPECT_TRUE(journal_->wait(ticket, soon()).ok());
  EXPECT_TRUE(journal_->done(ticket));
}

TEST_F(JournalTest, AFileThatLeavesIsRememberedUntilThatIsDurable) {
  open();
  commit(begin("/f", 5));
  files_.fail_at(0, 1'000'000);
  const uint64_t ticket = journal_->commit(Gone{"/f"});
  ASSERT_TRUE(journal_->file("/f"));
  EXPECT_TRUE(journal_->file("/f")->leaving);
  EXPECT_TRUE(journal_->files().empty());
  files_.fail_at(-1);
  EXPECT_TRUE(journal_->wait(ticket, soon()).ok());
  EXPECT_FALSE(journal_->file("/f"));
}

// R19: every point of a failure, once and many times in a row.
TEST_F(JournalTest, AFailureEndsAFileAndNothingIsForgotten) {
  for (int64_t point = 0; point < 24; ++point) {
    for (const int64_t count : {1, 3}) {
      SCOPED_TRACE(str_cat("failure at ", point, ", ", count, " times"));
      CrashFiles files;
      files.fail_at(point, count);
      auto journal = std::make_unique<Journal>(JournalOptions{.folder = kFolder}, files, clock_);
      ASSERT_TRUE(journal->open().ok());
      for (uint64_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(journal->wait(journal->commit(durable(i * 10, i * 10 + 5)), soon()).ok());
      }
      EXPECT_EQ(journal->status().error, "");
      journal.reset();
      // What was acknowledged is durable, whatever a crash would leave.
      files.revive(Tail::kDropped, Names::kSynced, 0);
      journal = std::make_unique<Journal>(JournalOptions{.folder = kFolder}, files, clock_);
      ASSERT_TRUE(journal->open().ok());
      EXPECT_EQ(journal->known("sink", kStream, 0, 100).rows.intervals(),
                (std::vector<Interval>{{0, 5}, {10, 15}, {20, 25}, {30, 35}}));
    }
  }
}

TEST_F(JournalTest, ItIsRewrittenWhenItIsMostlyOld) {
  open();
  uint64_t largest = 0;
  for (uint64_t i = 0; i < 40; ++i) {
    Durable many = durable(0, 1);
    many.ranges.clear();
    for (uint64_t k = 0; k < 4000; ++k) {
      many.ranges.push_back({kStream, i * 4000 + k, i * 4000 + k + 1});
    }
    commit(many);
    largest = std::max(largest, journal_->status().file_bytes);
  }
  EXPECT_LT(largest, 2U << 20);
  EXPECT_EQ(known(), (std::vector<Interval>{{0, 160'000}}));
  open();
  EXPECT_EQ(known(), (std::vector<Interval>{{0, 160'000}}));
  EXPECT_EQ(files_.paths().size(), 1U);
}

// R6
TEST_F(JournalTest, TheHighestKnownHashOfAStreamIsKept) {
  open();
  EXPECT_EQ(journal_->mark(kStream).below, 0U);
  commit(Durable{"sink", "/f", 1, {{kStream, 0, 10, 77}}, clock_.wall_millis()});
  commit(Durable{"other", "/g", 1, {{kStream, 10, 20, 88}, {kStream, 20, 25, 0}}, clock_.wall_millis()});
  commit(Durable{"sink", "/f", 2, {{kStream, 10, 15, 0}}, clock_.wall_millis()});
  for (int restart = 0; restart < 3; ++restart) {  // the second is from a file that was written as a whole
    EXPECT_EQ(journal_->mark(kStream).below, 20U);
    EXPECT_EQ(journal_->mark(kStream).chain, 88U);
    open();
    commit(durable(100, 101, 0, Id128{9}));
  }
  EXPECT_THAT(known(), ElementsAre(Interval{0, 15}));
}

TEST_F(JournalTest, MoreRangesThanOneRecordTakes) {
  open({.folder = kFolder, .parts = 100'000});
  Durable many = durable(0, 1);
  for (uint64_t i = 1; i < 25'000; ++i) {
    many.ranges.push_back({kStream, 2 * i, 2 * i + 1});
  }
  commit(many);
  open({.folder = kFolder, .parts = 100'000});
  EXPECT_EQ(known().size(), 25'000U);
  commit(durable(3, 4));
  open({.folder = kFolder, .parts = 100'000});
  EXPECT_EQ(known().size(), 24'999U);  // 2, 3, 4: one
}

TEST_F(JournalTest, SilentStreamsAreForgotten) {
  const JournalOptions options{.folder = kFolder, .keep = std::chrono::hours(1)};
  open(options);
  commit(durable(0, 10, 0, Id128{1}));
  commit(begin("/old", 3));
  clock_.advance(std::chrono::minutes(40));
  commit(durable(0, 10, 0, Id128{2}));
  clock_.advance(std::chrono::minutes(40));
  open(options);
  EXPECT_TRUE(known(Id128{1}).empty());
  EXPECT_FALSE(journal_->file("/old"));
  EXPECT_FALSE(known(Id128{2}).empty());
  commit(durable(10, 20, 0, Id128{2}));
  clock_.advance(std::chrono::minutes(50));
  open(options);
  EXPECT_FALSE(known(Id128{2}).empty());
}

TEST_F(JournalTest, OfTooManyStreamsTheOldestAreForgotten) {
  open({.folder = kFolder, .streams = 32});
  for (uint8_t i = 0; i < 100; ++i) {
    clock_.advance(std::chrono::seconds(1));
    commit(durable(0, 10, 0, Id128{i, 1}));
    EXPECT_LE(journal_->status().streams, 32U);
    EXPECT_FALSE(known(Id128{i, 1}).empty()) << "the newest is there";
  }
  EXPECT_FALSE(known(Id128{75, 1}).empty());
  EXPECT_TRUE(known(Id128{60, 1}).empty());
  open({.folder = kFolder, .streams = 8});
  EXPECT_LE(journal_->status().streams, 8U);
  EXPECT_FALSE(known(Id128{99, 1}).empty());
  // All of one age.
  for (uint8_t i = 0; i < 100; ++i) {
    commit(durable(0, 10, 0, Id128{i, 2}));
    EXPECT_LE(journal_->status().streams, 8U);
  }
}

TEST_F(JournalTest, OfTooManyIntervalsTheLowestAreForgotten) {
  open({.folder = kFolder, .parts = 20});
  for (uint64_t i = 0; i < 100; ++i) {
    commit(durable(i * 2, i * 2 + 1));
    ASSERT_LE(known().size(), 20U);
  }
  EXPECT_EQ(known().back(), (Interval{198, 199}));
  EXPECT_GT(known().front().first, 150U);
}

TEST_F(JournalTest, ATornTailIsTheEnd) {
  open();
  commit(begin("/f", 1));
  commit(durable(0, 10));
  const size_t before = bytes()->size();
  commit(durable(10, 20));
  const std::string whole = *bytes();
  journal_.reset();
  for (size_t length = before; length < whole.size(); ++length) {
    *bytes() = whole.substr(0, length);
    open();
    ASSERT_EQ(known(), (std::vector<Interval>{{0, 10}}));
    journal_.reset();
    ASSERT_THAT(files_.paths(), ElementsAre("/node/journal-1"));
  }
}

TEST_F(JournalTest, DamageIsSetAsideAndTheRestCounts) {
  open();
  commit(begin("/f", 1));
  commit(durable(0, 10));
  const size_t before = bytes()->size();
  commit(durable(10, 20));
  const size_t behind = bytes()->size();
  commit(durable(20, 30));
  const std::string whole = *bytes();
  journal_.reset();
  for (size_t at = before; at < behind; ++at) {
    CrashFiles files;
    ASSERT_TRUE(files.create("/node/journal-1").ok());
    *files.bytes_of("/node/journal-1") = whole;
    (*files.bytes_of("/node/journal-1"))[at] ^= 0x40;
    const std::string damaged = *files.bytes_of("/node/journal-1");
    Journal journal({.folder = kFolder}, files, clock_);
    ASSERT_TRUE(journal.open().ok());
    EXPECT_EQ(journal.known("sink", kStream, 0, 100).rows.intervals(), (std::vector<Interval>{{0, 10}, {20, 30}}));
    ASSERT_TRUE(journal.wait(journal.commit(durable(10, 20)), soon()).ok());
    ASSERT_THAT(files.paths(), ElementsAre("/node/journal-1.damaged", "/node/journal-2"));
    EXPECT_EQ(*files.bytes_of("/node/journal-1.damaged"), damaged);
  }
}

TEST_F(JournalTest, AFileOfAnotherKindIsSetAside) {
  ASSERT_TRUE(files_.create("/node/journal-7").ok());
  *files_.bytes_of("/node/journal-7") = "what is this doing here?";
  ASSERT_TRUE(files_.create("/node/journal-7.damaged").ok());
  open();
  commit(durable(0, 1));
  EXPECT_THAT(files_.paths(), ElementsAre("/node/journal-7.damaged", "/node/journal-7.damaged.1", "/node/journal-8"));
}

TEST_F(JournalTest, WhatIsQueuedIsWrittenAtTheEnd) {
  open();
  commit(durable(0, 1));
  for (uint64_t i = 1; i < 50; ++i) {
    journal_->commit(durable(i, i + 1));
  }
  open();
  EXPECT_EQ(known(), (std::vector<Interval>{{0, 50}}));
}

TEST_F(JournalTest, ADeadDiskDoesNotKeepItFromEnding) {
  open();
  files_.fail_at(0, 1'000'000);
  journal_->commit(durable(0, 1));
  journal_.reset();
  files_.fail_at(-1);
  open();
  EXPECT_TRUE(known().empty());
}

// A crash at every point, with everything that a disk may make of it. What was acknowledged is known afterwards; what
// is known was committed; and it can be used again at once.
class JournalCrash : public testing::TestWithParam<std::tuple<Tail, Names>> {
 protected:
  static constexpr uint64_t kSteps = 8;

  // Commits one range after another, going on behind `from`; how many were acknowledged.
  static uint64_t run(CrashFiles& files, Clock& clock, uint64_t from) {
    Journal journal({.folder = kFolder}, files, clock);
    if (!journal.open().ok()) {
      return from;
    }
    if (!journal.file("/f")) {
      journal.commit(Begin{"/f", kIdentity, 0, false, clock.wall_millis()});
    }
    for (uint64_t i = from; i < kSteps; ++i) {
      const uint64_t ticket = journal.commit(Durable{"sink", "/f", i + 1, {{kStream, i, i + 1}}, clock.wall_millis()});
      while (!journal.wait(ticket, Wait::for_duration(std::chrono::milliseconds(1))).ok()) {
        if (files.is_down()) {
          return i;
        }
      }
    }
    return kSteps;
  }
};

TEST_P(JournalCrash, WhatWasAcknowledgedIsKnown) {
  const auto [tail, names] = GetParam();
  ManualClock clock(1'700'000'000'000);
  CrashFiles whole;
  ASSERT_EQ(run(whole, clock, 0), kSteps);
  const int64_t points = whole.points();
  ASSERT_GT(points, 16);
  for (int64_t point = 0; point < points; ++point) {
    // A second crash while the first one is got over.
    for (int64_t second = 0; second < 12; second += names == Names::kSome ? 4 : 1) {
      for (uint64_t seed = 0; seed < (names == Names::kSome ? 8U : 1U); ++seed) {
        SCOPED_TRACE(str_cat("crashes at ", point, " and ", second, ", seed ", seed));
        CrashFiles files;
        files.crash_at(point);
        const uint64_t acknowledged = run(files, clock, 0);
        files.revive(tail, names, seed);
        files.crash_at(second);
        const uint64_t then = std::max(acknowledged, run(files, clock, acknowledged));
        files.revive(tail, names, seed);
        Journal journal({.folder = kFolder}, files, clock);
        ASSERT_TRUE(journal.open().ok());
        const IntervalSet known = journal.known("sink", kStream, 0, UINT64_MAX).rows;
        EXPECT_TRUE(known.covers(0, then));
        EXPECT_LE(known.top(), kSteps);
        const auto file = journal.file("/f");
        ASSERT_TRUE(file || then == 0);
        EXPECT_TRUE(!file || (file->length >= then && file->length >= known.top()));
        ASSERT_TRUE(journal.wait(journal.commit(Durable{"sink", "", 0, {{kStream, 50, 51}}, 1}), soon()).ok());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, JournalCrash,
                         testing::Combine(testing::Values(Tail::kKept, Tail::kDropped, Tail::kTorn, Tail::kZeros,
                                                          Tail::kReordered),
                                          testing::Values(Names::kSynced, Names::kAll, Names::kSome)));

}  // namespace
}  // namespace flume::journal

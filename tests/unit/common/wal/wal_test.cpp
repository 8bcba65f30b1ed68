#include "common/wal/wal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/text.h"
#include "tests/support/batches.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"

namespace flume::wal {
namespace {

using test::CrashFiles;
using test::Names;
using test::soon;
using test::Tail;

const std::string kFolder = "/wal";

// Batches of numbered rows, as one source issues them.
class Rows {
 public:
  EventBatch next(uint32_t rows) {
    BatchBuilder builder({});
    for (uint32_t i = 0; i < rows; ++i) {
      Event event;
      event.body = str_cat("row ", issued_ + i);
      EXPECT_TRUE(builder.add(event));
    }
    issued_ += rows;
    return builder.seal(tracker_->issue(issued_, rows));
  }
  uint64_t settled() const { return tracker_->settled(); }

 private:
  uint64_t issued_ = 0;
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
};

std::vector<std::string> numbered(uint64_t from, uint64_t to) {
  std::vector<std::string> out;
  for (uint64_t i = from; i < to; ++i) {
    out.push_back(str_cat("row ", i));
  }
  return out;
}

std::vector<std::string> read_all(Wal& wal, std::vector<std::string>* holes = nullptr) {
  std::vector<std::string> bodies;
  const auto reader = wal.reader();
  while (true) {
    auto item = reader->next();
    EXPECT_TRUE(item.ok()) << item.status().to_string();
    if (!item.ok() || !*item) {
      return bodies;
    }
    for (uint32_t row = 0; row < (**item).batch.rows(); ++row) {
      bodies.emplace_back((**item).batch.body(row));
    }
    if (holes != nullptr && !(**item).hole.empty()) {
      holes->push_back((**item).hole);
    }
  }
}

class WalTest : public testing::Test {
 protected:
  WalTest() {
    options_.folder = kFolder;
    options_.group_time = {};
  }
  ~WalTest() override {
    if (wal_) {
      EXPECT_TRUE(wal_->close(soon()).ok());
    }
  }

  Status open() {
    recovered_ = {};
    auto opened = Wal::open(options_, files_, clock_, recovered_);
    FLUME_RETURN_IF_ERROR(opened.status());
    wal_ = std::move(opened).value();
    return {};
  }
  void reopen() {
    ASSERT_TRUE(wal_->close(soon()).ok());
    wal_.reset();
    ASSERT_TRUE(open().ok());
  }
  void append(uint32_t rows) { ASSERT_TRUE(wal_->append(rows_.next(rows)).ok()); }
  void append_synced(uint32_t rows) {
    append(rows);
    ASSERT_TRUE(wal_->flush(soon()).ok());
  }

  CrashFiles files_;
  ManualClock clock_;
  WalOptions options_;
  Recovered recovered_;
  Rows rows_;
  std::unique_ptr<Wal> wal_;
};

TEST_F(WalTest, WhatIsAppendedIsSettledOnceItIsSyncedAndReadInOrder) {
  ASSERT_TRUE(open().ok());
  append(3);
  append(1);
  append_synced(4);
  ASSERT_TRUE(wal_->close(soon()).ok());
  EXPECT_EQ(rows_.settled(), 8U);
  EXPECT_EQ(read_all(*wal_), numbered(0, 8));
  EXPECT_EQ(wal_->status().synced, 8U);
  EXPECT_EQ(wal_->status().next_ordinal, 8U);
}

TEST_F(WalTest, RowsCarryTheStreamAndTheirNumbersAndAChain) {
  ASSERT_TRUE(open().ok());
  append_synced(3);
  append_synced(2);
  const auto reader = wal_->reader();
  const EventBatch first = reader->next().value().value().batch;
  const EventBatch second = reader->next().value().value().batch;
  EXPECT_EQ(first.hop().stream, wal_->stream());
  EXPECT_EQ(first.hop().ordinal, 0U);
  EXPECT_NE(first.hop().chain, 0U);
  EXPECT_EQ(second.hop().ordinal, 3U);
  EXPECT_EQ(second.hop().span, 2U);
  EXPECT_NE(second.hop().chain, first.hop().chain);
  EXPECT_EQ(second.from(1).hop().chain, second.hop().chain);
  EXPECT_EQ(second.slice(0, 1).hop().chain, 0U) << "the end is cut off";
  EXPECT_FALSE(reader->next()->has_value());
}

TEST_F(WalTest, AReaderGoesToAnyRowOfALargeSegment) {
  ASSERT_TRUE(open().ok());
  constexpr uint64_t kRows = 200'000;
  for (int i = 0; i < 50; ++i) {
    append_synced(kRows / 50);
  }
  ASSERT_GT(wal_->status().bytes, 2U << 20);
  ASSERT_EQ(wal_->status().segments, 1U);
  const auto reader = wal_->reader();
  for (const uint64_t ordinal : {kRows - 1, uint64_t{0}, kRows / 2, kRows / 2 - 1, kRows / 3, uint64_t{3999}}) {
    reader->seek(ordinal);
    const auto item = reader->next().value();
    ASSERT_TRUE(item.has_value());
    EXPECT_EQ(item->batch.body(0), str_cat("row ", ordinal));
    EXPECT_EQ(item->hole, "");
    EXPECT_FALSE(item->missing.has_value());
  }
}

TEST_F(WalTest, WhileTheDiskFailsNothingIsSettledAndThenAllGoesOnInANewFile) {
  ASSERT_TRUE(open().ok());
  append_synced(2);
  files_.fail_at(0, 3);
  append(3);
  append(1);
  ASSERT_TRUE(wal_->flush(soon()).ok());
  EXPECT_EQ(read_all(*wal_), numbered(0, 6));
  reopen();
  EXPECT_EQ(rows_.settled(), 6U);
  EXPECT_EQ(read_all(*wal_), numbered(0, 6));
  EXPECT_TRUE(recovered_.damage.empty());
}

// R3: what a failed sync covered looks sound in memory, but is not on the disk, and a second sync does not help.
TEST_F(WalTest, WhatAFailedSyncCoveredIsWrittenAgainToAnotherFile) {
  ASSERT_TRUE(open().ok());
  append_synced(2);
  files_.fail_at(1);  // the next write works, its sync does not
  append(3);
  ASSERT_TRUE(wal_->flush(soon()).ok());
  append_synced(1);
  wal_.reset();
  files_.revive(Tail::kKept, Names::kAll, 0);
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(rows_.settled(), 6U);
  EXPECT_EQ(read_all(*wal_), numbered(0, 6));
  EXPECT_TRUE(recovered_.damage.empty()) << "nothing follows a hole";
}

// R1: they are in the file, and would not be there after a power cut.
TEST_F(WalTest, RowsWhoseSyncFailsAreNotGivenOut) {
  ASSERT_TRUE(open().ok());
  append_synced(2);
  files_.fail_at(1, 1'000'000);
  append(3);
  const Wait patience = soon();
  while (wal_->status().error.empty()) {
    ASSERT_FALSE(patience.over());
    ASSERT_EQ(wal_->flush(Wait::for_duration(std::chrono::milliseconds(5))).code(), Code::kTimeout);
  }
  EXPECT_EQ(read_all(*wal_), numbered(0, 2));
  files_.fail_at(-1);
  EXPECT_TRUE(wal_->flush(soon()).ok());
  EXPECT_EQ(read_all(*wal_), numbered(0, 5));
}

TEST_F(WalTest, SegmentsAreSealedAtTheirSizeAndGoWhenTheyAreReleased) {
  options_.segment_bytes = 200;
  ASSERT_TRUE(open().ok());
  for (int i = 0; i < 5; ++i) {
    append_synced(2);
  }
  EXPECT_EQ(wal_->status().segments, 5U);
  wal_->release(5);
  EXPECT_EQ(wal_->status().segments, 3U);
  EXPECT_EQ(read_all(*wal_), numbered(5, 10));
  wal_->release(10);
  EXPECT_EQ(wal_->status().segments, 1U) << "the open one";
  EXPECT_EQ(read_all(*wal_), std::vector<std::string>());
}

// What is left in the folder has no hole, whatever could not be removed: a start would take it for missing rows.
TEST_F(WalTest, ASegmentThatCannotBeRemovedIsTriedAgainBeforeThoseBehindIt) {
  const auto segments = [this] {
    const auto names = files_.list(kFolder).value();
    return std::count_if(names.begin(), names.end(), [](const std::string& name) { return SegmentName::parse(name); });
  };
  options_.segment_bytes = 200;
  ASSERT_TRUE(open().ok());
  for (int i = 0; i < 5; ++i) {
    append_synced(2);
  }
  files_.fail_at(0, 2);
  wal_->release(4);
  EXPECT_EQ(segments(), 5);
  EXPECT_EQ(wal_->status().segments, 3U) << "they are wanted no more";
  wal_->release(6);
  EXPECT_EQ(segments(), 5);
  wal_->release(6);
  EXPECT_EQ(segments(), 2);
  EXPECT_EQ(read_all(*wal_), numbered(6, 10));
  reopen();
  EXPECT_EQ(segments(), 2);
}

TEST_F(WalTest, RowsWaitWhileTheDiskHasTooLittleLeftForOthers) {
  options_.free_bytes = 1000;
  options_.queue_bytes = 1;
  files_.set_free_bytes(1000);
  ASSERT_TRUE(open().ok());
  append_synced(1);
  files_.set_free_bytes(999);
  append(2);
  while (wal_->status().error.empty()) {
    EXPECT_EQ(wal_->flush(Wait::for_duration(std::chrono::milliseconds(1))).code(), Code::kTimeout);
  }
  EXPECT_EQ(wal_->status().error, "the disk of \"/wal\" has 999 bytes left; 1000 are kept for others");
  append(1);
  const EventBatch refused = rows_.next(1);
  EXPECT_EQ(wal_->append(refused).code(), Code::kBusy) << "the queue has a row";
  EXPECT_EQ(wal_->status().synced, 1U);
  EXPECT_EQ(rows_.settled(), 1U);
  files_.set_free_bytes(1000);
  ASSERT_TRUE(wal_->flush(soon()).ok());
  EXPECT_EQ(wal_->status().error, "");
  ASSERT_TRUE(wal_->append(refused).ok());
  ASSERT_TRUE(wal_->flush(soon()).ok());
  EXPECT_EQ(rows_.settled(), 5U);
  EXPECT_EQ(read_all(*wal_), numbered(0, 5));
}

TEST_F(WalTest, RowsOfBeforeKeepTheirStreamAndNewOnesGoOnInAnother) {
  ASSERT_TRUE(open().ok());
  const Id128 before = wal_->stream();
  append_synced(3);
  reopen();
  EXPECT_EQ(recovered_.rows, 3U);
  EXPECT_NE(wal_->stream(), before);
  append_synced(2);
  const auto reader = wal_->reader();
  const EventBatch old = reader->next().value().value().batch;
  const EventBatch fresh = reader->next().value().value().batch;
  EXPECT_EQ(old.hop().stream, before);
  EXPECT_EQ(fresh.hop().stream, wal_->stream());
  EXPECT_EQ(fresh.hop().ordinal, 3U);
}

TEST_F(WalTest, AFullLogTakesNothingUntilRowsAreReleased) {
  options_.max_bytes = 1500;
  options_.segment_bytes = 200;
  ASSERT_TRUE(open().ok());
  uint64_t rows = 0;
  while (wal_->status().bytes < options_.max_bytes) {
    append_synced(1);
    ++rows;
  }
  const EventBatch refused = rows_.next(1);
  EXPECT_EQ(wal_->append(refused).code(), Code::kBusy);
  wal_->release(rows);
  EXPECT_TRUE(wal_->append(refused).ok());
}

TEST_F(WalTest, ACloseThatRunsOutOfTimeSettlesNothingMore) {
  ASSERT_TRUE(open().ok());
  append_synced(1);
  files_.fail_at(0, 1'000'000);
  append(2);
  EXPECT_EQ(wal_->close({TimePoint(), {}}).code(), Code::kTimeout);
  EXPECT_EQ(rows_.settled(), 1U);
  EXPECT_EQ(wal_->append(rows_.next(1)).code(), Code::kStopped);
  wal_.reset();
}

// A run of appends with a crash at a point of the file system: whatever was settled is there afterwards, whole, in
// order and once.
class WalCrash : public testing::TestWithParam<Tail> {
 protected:
  static constexpr uint32_t kSteps = 12;

  static WalOptions options() {
    WalOptions options;
    options.folder = kFolder;
    options.segment_bytes = 1000;
    options.group_time = {};
    return options;
  }
  // Appends and syncs one batch after another until the machine is down.
  static void run(CrashFiles& files, Rows& rows) {
    ManualClock clock;
    Recovered recovered;
    auto wal = Wal::open(options(), files, clock, recovered);
    if (!wal.ok()) {
      return;
    }
    for (uint32_t i = 0; i < kSteps && !files.is_down(); ++i) {
      EXPECT_TRUE((*wal)->append(rows.next(1 + i % 3)).ok());
      while (!(*wal)->flush(Wait::for_duration(std::chrono::milliseconds(1))).ok() && !files.is_down()) {
      }
    }
    (void)(*wal)->close(files.is_down() ? Wait{TimePoint(), {}} : soon());
  }
  static std::vector<std::string> contents(CrashFiles& files) {
    ManualClock clock;
    Recovered recovered;
    auto wal = Wal::open(options(), files, clock, recovered);
    EXPECT_TRUE(wal.ok()) << wal.status().to_string();
    if (!wal.ok()) {
      return {};
    }
    std::vector<std::string> holes;
    auto bodies = read_all(**wal, &holes);
    EXPECT_EQ(holes, std::vector<std::string>());
    EXPECT_EQ(recovered.rows, bodies.size());
    EXPECT_TRUE((*wal)->close(soon()).ok());
    return bodies;
  }
  // A crash while the log is written, and another one in the recovery. False: that one has no such point.
  static bool crash_twice(int64_t first, int64_t point, Names names, uint64_t seed) {
    SCOPED_TRACE(str_cat("crash at ", first, " and at ", point, " of the recovery, seed ", seed));
    CrashFiles files;
    Rows rows;
    files.crash_at(first);
    run(files, rows);
    files.revive(GetParam(), Names::kAll, 1);
    files.crash_at(point);
    ManualClock clock;
    Recovered recovered;
    if (auto wal = Wal::open(options(), files, clock, recovered); wal.ok()) {
      (void)(*wal)->close(Wait{TimePoint(), {}});
    }
    const bool is_down = files.is_down();
    files.revive(GetParam(), names, seed);
    const auto found = contents(files);
    EXPECT_GE(found.size(), rows.settled());
    EXPECT_EQ(found, numbered(0, found.size()));
    return is_down;
  }
};

TEST_P(WalCrash, WhatWasSettledIsThereAfterACrashAnywhere) {
  CrashFiles whole;
  Rows all;
  run(whole, all);
  const int64_t points = whole.points();
  ASSERT_GT(points, 3 * kSteps);
  for (int64_t point = 0; point < points; ++point) {
    for (const Names names : {Names::kSynced, Names::kAll, Names::kSome}) {
      SCOPED_TRACE(str_cat("crash at point ", point, ", names ", static_cast<int>(names)));
      CrashFiles files;
      Rows rows;
      files.crash_at(point);
      run(files, rows);
      files.revive(GetParam(), names, static_cast<uint64_t>(point));
      const auto found = contents(files);
      ASSERT_GE(found.size(), rows.settled());
      ASSERT_EQ(found, numbered(0, found.size()));
    }
  }
}

// What a process that was killed had written is there for the next one, and after a power cut perhaps not.
TEST_P(WalCrash, WhatWasSettledAfterAKillIsThereAfterAPowerCut) {
  CrashFiles whole;
  Rows all;
  run(whole, all);
  for (int64_t point = 0; point < whole.points(); ++point) {
    SCOPED_TRACE(str_cat("killed at point ", point));
    CrashFiles files;
    Rows rows;
    files.crash_at(point);
    run(files, rows);
    files.restart();
    const auto found = contents(files);
    files.revive(GetParam(), Names::kSynced, static_cast<uint64_t>(point));
    EXPECT_EQ(contents(files), found) << "a log that was opened keeps what it has";
  }
}

TEST_P(WalCrash, ACrashDuringRecoveryLosesNothingEither) {
  int64_t tried = 0;
  for (int64_t first = 4; first < 40; first += 3) {
    for (int64_t point = 0; crash_twice(first, point, Names::kSynced, 0); ++point) {
      crash_twice(first, point, Names::kAll, 0);
      for (uint64_t seed = 0; seed < 8; ++seed) {
        crash_twice(first, point, Names::kSome, seed);
      }
      ++tried;
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(tried, 40);
}

std::string tail_name(const testing::TestParamInfo<Tail>& tail) {
  switch (tail.param) {
    case Tail::kKept: return "Kept";
    case Tail::kDropped: return "Dropped";
    case Tail::kTorn: return "Torn";
    case Tail::kZeros: return "Zeros";
    case Tail::kReordered: return "Reordered";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Tails, WalCrash,
                         testing::Values(Tail::kKept, Tail::kDropped, Tail::kTorn, Tail::kZeros, Tail::kReordered),
                         tail_name);

// ---- damage: five batches of two rows in one file, cut or changed

class WalDamage : public testing::Test {
 protected:
  WalDamage() {
    options_.folder = kFolder;
    CrashFiles files;
    Rows rows;
    Recovered recovered;
    auto wal = Wal::open(options_, files, clock_, recovered);
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE((*wal)->append(rows.next(2)).ok());
      EXPECT_TRUE((*wal)->flush(soon()).ok());
    }
    EXPECT_TRUE((*wal)->close(soon()).ok());
    sealed_ = *files.bytes_of(path(SegmentState::kSealed));
  }
  static std::string path(SegmentState state) { return str_cat(kFolder, '/', SegmentName{0, state}.text()); }
  // The rows that a log finds in a folder with this one file.
  std::vector<std::string> rows_in(const std::string& bytes, SegmentState state) {
    CrashFiles files;
    {
      auto file = files.create(path(state));
      const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
      EXPECT_TRUE((*file)->append({&piece, 1}).ok());
    }
    recovered_ = {};
    auto wal = Wal::open(options_, files, clock_, recovered_);
    EXPECT_TRUE(wal.ok()) << wal.status().to_string();
    auto rows = read_all(**wal);
    EXPECT_TRUE((*wal)->close(soon()).ok());
    for (const Damage& damage : recovered_.damage) {
      const std::string* kept = files.bytes_of(damage.file);
      EXPECT_TRUE(kept != nullptr && *kept == bytes.substr(damage.offset, damage.bytes)) << damage.file;
    }
    return rows;
  }
  // Whole batches, in order, none twice.
  static void expect_whole_batches(const std::vector<std::string>& rows, size_t at_most_lost) {
    ASSERT_EQ(rows.size() % 2, 0U);
    ASSERT_GE(rows.size() + 2 * at_most_lost, 10U);
    const auto all = numbered(0, 10);
    size_t at = 0;
    for (const std::string& row : rows) {
      const auto found = std::find(all.begin() + static_cast<ptrdiff_t>(at), all.end(), row);
      ASSERT_NE(found, all.end()) << row;
      at = static_cast<size_t>(found - all.begin()) + 1;
    }
  }

  ManualClock clock_;
  WalOptions options_;
  Recovered recovered_;
  std::string sealed_;
};

TEST_F(WalDamage, AFileCutAnywhereHasAllWholeRecordsBeforeTheCut) {
  size_t before = 0;
  for (size_t length = 0; length <= sealed_.size(); ++length) {
    SCOPED_TRACE(length);
    const auto rows = rows_in(sealed_.substr(0, length), SegmentState::kOpen);
    ASSERT_EQ(rows, numbered(0, rows.size()));
    ASSERT_GE(rows.size(), before);
    before = rows.size();
  }
  EXPECT_EQ(before, 10U);
}

TEST_F(WalDamage, AChangedByteCostsItsOwnRecordOnlyAndIsReported) {
  for (size_t at = 0; at < sealed_.size(); ++at) {
    SCOPED_TRACE(at);
    std::string bytes = sealed_;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    const auto rows = rows_in(bytes, SegmentState::kSealed);
    expect_whole_batches(rows, at < kHeaderBytes ? 0 : 1);
    ASSERT_FALSE(recovered_.damage.empty());
    ASSERT_TRUE(recovered_.damage[0].offset <= at && at < recovered_.damage[0].offset + recovered_.damage[0].bytes);
  }
}

TEST_F(WalDamage, WhatIsMissingIsToldWithItsPlace) {
  const uint64_t record = (sealed_.size() - kHeaderBytes - kFooterBytes) / 5;  // about: places stand between them
  std::string bytes = sealed_;
  bytes[kHeaderBytes + record + record / 2] ^= 0x10;
  for (const SegmentState state : {SegmentState::kSealed, SegmentState::kOpen}) {
    EXPECT_EQ(rows_in(bytes, state).size(), 8U);
    ASSERT_EQ(recovered_.missing.size(), 1U);
    const Missing& missing = recovered_.missing[0];
    EXPECT_EQ(missing.end - missing.first, 2U);
    EXPECT_EQ(missing.segment, path(state));
    EXPECT_EQ(missing.offset, recovered_.damage.at(0).offset);
    EXPECT_EQ(missing.bytes, recovered_.damage.at(0).bytes);
    EXPECT_EQ(missing.why, recovered_.damage.at(0).why);
    EXPECT_EQ(recovered_.missing_at_end, 0U);
  }
}

TEST_F(WalDamage, WhatIsMissingBehindTheLastRowIsKnownFromTheFooter) {
  std::string bytes = sealed_;
  const size_t last = bytes.rfind("row 8");
  bytes[last] ^= 0x10;
  EXPECT_EQ(rows_in(bytes, SegmentState::kSealed), numbered(0, 8));
  ASSERT_EQ(recovered_.missing.size(), 1U);
  EXPECT_EQ(recovered_.missing[0].first, 8U);
  EXPECT_EQ(recovered_.missing[0].end, 10U);
  EXPECT_EQ(recovered_.missing_at_end, 2U);
}

// What was behind a damaged record has to be found again when the segment is not the newest any more.
TEST_F(WalDamage, RowsBehindDamageAreReadByLaterStartsToo) {
  CrashFiles files;
  {
    auto file = files.create(path(SegmentState::kSealed));
    const iovec piece{sealed_.data(), sealed_.size()};
    EXPECT_TRUE((*file)->append({&piece, 1}).ok());
  }
  (*files.bytes_of(path(SegmentState::kSealed)))[sealed_.find("row 2")] ^= 0x10;
  Rows more;
  std::vector<std::string> expected = {"row 0", "row 1"};
  const auto behind = numbered(4, 10);
  expected.insert(expected.end(), behind.begin(), behind.end());
  for (uint64_t start = 0; start < 3; ++start) {
    SCOPED_TRACE(start);
    Recovered recovered;
    auto wal = Wal::open(options_, files, clock_, recovered);
    ASSERT_TRUE(wal.ok()) << wal.status().to_string();
    const auto reader = (*wal)->reader();
    EXPECT_FALSE(reader->next()->value().missing);
    const auto item = reader->next();
    ASSERT_TRUE((*item)->missing);
    EXPECT_EQ((*item)->missing->first, 2U);
    EXPECT_EQ((*item)->missing->end, 4U);
    EXPECT_NE((*item)->missing->why, "");
    EXPECT_EQ(read_all(**wal), expected);
    EXPECT_EQ((*wal)->status().next_ordinal, 10 + start);
    ASSERT_TRUE((*wal)->append(more.next(1)).ok());
    ASSERT_TRUE((*wal)->close(soon()).ok());
    expected.push_back(str_cat("row ", start));
  }
}

}  // namespace
}  // namespace flume::wal

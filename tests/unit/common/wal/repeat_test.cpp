// Rows that come again, from a source that went back or a sender that sends again: the log knows them by origin stream
// and position, over restarts and after its segments are gone.
#include <gtest/gtest.h>

#include <map>

#include "common/base/text.h"
#include "common/wal/wal.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"

namespace flume::wal {
namespace {

using test::CrashFiles;
using test::Names;
using test::soon;
using test::Tail;

// A source with one stream that can be read from any row; its notes name the place behind each batch.
class Numbers {
 public:
  EventBatch read(uint64_t from, uint32_t rows) {
    BuilderOptions options;
    options.origin.stream = stream_;
    options.origin.position = from;
    BatchBuilder builder(options);
    for (uint32_t i = 0; i < rows; ++i) {
      Event event;
      event.body = str_cat("row ", from + i);
      EXPECT_TRUE(builder.add(event));
    }
    issued_ += rows;
    return builder.seal(
        tracker_->issue(issued_, rows, 0, std::make_shared<const std::string>(str_cat("at ", from + rows))));
  }
  uint64_t settled() const { return tracker_->settled(); }
  const Id128& stream() const { return stream_; }

 private:
  const Id128 stream_ = random_id();
  uint64_t issued_ = 0;
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
};

// What a far end has that knows rows by stream and number.
class FarEnd {
 public:
  // Everything there is to send; true: nothing in it was missing.
  bool take_all(Wal& wal) {
    bool whole = true;
    const auto reader = wal.reader();
    for (;;) {
      auto item = reader->next();
      EXPECT_TRUE(item.ok()) << item.status().to_string();
      if (!item.ok() || !*item) {
        break;
      }
      const EventBatch& batch = (**item).batch;
      whole = whole && (**item).hole.empty();
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        rows_[{batch.hop().stream, batch.hop_ordinal(row)}] = batch.body(row);
      }
    }
    wal.release(wal.status().synced);
    return whole;
  }
  // Body -> how often it is there.
  std::map<std::string, int> bodies() const {
    std::map<std::string, int> count;
    for (const auto& [key, body] : rows_) {
      count[body] += 1;
    }
    return count;
  }
  size_t size() const { return rows_.size(); }

 private:
  std::map<std::pair<Id128, uint64_t>, std::string> rows_;
};

WalOptions small_segments() {
  WalOptions options;
  options.folder = "/wal";
  options.segment_bytes = 900;
  options.group_time = {};
  return options;
}

class WalRepeat : public testing::Test {
 protected:
  void open() {
    recovered_ = {};
    auto opened = Wal::open(options_, files_, clock_, recovered_);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    wal_ = std::move(opened).value();
  }
  void close() { ASSERT_TRUE(wal_->close(soon()).ok()); }
  void append(uint64_t from, uint32_t rows) { ASSERT_TRUE(wal_->append(numbers_.read(from, rows)).ok()); }
  void flush() { ASSERT_TRUE(wal_->flush(soon()).ok()); }

  CrashFiles files_;
  ManualClock clock_;
  WalOptions options_ = small_segments();
  Recovered recovered_;
  Numbers numbers_;
  std::unique_ptr<Wal> wal_;
};

TEST_F(WalRepeat, RowsItHasAlreadyAreSettledAndNotWrittenAgain) {
  open();
  append(0, 5);
  append(0, 5);
  append(3, 4);  // two of them are new
  close();
  EXPECT_EQ(numbers_.settled(), 14U);
  EXPECT_EQ(wal_->status().next_ordinal, 7U);
  EXPECT_EQ(wal_->status().repeated, 7U);
}

TEST_F(WalRepeat, RepeatedRowsAreNotSettledBeforeTheFirstOnesAreSynced) {
  open();
  files_.fail_at(0, 1'000'000);
  append(0, 5);
  append(0, 5);
  EXPECT_EQ(wal_->close({TimePoint(), {}}).code(), Code::kTimeout);
  EXPECT_EQ(numbers_.settled(), 0U);
  wal_.reset();
}

TEST_F(WalRepeat, RowsThatWereMultipliedOrHaveNoStreamAreAllWritten) {
  open();
  ASSERT_TRUE(wal_->append(numbers_.read(0, 2).with_multiplied()).ok());
  ASSERT_TRUE(wal_->append(numbers_.read(0, 2).with_multiplied()).ok());
  close();
  EXPECT_EQ(wal_->status().next_ordinal, 4U);
}

// Rows that a decorator took out leave numbers that nobody has.
TEST_F(WalRepeat, BatchesWithRowsTakenOutKeepTheirNumbersApart) {
  open();
  for (uint64_t from = 0; from < 12; from += 4) {
    const std::vector<uint32_t> first_and_third{0, 2};
    ASSERT_TRUE(wal_->append(numbers_.read(from, 4).pick(first_and_third)).ok());
    flush();
  }
  const auto bodies = [this] {
    std::vector<std::string> all;
    const auto reader = wal_->reader();
    for (auto item = reader->next().value(); item; item = reader->next().value()) {
      EXPECT_EQ(item->hole, "");
      for (uint32_t row = 0; row < item->batch.rows(); ++row) {
        all.emplace_back(item->batch.body(row));
      }
    }
    return all;
  };
  const std::vector<std::string> all{"row 0", "row 2", "row 4", "row 6", "row 8", "row 10"};
  EXPECT_EQ(bodies(), all);
  close();
  open();
  EXPECT_EQ(recovered_.rows, 6U);
  EXPECT_EQ(bodies(), all);
  append(8, 6);  // what was taken out before is not there now
  flush();
  EXPECT_EQ(wal_->status().repeated, 4U);
  close();
  open();
  EXPECT_EQ(bodies().size(), 8U);
  close();
}

TEST_F(WalRepeat, ARestartKnowsWhatItHasAndTheSourcesOwnWord) {
  open();
  append(0, 5);
  append(5, 2);
  close();
  open();
  ASSERT_EQ(recovered_.places.count(numbers_.stream()), 1U);
  const Place& place = recovered_.places.at(numbers_.stream());
  EXPECT_EQ(place.position, 7U);
  EXPECT_EQ(place.note, "at 7");
  append(4, 5);
  close();
  EXPECT_EQ(wal_->status().repeated, 3U);
  EXPECT_EQ(wal_->status().next_ordinal, 9U);
}

TEST_F(WalRepeat, WhatIsReleasedIsNeitherSentAgainNorWrittenAgain) {
  FarEnd far_end;
  open();
  for (uint64_t row = 0; row < 20; row += 2) {
    append(row, 2);
    flush();
    EXPECT_TRUE(far_end.take_all(*wal_));
  }
  close();
  open();
  EXPECT_EQ(recovered_.rows, 0U);
  EXPECT_FALSE(wal_->reader()->next()->has_value());
  append(0, 20);
  append(20, 1);
  flush();
  EXPECT_EQ(wal_->status().repeated, 20U);
  EXPECT_TRUE(far_end.take_all(*wal_));
  EXPECT_EQ(far_end.size(), 21U);
  close();
}

// What says so is written at the start of each segment, because the segments with the stream's rows go (R4).
TEST_F(WalRepeat, AStreamWhoseSegmentsAreGoneIsStillKnown) {
  FarEnd far_end;
  Numbers other;
  open();
  append(0, 4);
  flush();
  const uint64_t first_segment = wal_->status().bytes;
  for (uint64_t row = 0; row < 40; row += 2) {
    ASSERT_TRUE(wal_->append(other.read(row, 2)).ok());
    flush();
    EXPECT_TRUE(far_end.take_all(*wal_));
  }
  ASSERT_LT(wal_->status().bytes, 2 * (options_.segment_bytes + first_segment));
  close();
  open();
  ASSERT_EQ(recovered_.places.count(numbers_.stream()), 1U);
  EXPECT_EQ(recovered_.places.at(numbers_.stream()).note, "at 4");
  append(0, 4);
  close();
  EXPECT_EQ(wal_->status().repeated, 4U);
}

TEST_F(WalRepeat, ALogThatIsFullAndReleasedTakesRowsAgain) {
  options_.max_bytes = 4000;
  options_.segment_bytes = 1U << 20;
  open();
  FarEnd far_end;
  uint64_t row = 0;
  for (int i = 0; i < 200; ++i) {
    if (wal_->append(numbers_.read(row, 1)).code() == Code::kBusy) {
      EXPECT_TRUE(far_end.take_all(*wal_));
      ASSERT_TRUE(wal_->append(numbers_.read(row, 1)).ok()) << wal_->status().bytes;
    }
    flush();
    ++row;
  }
  close();
}

// The newest segment stays when all in it is sent, and a group may be larger than the limit.
TEST_F(WalRepeat, ASegmentAsLargeAsTheLimitDoesNotFillTheLogForEver) {
  options_.max_bytes = 3000;
  open();
  FarEnd far_end;
  append(0, 300);
  flush();
  ASSERT_GT(wal_->status().bytes, options_.max_bytes);
  EXPECT_EQ(wal_->append(numbers_.read(300, 1)).code(), Code::kBusy);
  EXPECT_TRUE(far_end.take_all(*wal_));
  close();
  // A restart finds it so, too. The next row is not written before it is looked at.
  open();
  files_.fail_at(0, 1'000'000);
  append(300, 1);
  EXPECT_EQ(wal_->append(numbers_.read(301, 1)).code(), Code::kBusy);
  files_.fail_at(-1);
  flush();
  EXPECT_LT(wal_->status().bytes, options_.max_bytes);
  append(301, 1);
  close();
  EXPECT_TRUE(far_end.take_all(*wal_));
  EXPECT_EQ(far_end.size(), 302U);
}

// A crash may leave the end of what was not synced and not its start.
TEST_F(WalRepeat, OfTheLastGroupNothingIsKeptBehindAHole) {
  options_.segment_bytes = 1U << 20;
  options_.group_time = std::chrono::hours(1);
  options_.group_bytes = 300;  // two batches
  open();
  for (uint64_t row = 0; row < 8; row += 2) {
    append(row, 2);
    if (row % 4 == 2) {
      flush();
    }
  }
  std::vector<SegmentReader::Item> batches;
  uint64_t groups = 0;
  const std::string path = "/wal/00000000000000000000.open";
  const auto file = files_.open(path);
  SegmentReader reader(**file, {});
  for (auto item = reader.next(); item->kind != SegmentReader::Kind::kEnd; item = reader.next()) {
    groups += item->kind == SegmentReader::Kind::kPlaces && !item->places.held ? 1 : 0;
    if (item->kind == SegmentReader::Kind::kBatch) {
      batches.push_back(*item);
    }
  }
  ASSERT_EQ(batches.size(), 4U);
  ASSERT_EQ(groups, 2U);
  // `damaged` is the number of a batch; how many rows are there afterwards, and are all once the source went back.
  const auto rows_without = [&](size_t damaged) {
    CrashFiles other = files_.copy();
    (*other.bytes_of(path))[batches[damaged].offset + 100] ^= 1;
    Recovered recovered;
    WalOptions options = options_;
    options.group_time = {};
    const auto wal = Wal::open(options, other, clock_, recovered).value();
    EXPECT_EQ(recovered.damage.size(), 1U);
    FarEnd far_end;
    (void)far_end.take_all(*wal);
    EXPECT_TRUE(wal->append(numbers_.read(4, 6)).ok());
    EXPECT_TRUE(wal->close(soon()).ok());
    (void)far_end.take_all(*wal);
    return std::pair(recovered.rows, far_end.size());
  };
  EXPECT_EQ(rows_without(0), std::pair(uint64_t{6}, size_t{8})) << "it was synced, so what follows was promised";
  EXPECT_EQ(rows_without(1), std::pair(uint64_t{6}, size_t{8}));
  EXPECT_EQ(rows_without(2), std::pair(uint64_t{4}, size_t{10}));
  EXPECT_EQ(rows_without(3), std::pair(uint64_t{6}, size_t{10}));
  close();
}

TEST(PlaceTable, ForgetsTheStreamThatWasTouchedLongestAgo) {
  PlaceTable table(2);
  const Id128 first = random_id();
  const Id128 second = random_id();
  table.advance(first, 5, "a");
  table.advance(second, 7, "");
  table.advance(first, 3, "");  // positions never go back
  table.advance(random_id(), 1, "");
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.position(first), 5U);
  EXPECT_EQ(table.position(second), std::nullopt);
  EXPECT_EQ(table.all().front().note, "a");
}

TEST(Places, EncodingComesBackAndRefusesWhatIsNotWhole) {
  const Places places{true, 77, {{random_id(), 5, "note"}, {random_id(), 6, ""}}};
  const std::string bytes = encode_places(places);
  EXPECT_EQ(bytes.size() % 8, 0U);
  const size_t body = 16 + 2 * 28 + 4;
  const std::string_view whole = std::string_view(bytes).substr(kPlacesHeadBytes, body);
  EXPECT_EQ(decode_places(whole).value(), places);
  for (size_t length = 0; length < body; ++length) {
    EXPECT_EQ(decode_places(whole.substr(0, length)).status().code(), Code::kCorrupt) << length;
  }
}

// A crash anywhere; afterwards the source begins at what it knew to be settled some time before, and the far end, which
// knows rows by stream and number, has every row once.
class WalRepeatCrash : public testing::TestWithParam<Tail> {
 protected:
  static constexpr uint64_t kRows = 24;

  // Reads rows from `from` on, with the far end taking them now and then. How far the source got.
  static void run(CrashFiles& files, Numbers& numbers, FarEnd& far_end, uint64_t from) {
    ManualClock clock;
    Recovered recovered;
    auto wal = Wal::open(small_segments(), files, clock, recovered);
    if (!wal.ok()) {
      return;
    }
    for (uint64_t row = from; row < kRows && !files.is_down(); row += 2) {
      EXPECT_TRUE((*wal)->append(numbers.read(row, 2)).ok());
      while (!(*wal)->flush(Wait::for_duration(std::chrono::milliseconds(1))).ok() && !files.is_down()) {
      }
      if (row % 6 == 0 && !files.is_down()) {
        EXPECT_TRUE(far_end.take_all(**wal));
      }
    }
    (void)(*wal)->close(files.is_down() ? Wait{TimePoint(), {}} : soon());
  }
};

TEST_P(WalRepeatCrash, EveryRowArrivesOnceWhereverItCrashes) {
  CrashFiles whole;
  {
    Numbers numbers;
    FarEnd far_end;
    run(whole, numbers, far_end, 0);
  }
  const int64_t points = whole.points();
  ASSERT_GT(points, 40);
  for (int64_t point = 0; point < points; ++point) {
    for (const Names names : {Names::kSynced, Names::kAll}) {
      SCOPED_TRACE(str_cat("crash at point ", point, ", names ", static_cast<int>(names)));
      CrashFiles files;
      Numbers numbers;
      FarEnd far_end;
      files.crash_at(point);
      run(files, numbers, far_end, 0);
      files.revive(GetParam(), names, static_cast<uint64_t>(point));
      // The position that was saved lags behind what is settled.
      run(files, numbers, far_end, numbers.settled() / 2 / 2 * 2);
      ManualClock clock;
      Recovered recovered;
      auto wal = Wal::open(small_segments(), files, clock, recovered);
      ASSERT_TRUE(wal.ok());
      EXPECT_TRUE(far_end.take_all(**wal));
      EXPECT_TRUE((*wal)->close(soon()).ok());
      const auto bodies = far_end.bodies();
      for (uint64_t row = 0; row < kRows; ++row) {
        ASSERT_EQ(bodies.count(str_cat("row ", row)), 1U) << row;
      }
      ASSERT_EQ(bodies.size(), kRows);
      for (const auto& [body, times] : bodies) {
        ASSERT_EQ(times, 1) << body;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tails, WalRepeatCrash,
                         testing::Values(Tail::kKept, Tail::kDropped, Tail::kTorn, Tail::kZeros, Tail::kReordered));

}  // namespace
}  // namespace flume::wal

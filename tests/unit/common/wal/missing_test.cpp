// What a log says of rows and bytes that are not there any more, and where: records that somebody removed, whole
// segments, and damage that costs no rows.
#include "common/wal/missing.h"

#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/wal/wal.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"

namespace flume::wal {
namespace {

using test::soon;

// Three sealed segments, five batches of two rows each.
class WalMissing : public testing::Test {
 protected:
  WalMissing() {
    options_.folder = "/wal";
    options_.group_time = {};
    for (int segment = 0; segment < 3; ++segment) {
      fill(5);
    }
  }

  void fill(int batches) {
    Recovered recovered;
    const auto wal = Wal::open(options_, files_, clock_, recovered).value();
    for (int i = 0; i < batches; ++i) {
      BatchBuilder builder({});
      for (int row = 0; row < 2; ++row) {
        Event event;
        event.body = str_cat("row ", issued_++);
        ASSERT_TRUE(builder.add(event));
      }
      ASSERT_TRUE(wal->append(builder.seal({})).ok());
      ASSERT_TRUE(wal->flush(soon()).ok());
    }
    ASSERT_TRUE(wal->close(soon()).ok());
  }
  static std::string path(uint64_t first) { return str_cat("/wal/", SegmentName{first, SegmentState::kSealed}.text()); }
  std::string& bytes(uint64_t first) { return *files_.bytes_of(path(first)); }

  struct Place {
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };
  std::vector<Place> records(uint64_t first, SegmentReader::Kind kind) {
    const auto file = files_.open(path(first)).value();
    SegmentReader reader(*file, {});
    std::vector<Place> places;
    for (auto item = reader.next().value(); item.kind != SegmentReader::Kind::kEnd; item = reader.next().value()) {
      if (item.kind == kind) {
        places.push_back({item.offset, item.end_offset - item.offset});
      }
    }
    return places;
  }
  std::vector<Place> batches(uint64_t first) { return records(first, SegmentReader::Kind::kBatch); }
  uint64_t footer(uint64_t first) { return records(first, SegmentReader::Kind::kFooter).at(0).offset; }
  void cut_batch(uint64_t first, size_t index) {
    const Place place = batches(first).at(index);
    bytes(first).erase(place.offset, place.bytes);
  }

  // Opens the log and reads all of it.
  void read() {
    recovered_ = {};
    rows_ = 0;
    missing_.clear();
    damaged_ = 0;
    const auto wal = Wal::open(options_, files_, clock_, recovered_).value();
    const auto reader = wal->reader();
    for (auto item = reader->next().value(); item; item = reader->next().value()) {
      rows_ += item->batch.rows();
      damaged_ += item->damaged;
      if (item->missing) {
        missing_.push_back(*item->missing);
      }
    }
    ASSERT_TRUE(wal->close(soon()).ok());
  }
  static void expect_place(const std::vector<Missing>& found, const Missing& place) {
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].first, place.first);
    EXPECT_EQ(found[0].end, place.end);
    EXPECT_EQ(found[0].segment, place.segment);
    EXPECT_EQ(found[0].offset, place.offset);
    EXPECT_EQ(found[0].bytes, 0U);
    EXPECT_EQ(found[0].why, place.why);
  }
  static Missing no_record(uint64_t first, uint64_t end, const std::string& segment, uint64_t offset) {
    return {first, end, segment, offset, 0, std::string(kNoRecord)};
  }

  test::CrashFiles files_;
  ManualClock clock_;
  WalOptions options_;
  uint64_t issued_ = 0;
  Recovered recovered_;
  uint64_t rows_ = 0;
  std::vector<Missing> missing_;
  uint64_t damaged_ = 0;
};

TEST_F(WalMissing, AGoodLogMissesNothing) {
  read();
  EXPECT_EQ(rows_, 30U);
  EXPECT_TRUE(missing_.empty());
  EXPECT_TRUE(recovered_.missing.empty());
  EXPECT_EQ(damaged_, 0U);
}

TEST_F(WalMissing, ARecordThatWasRemovedFromASealedSegmentIsToldWithThePlaceOfTheNext) {
  cut_batch(10, 2);
  read();
  EXPECT_EQ(rows_, 28U);
  expect_place(missing_, no_record(14, 16, path(10), batches(10).at(2).offset));
}

TEST_F(WalMissing, ARecordThatWasRemovedFromTheEndOfASealedSegmentIsToldWithTheFootersPlace) {
  cut_batch(10, 4);
  read();
  EXPECT_EQ(rows_, 28U);
  expect_place(missing_, no_record(18, 20, path(10), footer(10)));
}

TEST_F(WalMissing, ARecordThatWasRemovedFromTheNewestSegmentIsToldByEveryLaterStartToo) {
  cut_batch(20, 2);
  const Missing place = no_record(24, 26, path(20), batches(20).at(2).offset);
  for (uint64_t start = 0; start < 3; ++start) {
    SCOPED_TRACE(start);
    read();
    EXPECT_EQ(rows_, 28 + 2 * start);
    expect_place(missing_, place);
    if (start == 0) {
      expect_place(recovered_.missing, place);
    }
    fill(1);  // now it is not the newest any more
  }
}

TEST_F(WalMissing, ARecordThatWasRemovedFromTheEndOfTheLogIsKnownFromTheFooter) {
  cut_batch(20, 4);
  read();
  EXPECT_EQ(rows_, 28U);
  expect_place(recovered_.missing, no_record(28, 30, path(20), footer(20)));
  EXPECT_EQ(recovered_.missing_at_end, 2U);
}

TEST_F(WalMissing, ASegmentThatWasRemovedIsToldWithTheNext) {
  ASSERT_TRUE(files_.remove(path(10)).ok());
  read();
  EXPECT_EQ(rows_, 20U);
  expect_place(missing_, {10, 20, path(20), kHeaderBytes, 0, std::string(kNoSegment)});
}

TEST_F(WalMissing, DamageThatCostsNoRowsIsCountedWhoeverFindsIt) {
  const Place middle = records(10, SegmentReader::Kind::kPlaces).at(1);
  const Place newest = records(20, SegmentReader::Kind::kPlaces).at(1);
  bytes(10)[middle.offset + 20] ^= 0x10;
  bytes(20)[newest.offset + 20] ^= 0x10;
  read();
  EXPECT_EQ(rows_, 30U);
  EXPECT_TRUE(missing_.empty());
  EXPECT_EQ(damaged_, middle.bytes) << "found by reading";
  ASSERT_EQ(recovered_.damage.size(), 1U) << "found by recovery";
  EXPECT_EQ(recovered_.damage[0].offset, newest.offset);
  EXPECT_EQ(recovered_.damage[0].bytes, newest.bytes);
}

}  // namespace
}  // namespace flume::wal

#include "common/wal/log_folder.h"

#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/wal/wal.h"
#include "tests/support/batches.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"

namespace flume::wal {
namespace {

using test::soon;

const std::string kFolder = "/wal";

std::string range(uint64_t from, uint64_t to) {
  std::string out;
  for (uint64_t i = from; i < to; ++i) {
    str_append(out, "row ", i, "\n");
  }
  return out;
}

// A log of two sealed segments and an open one, five batches of two rows each.
class LogFolderTest : public testing::Test {
 protected:
  LogFolderTest() {
    clock_.set_wall_millis(1'700'000'000'000);
    fill(10);
    fill(10);
    fill(10);
    // The last as a process leaves it that is killed: no footer.
    std::string& last = bytes(20);
    last.resize(last.size() - kFooterBytes);
    EXPECT_TRUE(files_.rename(path(20), path(20, SegmentState::kOpen)).ok());
  }

  void fill(uint64_t rows) {
    WalOptions options;
    options.folder = kFolder;
    options.group_time = {};
    Recovered recovered;
    auto wal = Wal::open(options, files_, clock_, recovered);
    ASSERT_TRUE(wal.ok()) << wal.status().to_string();
    for (uint64_t i = 0; i < rows; i += 2) {
      BatchBuilder builder({});
      for (uint64_t row = 0; row < 2; ++row) {
        Event event;
        event.body = str_cat("row ", issued_++);
        EXPECT_TRUE(builder.add(event));
      }
      ASSERT_TRUE((*wal)->append(builder.seal({})).ok());
      ASSERT_TRUE((*wal)->flush(soon()).ok());
    }
    ASSERT_TRUE((*wal)->close(soon()).ok());
  }

  static std::string path(uint64_t first, SegmentState state = SegmentState::kSealed) {
    return str_cat(kFolder, '/', SegmentName{first, state}.text());
  }
  std::string& bytes(uint64_t first, SegmentState state = SegmentState::kSealed) {
    return *files_.bytes_of(path(first, state));
  }
  // Where a segment's batches are.
  std::vector<uint64_t> records(uint64_t first, SegmentState state = SegmentState::kSealed) {
    const auto file = files_.open(path(first, state)).value();
    SegmentReader reader(*file, {});
    std::vector<uint64_t> offsets;
    for (;;) {
      const auto item = reader.next().value();
      if (item.kind == SegmentReader::Kind::kEnd) {
        return offsets;
      }
      if (item.kind == SegmentReader::Kind::kBatch) {
        offsets.push_back(item.offset);
        record_bytes_ = item.end_offset - item.offset;  // all are of one size
      }
    }
  }
  uint64_t record_bytes() {
    (void)records(0);
    return record_bytes_;
  }
  void flip(std::string& in, uint64_t at) { in[at] = static_cast<char>(in[at] ^ 0x10); }

  // Bodies, and findings as they are told.
  void walk(uint64_t from = 0) {
    rows_.clear();
    findings_.clear();
    auto folder = look_at_folder(kFolder, files_);
    ASSERT_TRUE(folder.ok()) << folder.status().to_string();
    LogWalk walk(std::move(*folder), files_, {});
    if (from > 0) {
      walk.seek(from);
    }
    for (;;) {
      const auto item = walk.next();
      ASSERT_TRUE(item.ok()) << item.status().to_string();
      if (item->kind == LogWalk::Kind::kEnd) {
        return;
      }
      if (item->kind == LogWalk::Kind::kFinding) {
        findings_.push_back(item->finding);
        continue;
      }
      for (uint32_t row = 0; row < item->batch.rows(); ++row) {
        str_append(rows_, item->batch.body(row), "\n");
      }
    }
  }
  SegmentSummary summary(size_t index) {
    auto folder = look_at_folder(kFolder, files_).value();
    return *summarize(folder.segments[index], files_, {}).value();
  }

  test::CrashFiles files_;
  ManualClock clock_;
  uint64_t issued_ = 0;
  uint64_t record_bytes_ = 0;
  std::string rows_;
  std::vector<Finding> findings_;
};

TEST_F(LogFolderTest, AllRowsAreReadOnceInOrderAndAGoodLogHasNoFindings) {
  walk();
  EXPECT_EQ(rows_, range(0, 30));
  EXPECT_TRUE(findings_.empty());
}

TEST_F(LogFolderTest, ReadingBeginsAtAnyRow) {
  for (uint64_t from = 0; from <= 31; ++from) {
    walk(from);
    EXPECT_EQ(rows_, range(from, 30)) << from;
    EXPECT_TRUE(findings_.empty()) << from;
  }
}

TEST_F(LogFolderTest, SummariesTellWhatIsInASegment) {
  const SegmentSummary sealed = summary(1);
  EXPECT_EQ(sealed.path, path(10));
  EXPECT_EQ(sealed.name.state, SegmentState::kSealed);
  EXPECT_EQ(sealed.rows, 10U);
  EXPECT_EQ(sealed.end_ordinal, 20U);
  EXPECT_EQ(sealed.bytes, bytes(10).size());
  EXPECT_EQ(sealed.header->created_millis, 1'700'000'000'000);
  const SegmentSummary open = summary(2);
  EXPECT_EQ(open.name.state, SegmentState::kOpen);
  EXPECT_EQ(open.rows, 10U);
  EXPECT_EQ(open.end_ordinal, 30U);
  EXPECT_TRUE(open.findings.empty());
}

TEST_F(LogFolderTest, ADamagedRecordIsToldWithItsPlaceAndCostsOnlyItself) {
  const uint64_t second = records(10)[1];
  const uint64_t third = records(10)[2];
  flip(bytes(10), second + 100);
  walk();
  EXPECT_EQ(rows_, range(0, 12) + range(14, 30));
  ASSERT_EQ(findings_.size(), 2U);
  EXPECT_EQ(findings_[0].path, path(10));
  EXPECT_EQ(findings_[0].kind, Finding::Kind::kDamage);
  EXPECT_EQ(findings_[0].offset, second);
  EXPECT_EQ(findings_[0].bytes, record_bytes());
  EXPECT_EQ(findings_[1].kind, Finding::Kind::kHole);
  EXPECT_EQ(findings_[1].why, str_cat("rows 12 to 13 are missing before byte ", third));
}

TEST_F(LogFolderTest, EveryFlippedByteOfASealedSegmentIsFoundAndCostsOneBatchAtMost) {
  const std::string whole = bytes(10);
  for (size_t at = 0; at < whole.size(); ++at) {
    SCOPED_TRACE(at);
    flip(bytes(10), at);
    walk();
    ASSERT_FALSE(findings_.empty());
    ASSERT_TRUE(findings_[0].is_damage());
    ASSERT_GE(rows_.size(), range(0, 30).size() - range(10, 12).size());
    bytes(10) = whole;
  }
}

TEST_F(LogFolderTest, ATornTailIsDamageInASealedSegmentOnly) {
  const std::string sealed = bytes(10);
  const std::string open = bytes(20, SegmentState::kOpen);
  for (size_t length = 0; length < open.size(); ++length) {
    SCOPED_TRACE(length);
    bytes(20, SegmentState::kOpen).resize(length);
    walk();
    for (const Finding& finding : findings_) {
      ASSERT_FALSE(finding.is_damage()) << finding.text();
    }
    bytes(20, SegmentState::kOpen) = open;

    bytes(10).resize(length);
    walk();
    ASSERT_FALSE(findings_.empty());
    ASSERT_TRUE(findings_[0].is_damage());
    ASSERT_TRUE(rows_.ends_with(range(20, 30)));
    bytes(10) = sealed;
  }
}

TEST_F(LogFolderTest, RowsOfASegmentThatIsGoneAreMissing) {
  ASSERT_TRUE(files_.remove(path(10)).ok());
  walk();
  EXPECT_EQ(rows_, range(0, 10) + range(20, 30));
  ASSERT_EQ(findings_.size(), 1U);
  EXPECT_EQ(findings_[0].text(),
            str_cat(quoted(path(20, SegmentState::kOpen)), ": rows 10 to 19 are missing before it"));
  ASSERT_TRUE(files_.remove(path(0)).ok());  // what was released is not missing
  walk();
  EXPECT_EQ(rows_, range(20, 30));
  EXPECT_TRUE(findings_.empty());
}

TEST_F(LogFolderTest, AFooterThatTellsOfOtherRowsIsDamage) {
  bytes(10).resize(records(10)[4]);
  bytes(10) += encode_footer({10, 0});
  walk();
  ASSERT_EQ(findings_.size(), 2U);
  EXPECT_TRUE(findings_[0].is_damage());
  EXPECT_EQ(findings_[0].why.substr(0, 28), "the footer tells of 10 rows ");
  EXPECT_EQ(findings_[1].why, "rows 18 to 19 are missing before it");
}

TEST_F(LogFolderTest, BytesBehindTheFooterAreDamage) {
  const std::string record = bytes(10).substr(records(10)[0], record_bytes());
  const std::string whole = bytes(10);
  for (const std::string& more : {record, std::string(40, 'x'), encode_footer({10, 0})}) {
    bytes(10) = whole + more;
    walk();
    EXPECT_EQ(rows_, range(0, 30));
    ASSERT_EQ(findings_.size(), 1U);
    EXPECT_TRUE(findings_[0].is_damage());
    EXPECT_EQ(findings_[0].offset, whole.size());
    EXPECT_EQ(findings_[0].bytes, more.size());
  }
}

TEST_F(LogFolderTest, RowsThatWereWrittenAgainAreReadFromTheLaterFile) {
  // A file whose last group was not synced: the next one begins with these rows.
  std::string head = encode_header({{}, 18, 0});
  const uint64_t last = records(10)[4];
  auto file = files_.create(path(18, SegmentState::kOpen));
  const std::string contents = head + bytes(10).substr(last, record_bytes());
  const iovec piece{const_cast<char*>(contents.data()), contents.size()};
  ASSERT_TRUE((*file)->append({&piece, 1}).ok());
  walk();
  EXPECT_EQ(rows_, range(0, 30));
  EXPECT_TRUE(findings_.empty());
}

// Bodies may hold anything, and a damaged batch lays them bare.
TEST_F(LogFolderTest, WhatLooksLikeRecordsOfAnotherLogIsNoRow) {
  std::string planted;
  for (const SegmentState state : {SegmentState::kSealed, SegmentState::kOpen}) {
    const std::string& other = state == SegmentState::kSealed ? bytes(0) : bytes(20, state);
    planted += other.substr(records(state == SegmentState::kSealed ? 0 : 20, state)[0], record_bytes());
  }
  for (int i = 0; i < 100; ++i) {  // heads of footers that are none: looked at once each
    planted += encode_record_head(kFooterMark);
  }
  const std::string whole = bytes(10);
  const uint64_t third = records(10)[2];
  bytes(10) = whole.substr(0, third) + std::string(8, 'x') + planted + whole.substr(third);
  walk();
  EXPECT_EQ(rows_, range(0, 30));
  ASSERT_EQ(findings_.size(), 1U);
  EXPECT_EQ(findings_[0].offset, third);
  EXPECT_EQ(findings_[0].bytes, 8 + planted.size());
}

TEST_F(LogFolderTest, ARecordThatIsThereTwiceIsToldAndReadOnce) {
  std::string& open = bytes(20, SegmentState::kOpen);
  open += open.substr(records(20, SegmentState::kOpen)[1], record_bytes());
  walk();
  EXPECT_EQ(rows_, range(0, 30));
  ASSERT_EQ(findings_.size(), 1U);
  EXPECT_EQ(findings_[0].why, "its rows are 22 to 23, and those before 30 were there");
  EXPECT_TRUE(findings_[0].is_damage());
}

TEST_F(LogFolderTest, ASegmentSealedAfterItWasListedIsReadUnderItsNewName) {
  auto folder = look_at_folder(kFolder, files_).value();
  bytes(20, SegmentState::kOpen) += encode_footer({10, 60});
  ASSERT_TRUE(files_.rename(path(20, SegmentState::kOpen), path(20)).ok());
  const auto found = summarize(folder.segments[2], files_, {}).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->path, path(20));
  EXPECT_EQ(found->name.state, SegmentState::kSealed);
  ASSERT_TRUE(files_.remove(path(20)).ok());  // and one that is gone has nothing to tell
  EXPECT_FALSE(summarize(folder.segments[2], files_, {}).value().has_value());
}

TEST_F(LogFolderTest, ReadingBeginsAtAnyRowOfACompressedBatch) {
  const std::string folder = "/compressed";
  WalOptions options;
  options.folder = folder;
  Recovered recovered;
  auto wal = Wal::open(options, files_, clock_, recovered).value();
  BatchBuilder builder({});
  for (int row = 0; row < 40; ++row) {
    Event event;
    event.body = std::string(500, static_cast<char>('a' + row % 26));
    ASSERT_TRUE(builder.add(event));
  }
  const EventBatch batch = builder.seal({}).compressed(BlobCodec::kZstd).value();
  ASSERT_EQ(batch.codec(), BlobCodec::kZstd);
  ASSERT_TRUE(wal->append(batch).ok());
  ASSERT_TRUE(wal->close(soon()).ok());
  LogWalk walk(look_at_folder(folder, files_).value(), files_, {});
  walk.seek(17);
  const auto item = walk.next().value();
  ASSERT_EQ(item.kind, LogWalk::Kind::kRows);
  const EventBatch plain = item.batch.uncompressed({}).value();
  ASSERT_EQ(plain.rows(), 23U);
  EXPECT_EQ(plain.body(0), std::string(500, 'a' + 17));
  EXPECT_EQ(walk.next().value().kind, LogWalk::Kind::kEnd);
}

TEST_F(LogFolderTest, WhatRecoveriesKeptIsListed) {
  const uint64_t first = records(20, SegmentState::kOpen)[0];
  flip(bytes(20, SegmentState::kOpen), first + 100);
  WalOptions options;
  options.folder = kFolder;
  Recovered recovered;
  auto wal = Wal::open(options, files_, clock_, recovered);
  ASSERT_TRUE((*wal)->close(soon()).ok());
  const auto folder = look_at_folder(kFolder, files_).value();
  ASSERT_EQ(folder.kept.size(), 1U);
  EXPECT_EQ(folder.kept[0].path, str_cat(kFolder, "/error/", SegmentName{20, SegmentState::kOpen}.text(), '-', first));
  EXPECT_EQ(folder.kept[0].bytes, record_bytes());
}

TEST(LogFolder, AFolderWithoutSegmentsIsNoLog) {
  const auto folder = look_at_folder("/no/such/folder", local_files());
  EXPECT_EQ(folder.status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace flume::wal

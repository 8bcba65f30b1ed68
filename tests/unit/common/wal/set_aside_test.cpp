// Damaged bytes of a log are evidence: whatever happens while they are kept, they are there afterwards.
#include "common/wal/set_aside.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/text.h"
#include "tests/support/crash_files.h"

namespace flume::wal {
namespace {

using test::CrashFiles;
using test::Names;
using test::Tail;

const std::string kSegment = "/wal/00000000000000000000.sealed";
const std::string kKept = "/wal/error/00000000000000000000.sealed-64";
const std::string kHead(64, 'h');

void put(CrashFiles& files, const std::string& path, const std::string& bytes) {
  const auto file = files.create(path).value();
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  ASSERT_TRUE(file->append({&piece, 1}).ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(files.sync_folder("/wal").ok());
}

// Keeps what stands behind the head of kSegment; where.
Result<std::string> keep(CrashFiles& files) {
  FLUME_ASSIGN_OR_RETURN(const auto from, files.open(kSegment));
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, from->size());
  Damage damage{"", kSegment, kHead.size(), size - kHead.size(), "made for a test"};
  FLUME_RETURN_IF_ERROR(set_aside(*from, damage, "/wal/error", files));
  return damage.file;
}

TEST(SetAside, TheSameBytesAreKeptOnce) {
  CrashFiles files;
  put(files, kSegment, kHead + "damaged");
  EXPECT_EQ(keep(files).value(), kKept);
  EXPECT_EQ(keep(files).value(), kKept);
  EXPECT_EQ(*files.bytes_of(kKept), "damaged");
  EXPECT_EQ(files.paths(), (std::vector<std::string>{kSegment, kKept}));
}

TEST(SetAside, OtherBytesOfTheSamePlaceAreKeptBesideThem) {
  CrashFiles files;
  for (const std::string bytes : {"damaged", "DAMAGED", "damaged, and longer", ""}) {
    put(files, kSegment, kHead + bytes);
    EXPECT_EQ(*files.bytes_of(keep(files).value()), bytes);
    ASSERT_TRUE(files.remove(kSegment).ok());
  }
  EXPECT_EQ(files.paths(), (std::vector<std::string>{kKept, kKept + ".1", kKept + ".2", kKept + ".3"}));
  EXPECT_EQ(*files.bytes_of(kKept), "damaged");
}

TEST(SetAside, BytesOfManyPiecesAreComparedToTheLast) {
  const std::string large((5U << 20) + 3, 'x');
  CrashFiles files;
  put(files, kSegment, kHead + large);
  EXPECT_EQ(keep(files).value(), kKept);
  EXPECT_EQ(keep(files).value(), kKept);
  EXPECT_EQ(*files.bytes_of(kKept), large);
  files.bytes_of(kSegment)->back() = 'y';
  EXPECT_EQ(keep(files).value(), kKept + ".1");
  EXPECT_EQ(files.bytes_of(kKept + ".1")->back(), 'y');
}

TEST(SetAside, ACrashAnywhereLeavesNothingThatIsTakenForTheBytes) {
  uint64_t beside = 0;
  for (const Tail tail : {Tail::kKept, Tail::kDropped, Tail::kTorn, Tail::kZeros, Tail::kReordered}) {
    bool is_down = true;
    for (int64_t point = 0; is_down; ++point) {
      SCOPED_TRACE(str_cat("tail ", static_cast<int>(tail), ", crash at ", point));
      CrashFiles files;
      put(files, kSegment, kHead + "damaged");
      files.crash_at(point);
      is_down = !keep(files).ok();
      ASSERT_EQ(is_down, files.is_down());
      files.revive(tail, Names::kAll, static_cast<uint64_t>(point));
      const std::string kept = keep(files).value();
      EXPECT_EQ(*files.bytes_of(kept), "damaged");
      beside += kept == kKept ? 0 : 1;
      files.revive(Tail::kDropped, Names::kSynced, 0);  // and now they are durable
      ASSERT_NE(files.bytes_of(kept), nullptr);
      EXPECT_EQ(*files.bytes_of(kept), "damaged");
    }
  }
  EXPECT_GT(beside, 0U) << "no crash left a part of them";
}

TEST(SetAside, AFailingDiskIsSaid) {
  CrashFiles files;
  put(files, kSegment, kHead + "damaged");
  const int64_t before = files.points();
  EXPECT_TRUE(keep(files).ok());
  const int64_t points = files.points() - before;
  ASSERT_GE(points, 4);  // make it, write, sync, sync its name
  for (int64_t point = 0; point < points; ++point) {
    CrashFiles failing;
    put(failing, kSegment, kHead + "damaged");
    failing.fail_at(point);
    EXPECT_FALSE(keep(failing).ok()) << point;
  }
}

}  // namespace
}  // namespace flume::wal

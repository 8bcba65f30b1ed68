// Every cut and every changed byte of a log's segment, a file of read positions and a delivery journal: each always
// opens, loses at most what the damage is in, and says which file and, of a log, which bytes.
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/journal/journal.h"
#include "common/wal/wal.h"
#include "node/runtime/positions.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"
#include "tests/support/temp_dir.h"
#include "tests/torture/memory_dir.h"

namespace flume::test {
namespace {

void print_states(const char* what, uint64_t states, uint64_t at_least) {
  std::printf("%llu damaged states of %s\n", static_cast<unsigned long long>(states), what);
  EXPECT_GE(states, at_least) << what;
}

// From `from` to `below` in a file: what was written at once.
struct Record {
  uint64_t from = 0;
  uint64_t below = 0;
  std::set<uint64_t> rows{};
  bool hit_by(uint64_t byte) const { return from <= byte && byte < below; }
};

class Quiet : public testing::Test {
 public:
  Quiet() { set_log_level(LogLevel::kOff); }
  ~Quiet() override { set_log_level(LogLevel::kInfo); }
};

// A file of records, each of which says something of its own.
class DamagedRecords : public Quiet {
 protected:
  // What it still says, and whether it was set aside as it is.
  virtual std::set<uint64_t> found_in(const std::string& bytes) = 0;

  void every_cut_and_every_byte_costs_its_own_record(const char* what, uint64_t at_least) {
    for (size_t at = 0; at < whole_.size(); ++at) {
      std::set<uint64_t> before;
      std::set<uint64_t> others;
      for (const Record& record : records_) {
        before.insert(record.below <= at ? record.rows.begin() : record.rows.end(), record.rows.end());
        others.insert(record.hit_by(at) ? record.rows.end() : record.rows.begin(), record.rows.end());
      }
      ASSERT_EQ(found_in(whole_.substr(0, at)), before) << at;
      std::string bytes = whole_;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
      ASSERT_EQ(found_in(bytes), others) << at;
      ASSERT_TRUE(is_set_aside_ || records_.back().hit_by(at)) << at;  // the last record: as a torn one
    }
    print_states(what, 2 * whole_.size(), at_least);
  }

  std::vector<Record> records_;
  std::string whole_;
  bool is_set_aside_ = false;
};

// ---- a segment of a log: groups of two batches of two rows

class DamagedLog : public Quiet {
 protected:
  static constexpr uint64_t kRows = 24;

  DamagedLog() {
    options_.folder = "/wal";
    CrashFiles files;
    wal::Recovered recovered;
    options_.group_time = std::chrono::hours(1);
    options_.group_bytes = 300;  // two batches
    auto wal = wal::Wal::open(options_, files, clock_, recovered).value();
    const auto tracker = AckTracker::create(0);
    for (uint64_t row = 0; row < kRows; row += 2) {
      EXPECT_TRUE(wal->append(rows(row, *tracker)).ok());
      EXPECT_TRUE(row % 4 == 0 || wal->flush(soon()).ok());
    }
    open_ = *files.bytes_of("/wal/00000000000000000000.open");
    EXPECT_TRUE(wal->close(soon()).ok());
    sealed_ = *files.bytes_of("/wal/00000000000000000000.sealed");
    options_.group_time = {};
    read_records();
  }

  static EventBatch rows(uint64_t from, AckTracker& tracker) {
    BuilderOptions options;
    options.origin.stream = Id128{42};
    options.origin.position = from;
    BatchBuilder builder(options);
    for (uint64_t row = from; row < from + 2; ++row) {
      Event event;
      event.body = str_cat("row ", row);
      EXPECT_TRUE(builder.add(event));
    }
    return builder.seal(tracker.issue(from + 2, 2));
  }

  void read_records() {
    CrashFiles files;
    put(files, "/f", sealed_);
    const auto file = files.open("/f");
    wal::SegmentReader reader(**file, {});
    uint64_t row = 0;
    for (auto item = reader.next(); item->kind != wal::SegmentReader::Kind::kEnd; item = reader.next()) {
      const bool is_batch = item->kind == wal::SegmentReader::Kind::kBatch;
      records_.push_back({item->offset, item->end_offset});
      last_group_ = item->kind == wal::SegmentReader::Kind::kPlaces && item->end_offset < open_.size() ? item->offset
                                                                                                       : last_group_;
      for (uint32_t i = 0; is_batch && i < item->batch.rows(); ++i) {
        records_.back().rows.insert(row++);
      }
    }
    ASSERT_EQ(row, kRows);
  }

  static void put(CrashFiles& files, const std::string& path, const std::string& bytes) {
    const auto file = files.create(path);
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    ASSERT_TRUE((*file)->append({&piece, 1}).ok());
  }

  // Opens, and takes new rows; all rows that are there, which must be those that were written.
  std::set<uint64_t> rows_in(const std::string& bytes, const std::string& ending) {
    CrashFiles files;
    put(files, "/wal/00000000000000000000." + ending, bytes);
    recovered_ = {};
    const auto opened = wal::Wal::open(options_, files, clock_, recovered_);
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    std::set<uint64_t> found;
    const auto reader = (*opened)->reader();
    for (auto item = reader->next(); item.ok() && *item; item = reader->next()) {
      for (uint32_t i = 0; i < (**item).batch.rows(); ++i) {
        const auto row = parse_number<uint64_t>((**item).batch.body(i).substr(4));
        EXPECT_TRUE(row && *row < kRows && found.insert(*row).second) << (**item).batch.body(i);
      }
    }
    const auto tracker = AckTracker::create(kRows);
    EXPECT_TRUE((*opened)->append(rows(kRows, *tracker)).ok());
    EXPECT_TRUE((*opened)->close(soon()).ok());
    EXPECT_EQ(tracker->settled(), kRows + 2);
    ++states_;
    return found;
  }

  std::set<uint64_t> all_but_hit(uint64_t byte, bool in_last_group_all_behind) const {
    std::set<uint64_t> left;
    for (const Record& record : records_) {
      const bool lost = record.hit_by(byte) || (in_last_group_all_behind && byte >= last_group_ && record.from > byte);
      if (!lost) {
        left.insert(record.rows.begin(), record.rows.end());
      }
    }
    return left;
  }
  bool said(uint64_t byte) const {
    for (const wal::Damage& damage : recovered_.damage) {
      if (damage.segment.starts_with("/wal/00000000000000000000.") && damage.offset <= byte &&
          byte < damage.offset + damage.bytes) {
        return true;
      }
    }
    return false;
  }

  ManualClock clock_;
  wal::WalOptions options_;
  wal::Recovered recovered_;
  std::string open_;  // as a kill leaves it
  std::string sealed_;
  std::vector<Record> records_;
  uint64_t last_group_ = 0;
  uint64_t states_ = 0;
};

TEST_F(DamagedLog, EveryCutLosesOnlyWhatIsBehindIt) {
  for (const std::string& whole : {open_, sealed_}) {
    for (size_t length = 0; length <= whole.size(); ++length) {
      std::set<uint64_t> expected;
      for (const Record& record : records_) {
        if (record.below <= length) {
          expected.insert(record.rows.begin(), record.rows.end());
        }
      }
      ASSERT_EQ(rows_in(whole.substr(0, length), whole == open_ ? "open" : "sealed"), expected) << length;
      if (whole == sealed_) {  // of an open file a cut is a crash's, and nothing that was promised is gone
        ASSERT_EQ(recovered_.damage.empty(), length == whole.size()) << length;
      }
    }
  }
  print_states("a cut log", states_, 5000);
}

TEST_F(DamagedLog, EveryByteOfASealedFileCostsItsOwnRecordAndIsNamed) {
  for (size_t at = 0; at < sealed_.size(); ++at) {
    for (const int change : {0x01, 0xff}) {
      std::string bytes = sealed_;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      ASSERT_EQ(rows_in(bytes, "sealed"), all_but_hit(at, false)) << at;
      ASSERT_TRUE(said(at) || records_.back().hit_by(at)) << at;  // a bad footer: read through, and nothing is missing
    }
  }
  print_states("a sealed log", states_, 5000);
}

// Of what was written last nobody knows whether it was synced (docs/formats/wal.md).
TEST_F(DamagedLog, EveryByteOfAFileThatNobodyClosedCostsItsRecordAndInTheLastGroupWhatFollows) {
  for (size_t at = 0; at < open_.size(); ++at) {
    std::string bytes = open_;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    const std::set<uint64_t> left = rows_in(bytes, "open");
    ASSERT_EQ(left, all_but_hit(at, true)) << at;
    ASSERT_TRUE(said(at) || records_[records_.size() - 3].hit_by(at)) << at;  // the last record: as a torn one
  }
  print_states("an open log", states_, 2500);
}

// ---- read positions

class DamagedPositions : public DamagedRecords {
 protected:
  static constexpr uint64_t kKeys = 24;

  DamagedPositions() {
    auto positions = node::Positions::open(file_).value();
    uint64_t size = 4;
    for (uint64_t key = 0; key < kKeys; ++key) {
      positions->set(str_cat("file ", key), str_cat("position ", key * 1000));
      EXPECT_TRUE(positions->sync().ok());
      const uint64_t end = std::filesystem::file_size(file_);
      records_.push_back({size, end, {key}});
      size = end;
    }
    whole_ = contents_of(file_);
  }
  std::set<uint64_t> found_in(const std::string& bytes) override {
    std::filesystem::remove(file_ + ".damaged");
    write_file(file_, bytes);
    std::set<uint64_t> found;
    auto positions = node::Positions::open(file_);
    EXPECT_TRUE(positions.ok()) << positions.status().to_string();
    for (uint64_t key = 0; key < kKeys; ++key) {
      const auto value = (*positions)->find(str_cat("file ", key));
      EXPECT_TRUE(!value || *value == str_cat("position ", key * 1000)) << *value;
      found.insert(value ? key : kKeys);
    }
    found.erase(kKeys);
    (*positions)->set("new", "1");
    EXPECT_TRUE((*positions)->sync().ok());
    EXPECT_EQ(node::Positions::open(file_).value()->find("new"), "1");
    is_set_aside_ = contents_of(file_ + ".damaged") == bytes;
    return found;
  }

  const MemoryDir dir_;
  const std::string file_ = dir_.path() + "/positions";
};

TEST_F(DamagedPositions, EveryCutAndEveryByteCostsItsOwnRecordAndTheFileIsNamed) {
  every_cut_and_every_byte_costs_its_own_record("a file of read positions", 1500);
}

// ---- a delivery journal: a file, and rows that are durable in it, ten at a time

class DamagedJournal : public DamagedRecords {
 protected:
  static constexpr uint64_t kSteps = 24;

  DamagedJournal() {
    whole_ = journal::kMagic;
    add(journal::Begin{.file = "/out/f", .identity = {.device = 1, .inode = 2, .born_nanos = 3}, .millis = 4}, 0);
    for (uint64_t step = 1; step <= kSteps; ++step) {
      add(journal::Durable{"sink", "/out/f", step * 100, {{Id128{7}, step * 10, step * 10 + 10}}, 5}, step);
    }
  }
  void add(const journal::Record& record, uint64_t step) {
    const uint64_t from = whole_.size();
    journal::append_record(whole_, record);
    records_.push_back({from, whole_.size(), {step}});
  }
  // Which steps it still knows; 0 is the file itself.
  std::set<uint64_t> found_in(const std::string& bytes) override {
    CrashFiles files;
    {
      const auto file = files.create("/n1/journal-1");
      const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
      EXPECT_TRUE((*file)->append({&piece, 1}).ok());
    }
    journal::Journal journal({.folder = "/n1"}, files, clock_);
    EXPECT_TRUE(journal.open().ok());
    std::set<uint64_t> found;
    for (uint64_t step = 1; step <= kSteps; ++step) {
      const IntervalSet rows = journal.known("sink", Id128{7}, step * 10, step * 10 + 10).rows;
      EXPECT_TRUE(rows.empty() || rows.covers(step * 10, step * 10 + 10)) << step;
      found.insert(rows.empty() ? 0 : step);
    }
    found.erase(0);
    if (const auto file = journal.file("/out/f")) {
      EXPECT_EQ(file->identity.inode, 2U);
      EXPECT_TRUE(file->length % 100 == 0 && file->length <= kSteps * 100) << file->length;
      found.insert(0);
    }
    EXPECT_TRUE(journal.wait(journal.commit(journal::Durable{"sink", "", 0, {{Id128{8}, 0, 1}}, 6}), soon()).ok());
    const std::string* aside = files.bytes_of("/n1/journal-1.damaged");
    is_set_aside_ = aside != nullptr && *aside == bytes;
    return found;
  }

  ManualClock clock_;
};

TEST_F(DamagedJournal, EveryCutAndEveryByteCostsItsOwnRecordAndTheFileIsNamed) {
  every_cut_and_every_byte_costs_its_own_record("a delivery journal", 3000);
}

}  // namespace
}  // namespace flume::test

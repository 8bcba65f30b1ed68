#include "master/store/dir_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/fault.h"
#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "tests/support/temp_dir.h"

namespace flume::master {
namespace {

using Texts = std::vector<std::string>;

std::string read(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

void write(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

Texts texts(ConfigStore& store) {
  Revision as_of = 0;
  Texts out;
  const std::vector<Entry> entries = store.list("", as_of).value();
  for (const Entry& entry : entries) {
    out.push_back(str_cat(entry.key, "=", entry.value));
  }
  return out;
}

Status put(ConfigStore& store, const std::string& key, const std::string& value) {
  const std::vector<Change> changes = {{key, value}};
  return store.commit(changes).status();
}

Revision revision_of(ConfigStore& store) {
  Revision as_of = 0;
  EXPECT_TRUE(store.list("", as_of).ok());
  return as_of;
}

class DirStoreFiles : public testing::Test {
 protected:
  ~DirStoreFiles() override { disarm_faults(); }
  std::string path() const { return directory_.path() + "/store"; }
  std::filesystem::path file(const std::string& name) const { return std::filesystem::path(path()) / name; }

  std::unique_ptr<DirStore> open(DirStore::Options options = {}) {
    reports_.clear();
    auto store = DirStore::open(path(), reports_, options);
    EXPECT_TRUE(store.ok()) << store.status().to_string();
    return store.ok() ? std::move(*store) : nullptr;
  }

  test::TempDir directory_;
  Texts reports_;
};

TEST_F(DirStoreFiles, ASecondMasterOnTheDirectoryIsRefused) {
  const auto store = open();
  Texts reports;
  const auto second = DirStore::open(path(), reports);
  EXPECT_EQ(second.status().to_string(), str_cat("busy: open the store in ", flume::quoted(path()), ": lock ",
                                                 flume::quoted(path() + "/LOCK"), ": held by process ", ::getpid()));
}

TEST_F(DirStoreFiles, AStaleLockFileIsNoLock) {
  open().reset();
  write(file("LOCK"), "1\n");
  EXPECT_NE(open(), nullptr);
  EXPECT_EQ(read(file("LOCK")), str_cat(::getpid(), "\n"));
}

TEST_F(DirStoreFiles, AFileInPlaceOfTheDirectoryIsNamed) {
  write(path(), "x");
  Texts reports;
  EXPECT_EQ(DirStore::open(path(), reports).status().to_string(),
            str_cat("invalid: open the store in ", flume::quoted(path()), ": use directory ", flume::quoted(path()),
                    ": it is not a directory"));
}

TEST_F(DirStoreFiles, CutAtEveryLengthKeepsEveryWholeCommit) {
  {
    const auto store = open();
    ASSERT_TRUE(put(*store, "a", "1").ok());
    ASSERT_TRUE(put(*store, "b", "2").ok());
    ASSERT_TRUE(put(*store, "a", "3").ok());
  }
  const std::string snapshot = read(file("snapshot.0000000001"));
  const std::string log = read(file("log.0000000001"));
  const size_t record = (log.size() - kLogHeaderBytes) / 3;
  const Texts wanted[] = {{}, {"a=1"}, {"a=1", "b=2"}, {"a=3", "b=2"}};
  for (size_t length = 0; length <= log.size(); ++length) {
    std::filesystem::remove_all(path());
    std::filesystem::create_directory(path());
    write(file("snapshot.0000000001"), snapshot);
    write(file("log.0000000001"), log.substr(0, length));
    const auto store = open();
    const size_t whole = length < kLogHeaderBytes ? 0 : (length - kLogHeaderBytes) / record;
    ASSERT_EQ(texts(*store), wanted[whole]) << "cut at " << length;
    ASSERT_EQ(reports_, Texts()) << "cut at " << length;
    ASSERT_EQ(revision_of(*store), whole);
  }
}

TEST_F(DirStoreFiles, AnyFlippedByteOfTheLogIsReportedAndCostsItsOwnCommitOnly) {
  {
    const auto store = open();
    ASSERT_TRUE(put(*store, "a", "1").ok());
    ASSERT_TRUE(put(*store, "b", "2").ok());
  }
  const std::string snapshot = read(file("snapshot.0000000001"));
  const std::string log = read(file("log.0000000001"));
  const size_t record = (log.size() - kLogHeaderBytes) / 2;
  for (size_t at = 0; at < log.size(); ++at) {
    std::filesystem::remove_all(path());
    std::filesystem::create_directory(path());
    write(file("snapshot.0000000001"), snapshot);
    std::string damaged = log;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    write(file("log.0000000001"), damaged);
    const auto store = open();
    const size_t hit = at < kLogHeaderBytes ? 2 : (at - kLogHeaderBytes) / record;
    const size_t offset = hit == 2 ? 0 : kLogHeaderBytes + hit * record;
    const size_t bytes = hit == 2 ? kLogHeaderBytes : record;
    const Texts wanted[] = {{"b=2"}, {"a=1"}, {"a=1", "b=2"}};
    ASSERT_EQ(texts(*store), wanted[hit]) << "flipped " << at;
    ASSERT_EQ(reports_, Texts({str_cat("log \"log.0000000001\" is damaged at byte ", offset, " (", bytes,
                                       " bytes); its bytes are kept in ",
                                       flume::quoted(str_cat(path(), "/damaged/log.0000000001.", offset)))}));
    ASSERT_EQ(read(file(str_cat("damaged/log.0000000001.", offset))), damaged.substr(offset, bytes));
    ASSERT_GT(revision_of(*store), 2U) << "a number may have been given out twice";
  }
}

TEST_F(DirStoreFiles, AFlippedSnapshotFallsBackToTheOneBefore) {
  Id128 id{};
  {
    const auto store = open();
    id = store->store_id();
    ASSERT_TRUE(put(*store, "a", "1").ok());
  }
  {
    const auto store = open();  // generation 2: its snapshot holds a
    ASSERT_TRUE(put(*store, "b", "2").ok());
  }
  const std::filesystem::path copy = directory_.path() + "/copy";
  std::filesystem::copy(path(), copy, std::filesystem::copy_options::recursive);
  const std::string snapshot = read(file("snapshot.0000000002"));
  for (size_t at = 0; at < snapshot.size(); ++at) {
    std::filesystem::remove_all(path());
    std::filesystem::copy(copy, path(), std::filesystem::copy_options::recursive);
    std::string damaged = snapshot;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write(file("snapshot.0000000002"), damaged);
    const auto store = open();
    ASSERT_EQ(texts(*store), Texts({"a=1", "b=2"})) << "flipped " << at;
    ASSERT_EQ(store->store_id(), id);
    ASSERT_EQ(reports_.size(), 1U);
  }
}

TEST_F(DirStoreFiles, ACrashBetweenTheFilesOfAGenerationLosesNothing) {
  {
    const auto store = open();
    ASSERT_TRUE(put(*store, "a", "1").ok());
  }
  {
    const auto store = open();
    ASSERT_TRUE(put(*store, "b", "2").ok());
  }
  // As if the second start had died after its snapshot and before its log, and b had gone to the first log.
  const std::string second = read(file("log.0000000002"));
  write(file("log.0000000001"), read(file("log.0000000001")) + second.substr(kLogHeaderBytes));
  std::filesystem::remove(file("log.0000000002"));
  write(file("snapshot.0000000003.tmp"), "half");
  const auto store = open();
  EXPECT_EQ(texts(*store), Texts({"a=1", "b=2"}));
  EXPECT_EQ(reports_, Texts());
  EXPECT_FALSE(std::filesystem::exists(file("snapshot.0000000003.tmp")));
}

TEST_F(DirStoreFiles, AFullDiskRefusesTheCommitAndTheNextOneWorks) {
  const auto store = open();
  ASSERT_TRUE(put(*store, "a", "1").ok());
  arm_fault("store.write", Status(Code::kNoSpace, "write: no space"));
  EXPECT_EQ(put(*store, "b", "2").to_string(), "no_space: commit to the store: write: no space");
  EXPECT_EQ(texts(*store), Texts({"a=1"}));
  EXPECT_TRUE(put(*store, "c", "3").ok());
  EXPECT_EQ(revision_of(*store), 3U);
}

TEST_F(DirStoreFiles, AFailedSyncIsVoidAlsoAfterARestart) {
  {
    const auto store = open();
    ASSERT_TRUE(put(*store, "a", "1").ok());
    arm_fault("store.sync", Status(Code::kIo, "sync: input/output error"));
    EXPECT_EQ(put(*store, "b", "2").to_string(), "io: commit to the store: sync: input/output error");
    ASSERT_TRUE(put(*store, "c", "3").ok());
  }
  const auto store = open();
  EXPECT_EQ(texts(*store), Texts({"a=1", "c=3"}));
}

TEST_F(DirStoreFiles, AFailedSyncOnADeadDiskIsUnknownAndCommitsGoOnWhenItIsBack) {
  const auto store = open();
  ASSERT_TRUE(put(*store, "a", "1").ok());
  arm_fault("store.sync", Status(Code::kIo, "sync: input/output error"), 0, 2);
  EXPECT_EQ(put(*store, "b", "2").to_string(),
            "unknown: commit to the store: it may be stored or not: sync: input/output error");
  EXPECT_EQ(texts(*store), Texts({"a=1"}));
  EXPECT_TRUE(put(*store, "c", "3").ok());
  EXPECT_EQ(texts(*store), Texts({"a=1", "c=3"}));
}

TEST_F(DirStoreFiles, ALargeLogBecomesASnapshotAndOldGenerationsGo) {
  DirStore::Options small;
  small.log_bytes = 200;
  {
    const auto store = open(small);
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(put(*store, str_cat("k", i % 3), str_cat(i)).ok());
    }
  }
  size_t logs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path())) {
    logs += entry.path().filename().string().starts_with("log.") ? 1 : 0;
    EXPECT_LT(entry.file_size(), 600U) << entry.path();
  }
  EXPECT_EQ(logs, 2U);
  EXPECT_EQ(texts(*open(small)), Texts({"k0=39", "k1=37", "k2=38"}));
}

TEST_F(DirStoreFiles, AFormatFromTheFutureIsRefusedByNumber) {
  open().reset();
  std::string snapshot = read(file("snapshot.0000000001"));
  snapshot[12] = 7;
  const uint32_t crc = crc32c(std::string_view(snapshot).substr(12));
  for (size_t i = 0; i < 4; ++i) {
    snapshot[8 + i] = static_cast<char>(crc >> (8 * i));
  }
  write(file("snapshot.0000000001"), snapshot);
  Texts reports;
  EXPECT_EQ(DirStore::open(path(), reports).status().to_string(),
            str_cat("unsupported: open the store in ", flume::quoted(path()),
                    ": read \"snapshot.0000000001\": format 7, this program reads format 1"));
}

}  // namespace
}  // namespace flume::master

#include "common/io/file_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/base/fault.h"
#include "common/base/text.h"
#include "common/io/compressed_file.h"
#include "tests/support/temp_dir.h"

namespace flume {
namespace {

using test::contents_of;
using test::TempDir;
using test::write_file;

class FileStorageTest : public ::testing::Test {
 protected:
  ~FileStorageTest() override { disarm_faults(); }

  std::unique_ptr<StoredFile> create(const std::string& name) {
    auto file = storage_.create(dir_ / name, {});
    EXPECT_TRUE(file.ok()) << file.status().to_string();
    return file.ok() ? std::move(*file) : nullptr;
  }
  static Status append(StoredFile& file, std::string text) {
    const iovec piece{text.data(), text.size()};
    return file.append(std::span(&piece, 1), {});
  }
  bool exists(const std::string& name) { return std::filesystem::exists(dir_ / name); }
  std::string text_of(const std::string& name) { return contents_of(dir_ / name); }

  TempDir dir_;
  FileStorage storage_;
};

TEST_F(FileStorageTest, AFileHasItsFinalNameOnlyAfterCommit) {
  auto file = create("a/b/f");
  ASSERT_TRUE(append(*file, "one\n").ok());
  EXPECT_TRUE(exists("a/b/f.tmp"));
  EXPECT_FALSE(exists("a/b/f"));
  EXPECT_EQ(*file->sync({}), 4U);
  ASSERT_TRUE(append(*file, "two\n").ok());
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_FALSE(exists("a/b/f.tmp"));
  EXPECT_EQ(text_of("a/b/f"), "one\ntwo\n");
}

TEST_F(FileStorageTest, NothingIsEverReplaced) {
  write_file(dir_ / "f", "old");
  EXPECT_EQ(storage_.create(dir_ / "f", {}).status().to_string(),
            str_cat("exists: create \"", dir_.path(), "/f\": there is a file of this name"));
  auto file = create("g");
  write_file(dir_ / "g", "meanwhile");
  ASSERT_TRUE(append(*file, "x").ok());
  EXPECT_EQ(file->commit({}).code(), Code::kExists);
  EXPECT_EQ(text_of("g"), "meanwhile");
  EXPECT_EQ(text_of("g.tmp"), "x");
  std::filesystem::remove(dir_ / "g");
  EXPECT_TRUE(file->commit({}).ok());  // it may be repeated
  EXPECT_EQ(text_of("g"), "x");
}

TEST_F(FileStorageTest, TwoWritersOfOneFileAreRefused) {
  auto first = storage_.append_to(dir_ / "log", {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(storage_.append_to(dir_ / "log", {}).status().to_string(),
            str_cat("busy: write to \"", dir_.path(), "/log\": somebody else writes to it"));
  auto unfinished = create("f");
  EXPECT_EQ(storage_.create(dir_ / "f", {}).status().code(), Code::kExists);
  EXPECT_EQ(storage_.resume(dir_ / "f", 0).status().code(), Code::kBusy);
}

TEST_F(FileStorageTest, AFullDiskKeepsNothingOfTheFailedAppend) {
  auto file = create("f");
  ASSERT_TRUE(append(*file, "kept\n").ok());
  arm_fault("io.write", Status::from_errno(ENOSPC, "write"));
  EXPECT_EQ(append(*file, "lost\n").code(), Code::kNoSpace);
  EXPECT_EQ(text_of("f.tmp"), "kept\n");
  EXPECT_TRUE(append(*file, "again\n").ok());
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_EQ(text_of("f"), "kept\nagain\n");
}

TEST_F(FileStorageTest, AnyOtherFailedAppendEndsTheFilesLife) {
  auto file = create("f");
  arm_fault("io.write", Status::from_errno(EIO, "write"));
  EXPECT_EQ(append(*file, "lost\n").code(), Code::kIo);
  EXPECT_EQ(append(*file, "more\n").code(), Code::kIo);
  EXPECT_EQ(file->commit({}).code(), Code::kIo);
  EXPECT_TRUE(file->abandon().ok());
  EXPECT_FALSE(exists("f.tmp"));
}

TEST_F(FileStorageTest, AFailedSyncEndsTheFilesLife) {
  for (const char* fault : {"io.sync", "io.sync_dir"}) {
    auto file = create(fault);
    ASSERT_TRUE(append(*file, "x").ok());
    arm_fault(fault, Status::from_errno(EIO, "sync"));
    EXPECT_EQ(file->sync({}).status().code(), Code::kIo) << fault;
    disarm_faults();
    EXPECT_EQ(append(*file, "y").code(), Code::kIo) << fault;
    EXPECT_FALSE(file->commit({}).ok()) << fault;
    EXPECT_FALSE(exists(fault)) << fault;
  }
}

TEST_F(FileStorageTest, AFailedRenameLeavesTheWorkingName) {
  auto file = create("f");
  ASSERT_TRUE(append(*file, "x").ok());
  arm_fault("io.rename", Status::from_errno(EIO, "rename"));
  EXPECT_EQ(file->commit({}).code(), Code::kIo);
  EXPECT_TRUE(exists("f.tmp"));
  EXPECT_TRUE(file->commit({}).ok());
  EXPECT_TRUE(exists("f"));
}

TEST_F(FileStorageTest, ASyncInTheBackgroundCoversWhatWasThereWhenItStarted) {
  auto file = create("f");
  ASSERT_TRUE(append(*file, "12345").ok());
  EXPECT_EQ(file->poll_sync(), std::nullopt);
  file->start_sync();
  ASSERT_TRUE(append(*file, "678").ok());
  std::optional<Result<uint64_t>> result;
  while (!result) {
    result = file->poll_sync();
  }
  EXPECT_EQ(**result, 5U);
  EXPECT_EQ(file->poll_sync(), std::nullopt);
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_EQ(text_of("f"), "12345678");
}

TEST_F(FileStorageTest, ResumeCutsToWhatWasSynced) {
  {
    auto file = create("f");
    ASSERT_TRUE(append(*file, "synced").ok());
    ASSERT_TRUE(file->sync({}).ok());
    ASSERT_TRUE(append(*file, "torn").ok());
  }
  EXPECT_EQ(storage_.resume(dir_ / "f", 99).status().to_string(),
            str_cat("corrupt: resume \"", dir_.path(), "/f.tmp\": it has 10 bytes, less than 99 that were synced"));
  auto file = storage_.resume(dir_ / "f", 6);
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  ASSERT_TRUE(append(**file, "!").ok());
  ASSERT_TRUE((*file)->commit({}).ok());
  EXPECT_EQ(text_of("f"), "synced!");
}

TEST_F(FileStorageTest, ListTellsFinishedFromUnfinished) {
  auto open = create("d/open");
  auto done = create("d/x/done");
  ASSERT_TRUE(done->commit({}).ok());
  write_file(dir_ / "other", "");
  const auto found = storage_.list(dir_ / "d/");
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].path, dir_ / "d/open");
  EXPECT_FALSE((*found)[0].finished);
  EXPECT_EQ((*found)[1].path, dir_ / "d/x/done");
  EXPECT_TRUE((*found)[1].finished);
  EXPECT_TRUE(storage_.list(dir_ / "none/")->empty());
}

TEST_F(FileStorageTest, RecoveryPublishesWhatIsCompleteAndSetsTheRestAside) {
  write_file(dir_ / "lines.tmp", "a\nb\ntorn");
  write_file(dir_ / "nothing.tmp", "torn");
  write_file(dir_ / "taken.tmp", "a\n");
  write_file(dir_ / "taken", "first");
  std::filesystem::create_directory(dir_ / "deep");
  write_file(dir_ / "deep/er.tmp", "c\n");
  auto in_use = create("in-use");
  ASSERT_TRUE(append(*in_use, "d\n").ok());
  write_file(dir_ / "foreign.tmp", "a\n");
  const auto is_ours = [this](std::string_view name) { return name != dir_ / "foreign"; };
  ASSERT_TRUE(storage_.recover(dir_.path(), 1, is_ours).ok());
  EXPECT_EQ(text_of("lines"), "a\nb\n");
  EXPECT_EQ(text_of("nothing.aside"), "torn");
  EXPECT_EQ(text_of("taken"), "first");
  EXPECT_EQ(text_of("taken.aside"), "a\n");
  EXPECT_EQ(text_of("deep/er"), "c\n");
  EXPECT_TRUE(exists("in-use.tmp"));
  EXPECT_FALSE(exists("lines.tmp"));
  EXPECT_TRUE(exists("foreign.tmp"));
}

TEST_F(FileStorageTest, AppendToGrowsAFileUnderItsOwnName) {
  write_file(dir_ / "log", "before\n");
  auto file = storage_.append_to(dir_ / "log", {});
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->size(), 7U);
  EXPECT_FALSE((*file)->starts_in_a_line());
  ASSERT_TRUE(append(**file, "after\n").ok());
  EXPECT_EQ(*(*file)->sync({}), 13U);
  ASSERT_TRUE(append(**file, "not synced\n").ok());
  EXPECT_EQ(text_of("log"), "before\nafter\nnot synced\n");
  EXPECT_TRUE((*file)->abandon().ok());
  EXPECT_EQ(text_of("log"), "before\nafter\n");
}

TEST_F(FileStorageTest, AnAppendedFileTellsThatItsLastLineHasNoEnd) {
  write_file(dir_ / "log", "line\ntorn");
  EXPECT_TRUE((*storage_.append_to(dir_ / "log", {}))->starts_in_a_line());
}

TEST_F(FileStorageTest, AppendToTakesWhatIsNoRegularFile) {
  auto file = storage_.append_to("/dev/null", {});
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  EXPECT_TRUE(append(**file, "x").ok());
  EXPECT_TRUE((*file)->sync({}).ok());
  EXPECT_TRUE((*file)->commit({}).ok());
}

TEST_F(FileStorageTest, AFolderInThePlaceOfAFileIsSaid) {
  std::filesystem::create_directory(dir_ / "d");
  EXPECT_EQ(storage_.append_to(dir_ / "d", {}).status().message(),
            str_cat("create \"", dir_.path(), "/d\": Is a directory (EISDIR)"));
}

class Compressed : public FileStorageTest {
 protected:
  std::string gunzip(const std::string& name) {
    const std::string command = "gzip -dc '" + dir_ / name + "'";
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) {
      out.push_back(static_cast<char>(c));
    }
    EXPECT_EQ(pclose(pipe), 0);
    return out;
  }
};

TEST_F(Compressed, WhatIsSyncedIsACompleteGzipFile) {
  auto file = compress_file(FileCodec::kGzip, create("f.gz"));
  const std::string big(600'000, 'x');
  ASSERT_TRUE(append(*file, "one\n").ok());
  ASSERT_TRUE(append(*file, big).ok());
  const auto synced = file->sync({});
  ASSERT_TRUE(synced.ok());
  EXPECT_EQ(*synced, std::filesystem::file_size(dir_ / "f.gz.tmp"));
  EXPECT_EQ(complete_gzip_length(text_of("f.gz.tmp")), *synced);
  ASSERT_TRUE(append(*file, "two\n").ok());
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_EQ(gunzip("f.gz"), "one\n" + big + "two\n");
}

TEST_F(Compressed, AnEmptyFileIsAGzipFileToo) {
  auto file = compress_file(FileCodec::kGzip, create("f.gz"));
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_EQ(gunzip("f.gz"), "");
}

TEST_F(Compressed, AFullDiskIsToldBeforeTheNextRowsAreTaken) {
  auto file = compress_file(FileCodec::kGzip, create("f.gz"));
  ASSERT_TRUE(append(*file, "one\n").ok());
  arm_fault("io.write", Status::from_errno(ENOSPC, "write"));
  EXPECT_EQ(file->sync({}).status().code(), Code::kNoSpace);
  disarm_faults();
  ASSERT_TRUE(append(*file, "two\n").ok());
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_EQ(gunzip("f.gz"), "one\ntwo\n");
}

TEST_F(Compressed, ATornGzipFileIsRecoveredToItsLastMember) {
  {
    auto file = compress_file(FileCodec::kGzip, create("f.gz"));
    ASSERT_TRUE(append(*file, "synced\n").ok());
    ASSERT_TRUE(file->sync({}).ok());
  }
  write_file(dir_ / "g.gz.tmp", text_of("f.gz.tmp") + text_of("f.gz.tmp").substr(0, 15));
  ASSERT_TRUE(storage_.recover(dir_.path(), 0, [](std::string_view) { return true; }).ok());
  EXPECT_EQ(gunzip("g.gz"), "synced\n");
}

TEST_F(Compressed, DeflateIsDurableOnlyWhenFinished) {
  auto file = compress_file(FileCodec::kDeflate, create("f.deflate"));
  ASSERT_TRUE(append(*file, "one\n").ok());
  EXPECT_EQ(file->sync({}).status().to_string(),
            "unsupported: sync a .deflate file: it is complete only when it is finished");
  ASSERT_TRUE(file->commit({}).ok());
  EXPECT_EQ(text_of("f.deflate").substr(0, 1), "\x78");
}

TEST(FileCodec, ClassicNamesAreKnown) {
  for (const char* name : {"gzip", "GZIP", "GzipCodec", "org.apache.hadoop.io.compress.GzipCodec"}) {
    EXPECT_EQ(*parse_file_codec(name), FileCodec::kGzip) << name;
  }
  for (const char* name : {"deflate", "DefaultCodec", "default", "org.apache.hadoop.io.compress.DefaultCodec"}) {
    EXPECT_EQ(*parse_file_codec(name), FileCodec::kDeflate) << name;
  }
  EXPECT_EQ(*parse_file_codec("None"), FileCodec::kNone);
  EXPECT_EQ(parse_file_codec("lzo").status().to_string(),
            "invalid: \"lzo\" is no compression codec: choose from None, GzipCodec, DefaultCodec");
}

}  // namespace
}  // namespace flume

#include "common/io/posix.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "common/base/fault.h"
#include "common/base/text.h"
#include "tests/support/temp_dir.h"

namespace flume {
namespace {

using test::contents_of;
using test::TempDir;
using test::write_file;

class Posix : public ::testing::Test {
 protected:
  ~Posix() override { disarm_faults(); }
  TempDir dir_;
};

iovec piece(std::string& text) { return {text.data(), text.size()}; }

TEST_F(Posix, WritesAllPiecesThroughShortWrites) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const UniqueFd reader(pair[0]);
  UniqueFd writer(pair[1]);
  const int small = 4096;  // so that one call cannot take everything
  setsockopt(writer.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  std::string a(100'000, 'a');
  std::string empty;
  std::string b(200'000, 'b');
  std::string got;
  std::thread drain([&] {
    char buffer[10'000];
    for (ssize_t n = read(reader.fd(), buffer, sizeof buffer); n > 0; n = read(reader.fd(), buffer, sizeof buffer)) {
      got.append(buffer, static_cast<size_t>(n));
    }
  });
  const iovec pieces[] = {piece(a), piece(empty), piece(b)};
  const Status status = writev_all(writer.fd(), pieces, "pair");
  writer.reset();
  drain.join();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(got, a + b);
}

TEST_F(Posix, ErrorsNameTheFile) {
  EXPECT_EQ(open_file(dir_ / "none", O_RDONLY).status().to_string(),
            str_cat("not_found: open \"", dir_.path(), "/none\": No such file or directory (ENOENT)"));
  EXPECT_EQ(write_all(-1, "x", "f").to_string(), "io: write to \"f\": Bad file descriptor (EBADF)");
  write_file(dir_ / "big", "12345");
  EXPECT_EQ(read_file(dir_ / "big", 4).status().to_string(),
            str_cat("no_space: read \"", dir_.path(), "/big\": larger than the limit of 4 bytes"));
}

TEST_F(Posix, ReplaceKeepsTheOldContentsWhenAnythingFails) {
  const std::string path = dir_ / "f";
  ASSERT_TRUE(replace_file(path, "old").ok());
  for (const char* fault : {"io.create", "io.write", "io.sync", "io.rename"}) {
    arm_fault(fault, Status::from_errno(ENOSPC, fault));
    EXPECT_EQ(replace_file(path, "new").code(), Code::kNoSpace) << fault;
    disarm_faults();
    EXPECT_EQ(contents_of(path), "old") << fault;
    EXPECT_FALSE(std::filesystem::exists(path + ".new")) << fault;
  }
  arm_fault("io.sync_dir", Status::from_errno(EIO, "sync"));
  EXPECT_EQ(replace_file(path, "new").code(), Code::kIo);  // not durable, so not done
  disarm_faults();
  ASSERT_TRUE(replace_file(path, "newer").ok());
  EXPECT_EQ(contents_of(path), "newer");
}

TEST_F(Posix, RenameNeverReplaces) {
  write_file(dir_ / "a", "a");
  write_file(dir_ / "b", "b");
  EXPECT_EQ(rename_to_free_name(dir_ / "a", dir_ / "b").code(), Code::kExists);
  EXPECT_EQ(contents_of(dir_ / "b"), "b");
  EXPECT_TRUE(rename_to_free_name(dir_ / "a", dir_ / "c").ok());
  EXPECT_EQ(contents_of(dir_ / "c"), "a");
}

TEST_F(Posix, MakesFoldersAndSaysWhatIsInTheWay) {
  EXPECT_TRUE(make_folders(dir_ / "a/b/c").ok());
  EXPECT_TRUE(make_folders(dir_ / "a/b/c/").ok());
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "a/b/c"));
  write_file(dir_ / "f", "");
  EXPECT_EQ(make_folders(dir_ / "f/x").message(),
            str_cat("make folder \"", dir_.path(), "/f\": Not a directory (ENOTDIR)"));
}

TEST_F(Posix, ParentOfEveryKindOfPath) {
  EXPECT_EQ(parent_folder("/a/b"), "/a");
  EXPECT_EQ(parent_folder("/a"), "/");
  EXPECT_EQ(parent_folder("/"), "/");
  EXPECT_EQ(parent_folder("a"), ".");
  EXPECT_EQ(parent_folder("a//b/"), "a");
  EXPECT_EQ(parent_folder(""), ".");
}

}  // namespace
}  // namespace flume

#include "node/tailing/file_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/base/units.h"

namespace flume::node {
namespace {

namespace fs = std::filesystem;
using Change = FileWatch::Change;

class FileWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "flume-watch-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string path(const std::string& name) const { return (fs::path(dir_) / name).string(); }
  void append(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::app) << text;
  }
  // Everything noticed until `wanted` is among it.
  static bool sees(FileWatch::Watcher& watcher, const Change& wanted) {
    const Wait wait = Wait::for_duration(30s);
    while (watcher.wait(wait)) {
      const auto changes = watcher.take();
      if (std::find(changes.changed.begin(), changes.changed.end(), wanted) != changes.changed.end()) {
        return true;
      }
    }
    return false;
  }

  std::string dir_;
  FileWatch watch_;
};

TEST_F(FileWatchTest, TellsOfDataInAnOpenFileEvenAfterItWasRenamedAndRemoved) {
  append("a", "1\n");
  const UniqueFd file(::open(path("a").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd writer(::open(path("a").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  auto watcher = watch_.watcher();
  fs::rename(path("a"), path("b"));
  ASSERT_TRUE(watcher->add_file(file.fd(), "label").ok());
  ASSERT_EQ(::write(writer.fd(), "2\n", 2), 2);
  EXPECT_TRUE(sees(*watcher, {"label", ""}));
  fs::remove(path("b"));
  EXPECT_TRUE(sees(*watcher, {"label", ""}));
  ASSERT_EQ(::write(writer.fd(), "3\n", 2), 2);
  EXPECT_TRUE(sees(*watcher, {"label", ""}));
}

TEST_F(FileWatchTest, TellsOfNamesInAFolder) {
  auto watcher = watch_.watcher();
  ASSERT_TRUE(watcher->add_folder(dir_, false).ok());
  append("new", "");
  EXPECT_TRUE(sees(*watcher, {dir_, "new"}));
  fs::rename(path("new"), path("old"));
  EXPECT_TRUE(sees(*watcher, {dir_, "old"}));
  fs::remove(path("old"));
  EXPECT_TRUE(sees(*watcher, {dir_, "old"}));
}

TEST_F(FileWatchTest, EachWatcherGetsWhatItAskedFor) {
  append("f", "");
  auto names = watch_.watcher();
  auto contents = watch_.watcher();
  ASSERT_TRUE(names->add_folder(dir_, false).ok());
  ASSERT_TRUE(contents->add_folder(dir_, true).ok());
  append("f", "data\n");
  EXPECT_TRUE(sees(*contents, {dir_, "f"}));
  append("g", "");
  EXPECT_TRUE(names->wait(Wait::for_duration(30s)));
  EXPECT_EQ(names->take().changed, std::vector<Change>({{dir_, "g"}}));
}

TEST_F(FileWatchTest, TooManyChangesBecomeARescan) {
  fs::create_directory(path("busy"));
  auto watcher = watch_.watcher();
  auto marker = watch_.watcher();
  ASSERT_TRUE(watcher->add_folder(path("busy"), false).ok());
  ASSERT_TRUE(marker->add_folder(dir_, false).ok());
  for (int i = 0; i < 5000; ++i) {
    append("busy/" + std::to_string(i), "");
  }
  append("after", "");
  ASSERT_TRUE(sees(*marker, {dir_, "after"}));  // notices come in order: all of the 5000 are in
  const auto changes = watcher->take();
  EXPECT_TRUE(changes.rescan);
  EXPECT_TRUE(changes.changed.empty());
}

TEST_F(FileWatchTest, StopAndDeadlineEndTheWait) {
  auto watcher = watch_.watcher();
  StopSource stop;
  stop.request_stop();
  EXPECT_FALSE(watcher->wait({TimePoint::max(), stop.token()}));
  EXPECT_FALSE(watcher->wait({TimePoint::min(), {}}));
}

TEST_F(FileWatchTest, SaysThatItCannotWatch) {
  auto watcher = watch_.watcher();
  EXPECT_EQ(watcher->add_folder(path("absent"), false).to_string(),
            "not_found: watch \"" + path("absent") + "\": No such file or directory (ENOENT)");
  FileWatch off(false);
  EXPECT_EQ(off.watcher()->add_folder(dir_, false).to_string(), "unsupported: watch files: inotify is switched off");
}

TEST_F(FileWatchTest, ARemovedWatchTellsNothing) {
  auto watcher = watch_.watcher();
  ASSERT_TRUE(watcher->add_folder(dir_, false).ok());
  watcher->remove(dir_);
  auto other = watch_.watcher();
  ASSERT_TRUE(other->add_folder(dir_, false).ok());
  append("f", "");
  EXPECT_TRUE(sees(*other, {dir_, "f"}));
  EXPECT_FALSE(watcher->take().any());
}

}  // namespace
}  // namespace flume::node

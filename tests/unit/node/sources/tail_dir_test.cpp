#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/base/fault.h"
#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_tail_dir(Registry& registry);

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class TailDirTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    // Without inotify every look is a poll.
    ASSERT_TRUE(rig_.settings.set("flume.tail.pollperiod", "5", "test").ok());
    fs::create_directory(dir_);
  }
  void TearDown() override {
    disarm_faults();
    stop();
  }
  void start(const test::GivenArgs& more = {}) {
    test::GivenArgs args{{"dir", {dir_}}};
    args.insert(args.end(), more.begin(), more.end());
    source_ = rig_.make("tailDir", args);
    const Status status = rig_.open(*source_);
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  void stop() {
    if (source_ != nullptr) {
      EXPECT_TRUE(source_->close({}).ok());
      source_.reset();
    }
  }
  // Nothing that was not synced survives.
  void kill() {
    const std::string saved = test::contents_of(rig_.dir / "state/positions");
    stop();
    test::write_file(rig_.dir / "state/positions", saved);
    rig_.reopen_positions();
  }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  void append(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) const { fs::rename(path(from), path(to)); }
  // Events until there are so many, and any that come with the last; sorted, "file:body".
  std::vector<std::string> rows(size_t wanted) {
    std::vector<std::string> all;
    EventBatch batch;
    const Wait wait = Wait::for_duration(60s);
    while (all.size() < wanted && !wait.over()) {
      rig_.clock.advance(1ms);
      const auto got = source_->next(batch, Wait::for_duration(5ms));
      EXPECT_TRUE(got.ok()) << got.status().to_string();
      if (!got.ok()) {
        break;
      }
      if (*got == Source::Next::kBatch) {
        for (uint32_t row = 0; row < batch.rows(); ++row) {
          all.push_back(std::string(*batch.attribute(row, "tailSrcFile")) + ":" + std::string(batch.body(row)));
        }
        batch.settle(Outcome::kDelivered);
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  // What comes without anything changing once all notices have been read: a mark goes through the folder.
  std::vector<std::string> rest() {
    const std::string mark = "mark" + std::to_string(++marks_);
    append(mark, mark + "\n");
    std::vector<std::string> all;
    for (bool seen = false; !seen;) {
      for (const std::string& row : rows(1)) {
        seen = seen || row == mark + ":" + mark;
        if (row != mark + ":" + mark) {
          all.push_back(row);
        }
      }
    }
    fs::remove(path(mark));
    std::sort(all.begin(), all.end());
    return all;
  }

  test::SourceRig rig_{register_source_tail_dir, GetParam()};
  const std::string dir_ = rig_.dir / "logs";
  std::unique_ptr<Source> source_;
  int marks_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Watching, TailDirTest, testing::Bool(),
                         [](const auto& given) { return given.param ? "inotify" : "polls"; });

TEST_P(TailDirTest, FollowsTheFilesThatAreThereAndThatCome) {
  append("a", "1\n");
  append("b", "2\n");
  start();
  EXPECT_THAT(rows(2), ElementsAre("a:1", "b:2"));
  append("a", "3\nhalf");
  append("c", "4\n");
  EXPECT_THAT(rows(2), ElementsAre("a:3", "c:4"));
  append("a", " line\n");
  EXPECT_THAT(rows(1), ElementsAre("a:half line"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, TakesOnlyFilesWhoseWholeNameMatches) {
  for (const char* name : {"foo1", "foo", "xfoo", "bar"}) {
    append(name, "x\n");
  }
  start({{"fileregex", {"foo.?|mark.*|b"}}});
  EXPECT_THAT(rows(2), ElementsAre("foo1:x", "foo:x"));
  append("foo2", "x\n");
  append("barfoo", "x\n");
  EXPECT_THAT(rows(1), ElementsAre("foo2:x"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, StartFromEndConcernsTheFilesOfTheFirstLookOnly) {
  append("a", "old\n");
  start({{"startFromEnd", {true}}});
  append("b", "1\n");
  append("a", "2\n");
  EXPECT_THAT(rows(2), ElementsAre("a:2", "b:1"));
  stop();
  append("c", "3\n");
  append("a", "4\n");
  start({{"startFromEnd", {true}}});
  EXPECT_THAT(rows(2), ElementsAre("a:4", "c:3"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, GoesAsDeepAsItIsTold) {
  fs::create_directories(path("one/two/three"));
  append("one/a", "1\n");
  append("one/two/b", "2\n");
  append("one/two/three/c", "3\n");
  start({{"recurseDepth", {int64_t{2}}}});
  EXPECT_THAT(rows(2), ElementsAre("a:1", "b:2"));
  fs::create_directory(path("new"));
  append("new/d", "4\n");
  append("one/two/b", "5\n");
  EXPECT_THAT(rows(2), ElementsAre("b:5", "d:4"));
  fs::remove_all(path("new"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, WaitsForAFolderThatIsNotThereYet) {
  fs::remove(dir_);
  start();
  EXPECT_THAT(rig_.bodies(*source_), IsEmpty());
  fs::create_directory(dir_);
  append("a", "1\n");
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
}

TEST_P(TailDirTest, AFolderThatIsRemovedAndMadeAgainIsFollowedAgain) {
  append("a", "1\n");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  fs::remove_all(dir_);
  fs::create_directory(dir_);
  append("a", "2\n");
  EXPECT_THAT(rows(1), ElementsAre("a:2"));
}

TEST_P(TailDirTest, RefusesAFile) {
  append("a", "1\n");
  const auto source = rig_.make("tailDir", {{"dir", {path("a")}}});
  EXPECT_EQ(rig_.open(*source).to_string(),
            "invalid: tailDir \"" + path("a") + "\": is not a folder (tail follows a file)");
}

TEST_P(TailDirTest, AFileThatCannotBeReadDoesNotStopTheOthers) {
  append("a", "1\n");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  arm_fault("tail.open", Status::from_errno(EACCES, "open \"b\""), 0, -1);
  append("b", "2\n");
  while (rig_.count("flume_files_refused_total") == 0) {
    rig_.clock.advance(1ms);
    EXPECT_THAT(rig_.bodies(*source_), IsEmpty());
  }
  append("a", "3\n");
  EXPECT_THAT(rows(1), ElementsAre("a:3"));
  disarm_faults();
  rig_.clock.advance(6s);
  EXPECT_THAT(rows(1), ElementsAre("b:2"));
}

TEST_P(TailDirTest, ARenamedFileIsTheSameFile) {
  append("a", "1\n");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  rename("a", "a.1");
  append("a", "2\n");
  append("a.1", "3\n");
  // A line written right after the rename may be read before the notice of it comes, and has the old name then.
  EXPECT_THAT(rows(2), testing::AnyOf(ElementsAre("a.1:3", "a:2"), ElementsAre("a:2", "a:3")));
  rename("a.1", "a.2");
  rename("a", "a.1");
  append("a", "4\n");
  EXPECT_THAT(rows(1), ElementsAre("a:4"));
  EXPECT_THAT(rest(), IsEmpty());
  fs::remove(path("a"));
  append("a", "5\n");
  append("a.1", "6\n");
  append("a.2", "7\n");
  EXPECT_THAT(rows(3), ElementsAre("a.1:6", "a.2:7", "a:5"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, AFileRenamedOutOfSightIsReadToItsEnd) {
  append("a", "1\n");
  start({{"fileregex", {"a|mark.*"}}});
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  append("a", "2\nend");
  rename("a", "a.1");
  EXPECT_THAT(rows(1), ElementsAre("a:2"));
  EXPECT_THAT(rest(), IsEmpty());
  rig_.clock.advance(6s);
  EXPECT_THAT(rows(1), ElementsAre("a:end"));
}

// A sink that takes nothing for a while holds up the looking, too.
TEST_P(TailDirTest, FilesThatCameAndWereRotatedAwayBetweenTwoLooksAreRead) {
  const auto rotate = [this](const std::string& last) {
    rename("a.log", last);
    ::poll(nullptr, 0, 20);  // times of change that differ
  };
  append("a.log", "1\n");
  start({{"fileregex", {std::string(R"(.*\.log)")}}});
  EXPECT_THAT(rows(1), ElementsAre("a.log:1"));
  append("a.log", "2\n");
  rotate("a.log.3");
  append("a.log", "3\n");
  rotate("a.log.2");
  append("a.log", "4\n");
  rotate("a.log.1");
  append("a.log", "5\n");
  std::vector<std::string> bodies;
  for (const std::string& row : rows(4)) {
    bodies.push_back(row.substr(row.rfind(':') + 1));
  }
  std::sort(bodies.begin(), bodies.end());
  EXPECT_THAT(bodies, ElementsAre("2", "3", "4", "5"));
}

TEST_P(TailDirTest, CopiesThatWereMadeBetweenTwoLooksAreAllRead) {
  append("a.log", "1\n");
  start({{"fileregex", {std::string(R"(.*\.log)")}}});
  EXPECT_THAT(rows(1), ElementsAre("a.log:1"));
  append("a.log", "2\n");
  for (const char* copy : {"a.log.3", "a.log.2", "a.log.1"}) {
    fs::copy_file(path("a.log"), path(copy));
    fs::resize_file(path("a.log"), 0);
    ::poll(nullptr, 0, 20);  // times of change that differ
    append("a.log", str_cat("behind ", copy, "\n"));
  }
  std::vector<std::string> bodies;
  for (const std::string& row : rows(4)) {
    bodies.push_back(row.substr(row.rfind(':') + 1));
  }
  std::sort(bodies.begin(), bodies.end());
  EXPECT_THAT(bodies, ElementsAre("2", "behind a.log.1", "behind a.log.2", "behind a.log.3"));
}

TEST_P(TailDirTest, FilesThatWereRotatedAwayWhileItWasNotThereAreRead) {
  append("a.log", "1\n");
  start({{"fileregex", {std::string(R"(.*\.log)")}}});
  EXPECT_THAT(rows(1), ElementsAre("a.log:1"));
  stop();
  rename("a.log", "a.log.2");
  append("a.log.2", "2\n");
  ::poll(nullptr, 0, 20);
  append("a.log", "3\n");
  rename("a.log", "a.log.1");
  ::poll(nullptr, 0, 20);
  append("a.log", "4\n");
  start({{"fileregex", {std::string(R"(.*\.log)")}}});
  std::vector<std::string> bodies;
  for (const std::string& row : rows(3)) {
    bodies.push_back(row.substr(row.rfind(':') + 1));
  }
  std::sort(bodies.begin(), bodies.end());
  EXPECT_THAT(bodies, ElementsAre("2", "3", "4"));
}

TEST_P(TailDirTest, ARemovedFilesLastWordsAreDelivered) {
  append("a", "1\nend");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  fs::remove(path("a"));
  EXPECT_THAT(rest(), IsEmpty());
  rig_.clock.advance(6s);
  EXPECT_THAT(rows(1), ElementsAre("a:end"));
}

TEST_P(TailDirTest, CopyAndTruncateReadsTheCopyOnlyFromWhereTheFileWasRead) {
  append("a", "1\n");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  fs::copy_file(path("a"), path("a.1"));
  EXPECT_THAT(rest(), IsEmpty());  // a copy in the making
  append("a.1", "2\nhalf");        // in the copy, and never seen in the file
  fs::resize_file(path("a"), 0);
  append("a", "3\n");
  EXPECT_THAT(rows(2), ElementsAre("a.1:2", "a:3"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, ACopyThatStaysIsNotReadTwice) {
  append("a", "1\n2\n");
  start();
  EXPECT_THAT(rows(2), ElementsAre("a:1", "a:2"));
  fs::copy_file(path("a"), path("a-20260131"));
  EXPECT_THAT(rest(), IsEmpty());
  rig_.clock.advance(6s);
  append("a-20260131", "3\n");
  EXPECT_THAT(rows(1), ElementsAre("a-20260131:3"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, TruncateAndRewriteIsSeen) {
  append("a", "aaaa\n");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:aaaa"));
  test::write_file(path("a"), "b\n");
  EXPECT_THAT(rows(1), ElementsAre("a:b"));
  test::write_file(path("a"), "cc\nd\n");
  EXPECT_THAT(rows(2), ElementsAre("a:cc", "a:d"));
}

TEST_P(TailDirTest, ARestartGoesOnExactlyWhereItWas) {
  append("a", "1\nha");
  append("b", "2\n");
  append("c", "3\n");
  start();
  EXPECT_THAT(rows(3), ElementsAre("a:1", "b:2", "c:3"));
  stop();
  append("a", "lf\n");
  rename("b", "b.1");
  append("b.1", "4\n");
  append("b", "5\n");
  fs::copy_file(path("c"), path("c.1"));
  append("c.1", "6\n");
  fs::resize_file(path("c"), 0);
  append("c", "7\n");
  append("d", "8\n");
  start();
  EXPECT_THAT(rows(6), ElementsAre("a:half", "b.1:4", "b:5", "c.1:6", "c:7", "d:8"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, RewindGivesUnsettledRowsOnceMore) {
  append("a", "1\n");
  append("b", "2\n");
  start();
  std::vector<EventBatch> under_way;
  EventBatch batch;
  while (under_way.size() < 2) {
    const auto got = source_->next(batch, Wait::for_duration(1s));
    ASSERT_TRUE(got.ok());
    under_way.push_back(std::exchange(batch, EventBatch()));
  }
  under_way.clear();  // the last copies go: not delivered
  ASSERT_TRUE(source_->rewind().ok());
  EXPECT_THAT(rows(2), ElementsAre("a:1", "b:2"));
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, ManyFilesNeedFewDescriptors) {
  constexpr int kFiles = 300;
  for (int i = 0; i < kFiles; ++i) {
    append(std::to_string(i), "1\nhalf");
  }
  start();
  EXPECT_EQ(rows(kFiles).size(), size_t{kFiles});
  const auto open_files = std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  EXPECT_LT(open_files, 200);
  for (int i = 0; i < kFiles; ++i) {
    append(std::to_string(i), " line\n");
  }
  const auto second = rows(kFiles);
  EXPECT_EQ(second.size(), size_t{kFiles});
  EXPECT_EQ(second[0], "0:half line");
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TailDirTest, CheckpointsAreOnlyOfSettledRows) {
  append("a", "1\n");
  start();
  EXPECT_THAT(rows(1), ElementsAre("a:1"));
  ASSERT_TRUE(source_->checkpoint().ok());
  append("a", "2\n");
  EXPECT_THAT(rows(1), ElementsAre("a:2"));
  kill();
  append("a", "3\n");
  start();
  EXPECT_THAT(rows(2), ElementsAre("a:2", "a:3"));
}

// The copy's name is none that is followed, and nothing of the file was settled yet.
TEST_P(TailDirTest, AKillBeforeTheFirstCheckpointFindsACopyToo) {
  append("a.log", "1\n");
  start({{"fileregex", {".*\\.log|mark.*"}}});
  EXPECT_THAT(rows(1), ElementsAre("a.log:1"));
  kill();
  append("a.log", "2\n");
  fs::copy_file(path("a.log"), path("a.log.1"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "3\n");
  start({{"fileregex", {".*\\.log|mark.*"}}});
  EXPECT_THAT(rows(3), ElementsAre("a.log.1:1", "a.log.1:2", "a.log:3"));
  EXPECT_THAT(rest(), IsEmpty());
}

// Its saved name is a rotated one already, and the file has got the next one meanwhile.
TEST_P(TailDirTest, AKillFindsAFileThatIsRotatedAgain) {
  append("a.log", "1\n");
  start({{"fileregex", {".*\\.log|mark.*"}}});
  EXPECT_THAT(rows(1), ElementsAre("a.log:1"));
  ASSERT_TRUE(source_->checkpoint().ok());
  stop();
  append("a.log", "2\n");
  rename("a.log", "a.log.1");
  start({{"fileregex", {".*\\.log|mark.*"}}});
  ASSERT_TRUE(source_->checkpoint().ok());  // nothing was read: it is at a.log.1
  kill();
  rename("a.log.1", "a.log.2");
  append("a.log.1", "3\n");  // was at a.log, and nobody has looked
  append("a.log", "4\n");
  start({{"fileregex", {".*\\.log|mark.*"}}});
  EXPECT_THAT(rows(3), UnorderedElementsAre("a.log.2:2", "a.log.1:3", "a.log:4"));
  EXPECT_THAT(rest(), IsEmpty());
}

// It was seen, and has lost its name when it is to be opened; nothing has told of that yet.
TEST_P(TailDirTest, AFileThatIsRenamedBeforeItIsOpenedIsRead) {
  append("a.log", "1\n2");
  start({{"fileregex", {".*\\.log|mark.*"}}});
  rename("a.log", "a.log.1");
  EXPECT_THAT(rows(1), ElementsAre("a.log.1:1"));
  append("a.log", "3\n");
  EXPECT_THAT(rows(2), ElementsAre("a.log.1:2", "a.log:3"));
  EXPECT_THAT(rest(), IsEmpty());
}

}  // namespace
}  // namespace flume::node

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "common/base/fault.h"
#include "common/base/random.h"
#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_tail(Registry& registry);

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class TailTest : public testing::Test {
 protected:
  void TearDown() override {
    disarm_faults();
    stop();
  }

  void start(const std::string& name = "tail", test::GivenArgs args = {}) {
    if (args.empty()) {
      args = {{"file", {file_}}};
    }
    source_ = rig_.make(name, args);
    const Status status = rig_.open(*source_);
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  void start_with(std::initializer_list<test::GivenArgs::value_type> more) {
    test::GivenArgs args{{"file", {file_}}};
    args.insert(args.end(), more);
    start("tail", args);
  }
  void stop() {
    if (source_ != nullptr) {
      EXPECT_TRUE(source_->close({}).ok());
      source_.reset();
    }
  }
  // Nothing that was not synced survives.
  void kill() {
    test::write_file(rig_.dir / "kept", test::contents_of(rig_.dir / "state/positions"));
    stop();
    fs::rename(rig_.dir / "kept", rig_.dir / "state/positions");
    rig_.reopen_positions();
  }
  void append(const std::string& text) { append(file_, text); }
  static void append(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::app | std::ios::binary) << text;
  }
  static void rename(const std::string& from, const std::string& to) { fs::rename(from, to); }
  // As if it had been written at that second.
  static void set_age(const std::string& file, int seconds) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
  }
  std::string read() { return rig_.read(*source_); }
  // What comes now, and once rotated files had their time.
  std::string read_all() {
    std::string text = read();
    rig_.clock.advance(6s);
    return text + read();
  }

  test::SourceRig rig_{register_source_tail};
  const std::string file_ = rig_.dir / "log";
  std::unique_ptr<Source> source_;
};

TEST_F(TailTest, GivesWhatIsThereAndWhatIsAdded) {
  append("one\ntwo\n");
  start();
  const auto events = rig_.events(*source_);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].body, "one");
  EXPECT_EQ(events[0].host, "host1");
  EXPECT_EQ(events[0].timestamp, 1'600'000'000'000);
  EXPECT_EQ(events[0].priority, Priority::kInfo);
  EXPECT_THAT(events[0].attributes, ElementsAre(testing::Pair("tailSrcFile", "log")));
  EXPECT_EQ(events[1].body, "two");
  EXPECT_EQ(read(), "");
  append("three\n");
  EXPECT_EQ(read(), "three\n");
}

TEST_F(TailTest, KeepsHalfALineUntilItsEndComes) {
  append("one\nha");
  start();
  EXPECT_EQ(read(), "one\n");
  append("lf");
  EXPECT_EQ(read(), "");
  append("\n");
  EXPECT_EQ(read(), "half\n");
}

TEST_F(TailTest, KeepsEveryByteAsItIs) {
  std::string text;
  Random random(1);
  for (int i = 0; i < 3'000'000; ++i) {
    text.push_back(static_cast<char>(random() % 200 == 0 ? '\n' : random()));
  }
  text += "dos\r\n\r\n\n\0nul\0\n";
  text += std::string("\0\0\n\xff\xfe\n", 6);
  append(text);
  start();
  EXPECT_EQ(read(), text);
}

TEST_F(TailTest, ARowKnowsItsPlaceInTheFile) {
  append("one\ntwo\n");
  start();
  const auto first = rig_.batches(*source_);
  append("three\n");
  const auto second = rig_.batches(*source_);
  ASSERT_EQ(first.size() + second.size(), 2U);
  EXPECT_TRUE(first[0].origin().counts_bytes);
  EXPECT_EQ(first[0].origin_position(1), 4U);
  EXPECT_EQ(second[0].origin().position, 8U);
  EXPECT_EQ(second[0].origin().end_position, 14U);
  EXPECT_EQ(second[0].origin().stream, first[0].origin().stream);
}

TEST_F(TailTest, WaitsForAFileThatIsNotThereYet) {
  start("tail", {{"file", {rig_.dir / "folder/log"}}});
  EXPECT_EQ(read(), "");
  fs::create_directory(rig_.dir / "folder");
  EXPECT_EQ(read(), "");
  append(rig_.dir / "folder/log", "late\n");
  EXPECT_EQ(read(), "late\n");
}

TEST_F(TailTest, RefusesAFolder) {
  const auto source = rig_.make("tail", {{"file", {rig_.dir.path()}}});
  EXPECT_EQ(rig_.open(*source).to_string(), "invalid: tail \"" + rig_.dir.path() +
                                                "\": is a folder, not a file (tailDir follows the files of a folder)");
}

TEST_F(TailTest, RefusesAPipe) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  const auto source = rig_.make("tail", {{"file", {file_}}});
  EXPECT_EQ(rig_.open(*source).to_string(), "invalid: tail \"" + file_ + "\": is not a regular file");
}

TEST_F(TailTest, SaysWhenItMayNotReadTheFile) {
  append("one\n");
  arm_fault("tail.open", Status::from_errno(EACCES, "open \"log\""));
  const auto source = rig_.make("tail", {{"file", {file_}}});
  const Status status = rig_.open(*source);
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_EQ(status.message(), "open \"log\": Permission denied (EACCES)");
}

TEST_F(TailTest, AfterAReadErrorGoesOnWhereItWas) {
  append("one\n");
  start();
  EXPECT_EQ(read(), "one\n");
  append("two\n");
  arm_fault("tail.read", Status(Code::kIo, "read \"log\": input/output error"));
  EventBatch batch;
  EXPECT_EQ(source_->next(batch, Wait{TimePoint(), {}}).status().to_string(), "io: read \"log\": input/output error");
  stop();
  start();
  EXPECT_EQ(read(), "two\n");
}

// ---- rotation while running

TEST_F(TailTest, Rename_ReadsTheOldFileToItsEndThenTheNewOne) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\nhalf");
  rename(file_, file_ + ".1");
  append("3\n");
  EXPECT_EQ(read(), "2\n3\n");
  append(file_ + ".1", " line\n4\n");  // its writer has not noticed yet
  EXPECT_EQ(read(), "half line\n4\n");
}

TEST_F(TailTest, Rename_GivesALastLineWithoutEndWhenTheOldFileIsQuiet) {
  append("1\nend");
  start();
  EXPECT_EQ(read(), "1\n");
  rename(file_, file_ + ".1");
  append("2\n");
  EXPECT_EQ(read(), "2\n");
  rig_.clock.advance(6s);
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("end"));
}

TEST_F(TailTest, Rename_WithoutANewFileKeepsReadingTheOldOne) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  rename(file_, file_ + ".1");
  append(file_ + ".1", "2\n");
  EXPECT_EQ(read(), "2\n");
  rig_.clock.advance(60s);
  append(file_ + ".1", "3\n");
  EXPECT_EQ(read(), "3\n");
  append("4\n");
  EXPECT_EQ(read(), "4\n");
}

TEST_F(TailTest, Rename_AndBackIsTheSameFile) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  rename(file_, file_ + ".1");
  append("other\n");
  EXPECT_EQ(read(), "other\n");
  rename(file_ + ".1", file_);
  append("2\n");
  EXPECT_EQ(read(), "2\n");
}

TEST_F(TailTest, TwoRenamesBetweenTwoLooksLoseNothing) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\n");
  set_age(file_, 20);
  rename(file_, file_ + ".2");
  append("3\n");
  set_age(file_, 10);
  rename(file_, file_ + ".1");
  append("4\n");
  EXPECT_EQ(read_all(), "2\n3\n4\n");
}

TEST_F(TailTest, RemoveAndCreate_GivesBothFiles) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\n");
  fs::remove(file_);
  append("3\n");
  EXPECT_EQ(read(), "2\n3\n");
}

TEST_F(TailTest, Remove_GivesALastLineWithoutEndAndLetsTheFileGo) {
  append("1\nend");
  start();
  EXPECT_EQ(read(), "1\n");
  fs::remove(file_);
  EXPECT_EQ(read(), "");
  rig_.clock.advance(6s);
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("end"));
  rig_.clock.advance(6s);
  EXPECT_EQ(read(), "");
  size_t open_files = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    open_files += fs::read_symlink(entry, error).string().find(file_) != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(open_files, 0U);
  append("2\n");
  EXPECT_EQ(read(), "2\n");
}

TEST_F(TailTest, CopyAndTruncate_LosesNothingThatIsInTheCopy) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\nhalf");
  fs::copy_file(file_, file_ + ".1");
  fs::resize_file(file_, 0);
  append("3\n");
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("2", "half", "3"));
}

TEST_F(TailTest, CopyAndTruncate_MoreThanOnceBetweenTwoLooks) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\n");
  for (const char* copy : {".2", ".1"}) {
    fs::copy_file(file_, file_ + copy);
    fs::resize_file(file_, 0);
    ::poll(nullptr, 0, 20);  // times of change that differ
    append(str_cat("behind ", copy, "\n"));
  }
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("2", "behind .2", "behind .1"));
}

TEST_F(TailTest, CopyAndTruncate_WithAnUnfinishedBatchUnderWay) {
  append("1\n2\n");
  start();
  const auto under_way = rig_.batches(*source_);
  fs::copy_file(file_, file_ + ".1");
  fs::resize_file(file_, 0);
  append("3\n");
  EXPECT_EQ(read(), "3\n");
  for (const EventBatch& batch : under_way) {
    batch.settle(Outcome::kNotDelivered);
  }
  ASSERT_TRUE(source_->rewind().ok());
  EXPECT_EQ(read(), "1\n2\n3\n");  // the tracker is one for both: what follows the gap comes again
}

TEST_F(TailTest, Truncate_ToNothingBeginsAnew) {
  append("1\n2\n");
  start();
  EXPECT_EQ(read(), "1\n2\n");
  fs::resize_file(file_, 0);
  EXPECT_EQ(read(), "");
  append("3\n");
  EXPECT_EQ(read(), "3\n");
}

TEST_F(TailTest, Truncate_AndRewriteIsSeenWhateverTheNewLength) {
  for (const std::string text : {"b\n", "bbbb\n", "bbbbbbbbbbbbbbbbb\n"}) {  // shorter, equal, longer
    fs::remove(file_);
    append("aaaa\n");
    start();
    EXPECT_EQ(read(), "aaaa\n");
    test::write_file(file_, text);
    set_age(file_, -10);
    EXPECT_EQ(read(), text);
    stop();
    fs::remove_all(rig_.dir / "state");
    rig_.reopen_positions();
  }
}

TEST_F(TailTest, Truncate_ToAPartOfWhatWasReadReadsOnlyWhatFollows) {
  const std::string kept(300, 'k');
  append(kept + "\n2\n3\n");
  start();
  EXPECT_EQ(read(), kept + "\n2\n3\n");
  fs::resize_file(file_, 301);
  EXPECT_EQ(read(), "");
  append("4\n");
  EXPECT_EQ(read(), "4\n");
}

TEST_F(TailTest, AFolderInTheFilesPlaceIsAnError) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  fs::remove(file_);
  fs::create_directory(file_);
  EventBatch batch;
  EXPECT_EQ(source_->next(batch, Wait{TimePoint(), {}}).status().to_string(),
            "invalid: tail \"" + file_ + "\": is a folder");
}

TEST_F(TailTest, ManyRotationsKeepNoFilesOpen) {
  append("0\n");
  start();
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  EXPECT_EQ(read(), "0\n");
  const auto before = open_files();
  for (int i = 1; i <= 300; ++i) {
    rename(file_, file_ + ".1");
    append(std::to_string(i) + "\n");
    EXPECT_EQ(read(), std::to_string(i) + "\n");
    rig_.clock.advance(6s);
    EXPECT_EQ(read(), "");
  }
  EXPECT_LE(open_files(), before + 1);
}

// ---- restarts

TEST_F(TailTest, ARestartGoesOnExactlyWhereItWas) {
  append("1\n2\nha");
  start();
  EXPECT_EQ(read(), "1\n2\n");
  stop();
  append("lf\n3\n");
  start();
  EXPECT_EQ(read(), "half\n3\n");
}

TEST_F(TailTest, ARestartFindsARenamedFileAgain) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  stop();
  append("2\n");
  set_age(file_, 30);
  rename(file_, file_ + ".2");
  append("3\n");
  set_age(file_, 20);
  rename(file_, file_ + ".1");
  append("4\n");
  start();
  EXPECT_EQ(read_all(), "2\n3\n4\n");
}

TEST_F(TailTest, ARestartFindsATruncatedFilesCopy) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  stop();
  append("2\n");
  fs::copy_file(file_, file_ + "-20260131");
  fs::resize_file(file_, 0);
  append("3\n");
  start();
  EXPECT_EQ(read_all(), "2\n3\n");
}

TEST_F(TailTest, ARestartKnowsAnotherContentUnderTheSameInode) {
  for (const std::string text : {"b\n", "bbbb\n", "bbbbbbbbb\n"}) {
    fs::remove(file_);
    append("aaaa\n");
    start();
    EXPECT_EQ(read(), "aaaa\n");
    stop();
    test::write_file(file_, text);  // the inode, and its birth, stay
    start();
    EXPECT_EQ(read(), text);
    stop();
    fs::remove_all(rig_.dir / "state");
    rig_.reopen_positions();
  }
}

TEST_F(TailTest, ARestartLooksAtTheHeadAndAtTheBytesBeforeItsPlace) {
  std::string text;
  for (int line = 100; line < 120; ++line) {
    text += std::to_string(line) + std::string(96, 'x') + "\n";
  }
  for (const size_t changed : {size_t{5}, text.size() - 5}) {  // the rest is as it was, and so is the inode
    fs::remove(file_);
    append(text);
    start();
    EXPECT_EQ(read(), text);
    stop();
    std::string other = text;
    other[changed] = '!';
    other += "more\n";
    test::write_file(file_, other);
    start();
    EXPECT_EQ(read(), other);
    stop();
    fs::remove_all(rig_.dir / "state");
    rig_.reopen_positions();
  }
}

TEST_F(TailTest, ARestartReadsARemovedAndCreatedFileFromItsStart) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  stop();
  fs::remove(file_);
  append("1\n2\n");  // begins as the old one did; the inode may be the same one again, its birth is not
  start();
  EXPECT_EQ(read(), "1\n2\n");
}

TEST_F(TailTest, APositionMovesOnlyOverSettledRows) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\n");
  const auto under_way = rig_.batches(*source_);
  ASSERT_EQ(under_way.size(), 1U);
  ASSERT_TRUE(source_->checkpoint().ok());
  kill();
  start();
  EXPECT_EQ(read(), "2\n");
}

TEST_F(TailTest, AKillRepeatsWhatWasDeliveredSinceTheLastCheckpointAndSkipsNothing) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  ASSERT_TRUE(source_->checkpoint().ok());
  append("2\n");
  EXPECT_EQ(read(), "2\n");
  kill();
  append("3\n");
  start();
  EXPECT_EQ(read(), "2\n3\n");
}

TEST_F(TailTest, AKillBeforeTheFirstCheckpointFindsACopyToo) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  kill();
  append("2\n");
  fs::copy_file(file_, file_ + ".1");
  fs::resize_file(file_, 0);
  append("3\n");
  start();
  EXPECT_EQ(read_all(), "1\n2\n3\n");
}

TEST_F(TailTest, RewindGivesUnsettledRowsOnceMoreAndNothingElse) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\n");
  const auto lost = rig_.batches(*source_);
  append("3\n4\nha");
  const auto later = rig_.batches(*source_);
  lost[0].settle(Outcome::kNotDelivered);
  ASSERT_TRUE(source_->rewind().ok());
  append("lf\n");
  EXPECT_EQ(read(), "2\n3\n4\nhalf\n");
  EXPECT_EQ(read(), "");
}

TEST_F(TailTest, RewindReachesIntoARotatedFile) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  append("2\n");
  auto under_way = rig_.batches(*source_);
  rename(file_, file_ + ".1");
  append("3\n");
  EXPECT_EQ(read(), "3\n");
  rig_.clock.advance(6s);
  EXPECT_EQ(read(), "");
  under_way.clear();  // the last copy goes: not delivered
  ASSERT_TRUE(source_->rewind().ok());
  EXPECT_EQ(read(), "2\n3\n");
}

// ---- arguments

TEST_F(TailTest, StartFromEnd_SkipsWhatIsThereAtTheVeryFirstStartOnly) {
  append("old\n");
  start_with({{"startFromEnd", {true}}});
  EXPECT_EQ(read(), "");
  append("1\n");
  kill();
  append("2\n");
  start_with({{"startFromEnd", {true}}});
  EXPECT_EQ(read(), "1\n2\n");
}

TEST_F(TailTest, LongLines_AreSplitAtTheLimit) {
  rig_.limits.event_bytes = 10;
  rig_.reopen_positions();
  append("a\n" + std::string(25, 'x') + "\nb\n0123456789\n");
  start();
  const std::string ten(10, 'x');
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("a", ten, ten, "xxxxx", "b", "0123456789"));
  EXPECT_EQ(rig_.count("flume_lines_cut_total"), 2U);
}

TEST_F(TailTest, LongLines_AreCutAtTheLimitIfSoWished) {
  rig_.limits.event_bytes = 10;
  rig_.reopen_positions();
  append("a\n" + std::string(25, 'x') + "\nb\n");
  start_with({{"longLines", {"cut"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("a", std::string(10, 'x'), "b"));
  EXPECT_EQ(rig_.count("flume_lines_cut_total"), 1U);
  EXPECT_EQ(rig_.count("flume_cut_bytes_total"), 16U);  // with the newline
  stop();
  append("c\n");
  start();
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("c"));
}

TEST_F(TailTest, LongLines_ARestartInTheMiddleOfACutLineSkipsItsRest) {
  rig_.limits.event_bytes = 10;
  rig_.reopen_positions();
  append("a\n" + std::string(200, 'x'));
  start_with({{"longLines", {"cut"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("a", std::string(10, 'x')));
  stop();
  append("xxx\nb\n");
  start_with({{"longLines", {"cut"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("b"));
}

TEST_F(TailTest, LongLines_AMillionBytesInManyReads) {
  rig_.limits.event_bytes = 1 << 20;
  rig_.reopen_positions();
  const std::string line(1 << 20, 'y');
  append(line + "\n" + line + line + "\nz\n");
  start();
  const auto bodies = rig_.bodies(*source_);
  ASSERT_EQ(bodies.size(), 4U);
  EXPECT_EQ(bodies[0], line);
  EXPECT_EQ(bodies[1] + bodies[2], line + line);
  EXPECT_EQ(bodies[3], "z");
}

TEST_F(TailTest, Delim_ExcludeDropsWhatItMatched) {
  append("a\nb\n\nc\nd\ne\n\n\nf\ng\n\n\n\nh");
  start_with({{"delim", {"\n\n+"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("a\nb", "c\nd\ne", "f\ng"));
  append("i\n\n");
  EXPECT_THAT(rig_.bodies(*source_), IsEmpty());  // the delimiter may go on
  append("j");
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("hi"));
}

TEST_F(TailTest, Delim_PrevKeepsItAtTheEnd) {
  append("<a>1</a><a>2</a>x");
  start_with({{"delim", {"</a>"}}, {"delimMode", {"prev"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("<a>1</a>", "<a>2</a>"));
}

TEST_F(TailTest, Delim_NextKeepsItAtTheStart) {
  append("<a>1<a>2<a>3");
  start_with({{"delim", {"<a>"}}, {"delimMode", {"next"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("<a>1", "<a>2"));
  stop();
  append("<a>");
  start_with({{"delim", {"<a>"}}, {"delimMode", {"next"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("<a>3"));
}

TEST_F(TailTest, Delim_LongRecordsAreCutAndTheRestSkippedAcrossReads) {
  rig_.limits.event_bytes = 10;
  rig_.reopen_positions();
  append("ab;" + std::string(1'000'000, 'x') + ";cd;");
  start_with({{"delim", {";"}}, {"longLines", {"cut"}}});
  EXPECT_THAT(rig_.bodies(*source_), ElementsAre("ab", std::string(10, 'x'), "cd"));
}

TEST_F(TailTest, Delim_ThatMatchesNothingIsRefused) {
  const auto source = rig_.make("tail", {{"file", {file_}}, {"delim", {"x*"}}});
  EXPECT_EQ(rig_.open(*source).to_string(), "invalid: delim: regular expression \"x*\" matches the empty text");
}

TEST_F(TailTest, Multitail_GivesTheLinesOfAllItsFiles) {
  const std::string other = rig_.dir / "other";
  append("1\n");
  append(other, "a\n");
  start("multitail", {{"file", {file_, other}}});
  const auto events = rig_.events(*source_);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].attributes.at("tailSrcFile") + " " + events[0].body, "log 1");
  EXPECT_EQ(events[1].attributes.at("tailSrcFile") + " " + events[1].body, "other a");
  append(other, "b\n");
  EXPECT_EQ(read(), "b\n");
  stop();
  append(other, "c\n");
  append("2\n");
  start("multitail", {{"file", {file_, other}}});
  EXPECT_EQ(read(), "2\nc\n");
}

// ---- waking

TEST_F(TailTest, IsWokenByTheWriter) {
  append("1\n");
  start();
  EXPECT_EQ(read(), "1\n");
  std::thread writer([this] { append("2\n"); });
  EventBatch batch;
  const auto got = source_->next(batch, Wait::for_duration(60s));
  writer.join();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(batch.blob(), "2\n");
}

TEST_F(TailTest, StopEndsTheWait) {
  start();
  StopSource stop;
  std::thread stopper([&stop] { stop.request_stop(); });
  EventBatch batch;
  const auto got = source_->next(batch, Wait::for_duration(60s, stop.token()));
  stopper.join();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(*got, Source::Next::kNothingYet);
}

TEST(TailPolling, LooksEveryPollPeriodWhereTheKernelDoesNotTell) {
  test::SourceRig rig(register_source_tail, false);
  ASSERT_TRUE(rig.settings.set("flume.tail.pollperiod", "1", "test").ok());
  const auto source = rig.make("tail", {{"file", {rig.dir / "log"}}});
  ASSERT_TRUE(rig.open(*source).ok());
  std::thread writer([&] { test::write_file(rig.dir / "log", "1\n"); });
  EventBatch batch;
  const auto got = source->next(batch, Wait::for_duration(60s));
  writer.join();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(batch.blob(), "1\n");
  EXPECT_TRUE(source->close({}).ok());
}

}  // namespace
}  // namespace flume::node

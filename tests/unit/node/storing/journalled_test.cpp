// Rows that a write-ahead log sent are in the output once, whatever happens: a crash is a sink that is dropped as it
// is, with bytes behind what it promised; then everything comes again with the same numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "common/base/fault.h"
#include "common/journal/journal.h"
#include "tests/support/crash_files.h"
#include "tests/support/storing_rig.h"

namespace flume::node {

void register_sink_dfs(Registry& registry);
void register_sink_text(Registry& registry);

namespace {

using test::format_value;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr Id128 kStream{7};

void register_both(Registry& registry) {
  register_sink_dfs(registry);
  register_sink_text(registry);
}

class Journalled : public ::testing::Test {
 protected:
  Journalled() : rig_(register_both) { start(); }
  ~Journalled() override {
    disarm_faults();
    disk_.fail_at(-1);
    sink_.reset();
    journal_.reset();
  }

  // A new process.
  void start() {
    rig_.restart_storage();
    journal_ = std::make_unique<journal::Journal>(journal::JournalOptions{.folder = "/n1"}, disk_, rig_.clock);
    rig_.context->journal = journal_.get();
  }
  // The old one ended in order.
  void restart() {
    sink_.reset();
    journal_.reset();
    start();
  }
  // The power goes off: nothing more reaches the journal's disk. The last bytes written to a file may be there or not.
  void crash(const std::string& working_file = "", const std::string& garbage = "") {
    lost_ = rig_.count("flume_rows_in_total") - rig_.count("flume_rows_out_total") -
            rig_.count("flume_rows_returned_total");
    disk_.crash_at(0);
    (void)disk_.remove("/n1/none");  // passes the point
    sink_.reset();
    journal_.reset();
    if (!working_file.empty()) {
      std::ofstream(rig_.dir / working_file, std::ios::app) << garbage;
    }
    disk_.revive(test::Tail::kDropped, test::Names::kSynced, 0);
    start();
  }
  void plain(const std::string& ack = "sync") {
    open(
        rig_.make_sink("formatDfs", {{"path", {rig_.dir / "out"}}, {"format", {format_value("raw")}}, {"ack", {ack}}}));
  }
  void text() { open(rig_.make_sink("text", {{"file", {rig_.dir / "log"}}, {"format", {format_value("raw")}}})); }
  void buckets() {
    open(rig_.make_sink("escapedFormatDfs",
                        {{"path", {rig_.dir / "d"}}, {"file", {"%{host}"}}, {"format", {format_value("raw")}}}));
  }
  void open(std::unique_ptr<Sink> sink) {
    sink_ = std::move(sink);
    const Status status = rig_.open(*sink_);
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  // Rows first, first + 1 ... of the stream.
  EventBatch rows(uint64_t first, uint32_t count, const Id128& stream = kStream) {
    std::string text;
    for (uint64_t i = first; i < first + count; ++i) {
      str_append(text, "row ", i, "\n");
    }
    return rig_.lines(text).with_hop({stream, first, 0, count});
  }
  EventBatch rows_of_hosts(uint64_t first, uint32_t count) {
    std::vector<Event> events(count);
    for (uint32_t i = 0; i < count; ++i) {
      events[i].body = str_cat("row ", first + i);
      events[i].host = (first + i) % 3 == 0 ? "a" : "b";
    }
    return rig_.events(events).with_hop({kStream, first, 0, count});
  }
  static std::string text_of(uint64_t first, uint64_t below) {
    std::string text;
    for (uint64_t i = first; i < below; ++i) {
      str_append(text, "row ", i, "\n");
    }
    return text;
  }
  void append(const EventBatch& batch) {
    const AppendResult result = sink_->append(batch, test::StoringRig::wait());
    ASSERT_TRUE(result.status.ok()) << result.status.to_string();
    ASSERT_EQ(result.taken, batch.rows());
  }
  void flush() { ASSERT_TRUE(sink_->flush(test::StoringRig::wait()).ok()); }
  void close() {
    const Status status = sink_->close(test::StoringRig::wait());
    ASSERT_TRUE(status.ok()) << status.to_string();
    EXPECT_TRUE(sink_->take_back().empty());
    expect_balance();
  }
  // Nothing is held at the end, and counts go on over a crash here.
  void expect_balance() {
    EXPECT_EQ(rig_.count("flume_rows_held"), 0U);
    EXPECT_EQ(rig_.count("flume_rows_in_total"),
              rig_.count("flume_rows_out_total") + rig_.count("flume_rows_returned_total") + lost_);
  }
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rig_.dir.path())) {
      const std::string name = entry.path().string().substr(rig_.dir.path().size() + 1);
      if (entry.is_regular_file() && !name.starts_with("state/")) {
        found[name] = test::contents_of(entry.path().string());
      }
    }
    return found;
  }
  uint64_t repeated() { return static_cast<uint64_t>(rig_.count("flume_rows_repeated_total")); }

  test::CrashFiles disk_;  // of the journal
  std::unique_ptr<journal::Journal> journal_;
  test::StoringRig rig_;
  std::unique_ptr<Sink> sink_;
  uint64_t lost_ = 0;  // rows that a crashed process held
};

TEST_F(Journalled, RowsWithoutAHopCostNothing) {
  plain();
  append(rig_.lines("one\n"));
  flush();
  close();
  EXPECT_EQ(disk_.points(), 0);
  EXPECT_EQ(rig_.settled(), 1U);
}

TEST_F(Journalled, RowsAreSettledWhenTheJournalHasThem) {
  plain();
  append(rows(0, 2));
  disk_.fail_at(0, 1'000'000);
  EXPECT_EQ(sink_->flush(Wait::for_duration(std::chrono::milliseconds(20))).code(), Code::kTimeout);
  EXPECT_EQ(rig_.settled(), 0U);
  disk_.fail_at(-1);
  flush();
  EXPECT_EQ(rig_.settled(), 2U);
  close();
}

TEST_F(Journalled, ASenderThatWaitsGetsASyncAtOnce) {
  plain();
  append(rows(0, 2));
  EXPECT_LE(sink_->due(), rig_.clock.now());
  ASSERT_TRUE(rig_.pass(*sink_, {}).ok());
  EXPECT_EQ(rig_.settled(), 2U);
  EXPECT_EQ(sink_->due(), TimePoint::max());
  // The next one no sooner than flume.storage.ack.millis after the last.
  const TimePoint before = rig_.clock.now();
  append(rows(2, 1));
  ASSERT_TRUE(sink_->tick(before).ok());  // begins a sync
  append(rows(3, 1));
  while (rig_.settled() < 3) {
    ASSERT_TRUE(sink_->tick(before).ok());
  }
  EXPECT_EQ(sink_->due(), before + std::chrono::milliseconds(2));
  close();
  EXPECT_EQ(rig_.settled(), 4U);
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 4))));
}

TEST_F(Journalled, AfterACrashEveryRowIsThereOnce) {
  plain();
  append(rows(0, 3));
  flush();
  append(rows(3, 3));  // written, promised to nobody
  crash("out.tmp", "row 6\nro");
  plain();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 3)), Pair("out.1.tmp", "")));
  append(rows(0, 8));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 3)), Pair("out.1", text_of(3, 8))));
  EXPECT_EQ(repeated(), 3U);
}

TEST_F(Journalled, AnUnfinishedFileOfNothingPromisedGoes) {
  plain();
  append(rows(0, 3));
  crash("out.tmp", "");
  plain();
  EXPECT_THAT(files(), ElementsAre(Pair("out.tmp", "")));
  append(rows(0, 3));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 3))));
}

TEST_F(Journalled, RowsBeforeTheFirstWithAHopAreKept) {
  plain();
  append(rig_.lines("plain\n"));
  append(rows(0, 2));
  EXPECT_EQ(rig_.settled(), 1U) << "synced before the file came under the journal";
  crash("out.tmp", "more\n");
  plain();
  append(rows(0, 2));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", "plain\n"), Pair("out.1", text_of(0, 2))));
}

TEST_F(Journalled, RowsWithoutAHopInSuchAFileAreSettledLikeTheOthers) {
  plain();
  append(rows(0, 1));
  append(rig_.lines("plain\n"));
  flush();
  crash("out.tmp", "more\n");
  plain();
  EXPECT_THAT(files(), ElementsAre(Pair("out", "row 0\nplain\n"), Pair("out.1.tmp", "")));
}

TEST_F(Journalled, ATextFileIsCutToWhatWasPromised) {
  text();
  append(rows(0, 3));
  flush();
  append(rows(3, 3));
  crash("log", "row 6\nro");
  text();
  EXPECT_THAT(files(), ElementsAre(Pair("log", text_of(0, 3))));
  append(rig_.lines("plain\n"));
  flush();
  crash("log", "garbage");
  text();
  append(rows(0, 8));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("log", text_of(0, 3) + "plain\n" + text_of(3, 8))));
  EXPECT_EQ(repeated(), 3U);
}

TEST_F(Journalled, ATextFileThatWasClosedIsNotCut) {
  text();
  append(rows(0, 3));
  close();
  restart();
  std::ofstream(rig_.dir / "log", std::ios::app) << "of another program\n";
  text();
  append(rows(0, 4));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("log", text_of(0, 3) + "of another program\n" + text_of(3, 4))));
}

TEST_F(Journalled, AnotherTextFileOfTheSameNameIsNotCut) {
  text();
  append(rows(0, 3));
  flush();
  crash();
  std::filesystem::rename(rig_.dir / "log", rig_.dir / "log.1");
  test::write_file(rig_.dir / "log", std::string(1000, 'x') + "\n");
  text();
  append(rows(0, 4));
  close();
  EXPECT_THAT(files(),
              ElementsAre(Pair("log", std::string(1000, 'x') + "\n" + text_of(3, 4)), Pair("log.1", text_of(0, 3))));
}

TEST_F(Journalled, AShorterTextFileIsSaidAndGoesOn) {
  text();
  append(rows(0, 3));
  flush();
  crash();
  std::filesystem::resize_file(rig_.dir / "log", 6);
  text();
  append(rows(3, 1));
  flush();
  crash("log", "garbage");
  text();
  EXPECT_THAT(files(), ElementsAre(Pair("log", "row 0\nrow 3\n")));
}

TEST_F(Journalled, WithAckCommitACrashBeforePublishingRepeatsNothing) {
  plain("commit");
  append(rows(0, 3));
  ASSERT_TRUE(rig_.pass(*sink_, std::chrono::hours(1)).ok());
  EXPECT_EQ(rig_.settled(), 0U);
  arm_fault("io.rename", Status::from_errno(EIO, "rename"), 0, -1);
  EXPECT_EQ(sink_->close(test::StoringRig::wait()).code(), Code::kIo);
  EXPECT_EQ(rig_.settled(), 0U);
  crash();
  disarm_faults();
  plain("commit");
  append(rows(0, 5));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 3)), Pair("out.1", text_of(3, 5))));
}

TEST_F(Journalled, WithAckCommitACrashAfterPublishingRepeatsNothing) {
  plain("commit");
  append(rows(0, 3));
  close();
  EXPECT_EQ(rig_.settled(), 3U);
  crash();  // "gone" need not be there
  plain("commit");
  append(rows(0, 5));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 3)), Pair("out.1", text_of(3, 5))));
}

TEST_F(Journalled, NothingIsPublishedBeforeTheJournalKnowsIt) {
  plain("commit");
  append(rows(0, 3));
  disk_.fail_at(0, 1'000'000);
  EXPECT_EQ(sink_->close(Wait::for_duration(std::chrono::milliseconds(20))).code(), Code::kTimeout);
  EXPECT_THAT(files(), ElementsAre(Pair("out.tmp", text_of(0, 3))));
  disk_.fail_at(-1);
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 3))));
  EXPECT_EQ(rig_.settled(), 3U);
}

// A deflate file is whole only at its end: the journal hears its length before it is published all the same.
TEST_F(Journalled, CompressedFilesToo) {
  for (const auto& [codec, ending] : {std::pair("GzipCodec", ".gz"), std::pair("DefaultCodec", ".deflate")}) {
    SCOPED_TRACE(codec);
    ASSERT_TRUE(rig_.settings.set("flume.collector.dfs.compress.codec", codec, "test").ok());
    const Id128 stream{static_cast<uint8_t>(ending[1])};
    const uint64_t before = repeated();
    plain("commit");
    append(rows(0, 3, stream));
    arm_fault("io.rename", Status::from_errno(EIO, "rename"), 0, -1);
    EXPECT_EQ(sink_->close(test::StoringRig::wait()).code(), Code::kIo);
    const std::string whole = files()[str_cat("out", ending, ".tmp")];
    EXPECT_FALSE(whole.empty());
    crash(str_cat("out", ending, ".tmp"), "garbage");
    disarm_faults();
    plain("commit");
    EXPECT_EQ(files()[str_cat("out", ending)], whole);
    append(rows(0, 5, stream));
    close();
    EXPECT_EQ(repeated(), before + 3);
  }
}

TEST_F(Journalled, SeveralFiles) {
  buckets();
  append(rows_of_hosts(0, 9));
  flush();
  append(rows_of_hosts(9, 9));
  crash("d/a.tmp", "garbage\n");
  buckets();
  append(rows_of_hosts(0, 20));
  close();
  EXPECT_THAT(files(), UnorderedElementsAre(Pair("d/a", "row 0\nrow 3\nrow 6\n"),
                                            Pair("d/b", "row 1\nrow 2\nrow 4\nrow 5\nrow 7\nrow 8\n"),
                                            Pair("d/a.1", "row 9\nrow 12\nrow 15\nrow 18\n"),
                                            Pair("d/b.1", "row 10\nrow 11\nrow 13\nrow 14\nrow 16\nrow 17\nrow 19\n")));
}

TEST_F(Journalled, StreamsAndSinksAreToldApart) {
  plain();
  append(rows(0, 2));
  append(rows(0, 2, Id128{8}));
  flush();
  EXPECT_EQ(repeated(), 0U);
  EXPECT_TRUE(journal_->known("sink", kStream, 0, 2).rows.covers(0, 2));
  EXPECT_TRUE(journal_->known("sink", Id128{8}, 0, 2).rows.covers(0, 2));
  EXPECT_TRUE(journal_->known("sink.1", kStream, 0, 2).rows.empty());
  close();
}

TEST_F(Journalled, OfABatchOnlyWhatIsNewIsWritten) {
  plain();
  append(rows(2, 2));
  append(rows(6, 2));
  flush();
  append(rows(0, 10));
  close();
  EXPECT_EQ(repeated(), 4U);
  EXPECT_EQ(rig_.settled(), 14U);
  EXPECT_THAT(files(),
              ElementsAre(Pair("out", text_of(2, 4) + text_of(6, 8) + text_of(0, 2) + text_of(4, 6) + text_of(8, 10))));
}

// A write or sync of the data that fails, and the driver's life after it.
TEST_F(Journalled, AfterAFailureOfTheDataEveryRowIsThereOnce) {
  for (const char* name : {"formatDfs", "text"}) {
    for (const char* fault : {"io.write", "io.sync", "io.truncate", "io.rename", "io.sync_dir"}) {
      for (int skip = 0; skip < 5; ++skip) {
        SCOPED_TRACE(str_cat(name, " ", fault, " ", skip));
        const std::string file = str_cat(fault, skip, name);
        const auto make = [&] {
          sink_ = rig_.make_sink(name, {{std::string(name) == "text" ? "file" : "path", {rig_.dir / file}},
                                        {"format", {format_value("raw")}}});
        };
        make();
        const Id128 stream{static_cast<uint8_t>(skip + 1), static_cast<uint8_t>(fault[3]),
                           static_cast<uint8_t>(fault[7]), static_cast<uint8_t>(name[0])};
        arm_fault(fault, Status::from_errno(EIO, fault), skip);
        // Sends all rows, some of them one by one, until everything is taken and flushed.
        for (int round = 0; round < 20; ++round) {
          Status status = rig_.open(*sink_);
          for (uint64_t row = 0; row < 8 && status.ok(); row += 2) {
            status = sink_->append(rows(row, 2, stream), test::StoringRig::wait()).status;
            status = status.ok() && row == 2 ? sink_->flush(test::StoringRig::wait()) : status;
          }
          status = status.ok() ? sink_->close(test::StoringRig::wait()) : status;
          if (status.ok()) {
            break;
          }
          test::StoringRig::fail(*sink_);
        }
        disarm_faults();
        make();
        ASSERT_TRUE(rig_.open(*sink_).ok());  // finishes what kept its working name
        ASSERT_TRUE(sink_->close(test::StoringRig::wait()).ok());
        std::string all;
        for (const auto& [path, contents] : files()) {
          if (path.starts_with(file)) {
            EXPECT_FALSE(path.ends_with(".tmp") || path.ends_with(".aside")) << path;
            all += contents;
          }
        }
        EXPECT_EQ(all, text_of(0, 8));
      }
    }
  }
}

// Rows that were given back while their record was on its way: they are in the file, and wait for the record.
TEST_F(Journalled, RowsWhoseRecordIsOnItsWayAreNotWrittenAgain) {
  plain();
  append(rows(0, 2));
  flush();
  disk_.fail_at(0, 1'000'000);
  append(rows(2, 2));
  EXPECT_EQ(sink_->flush(Wait::for_duration(std::chrono::milliseconds(20))).code(), Code::kTimeout);
  std::vector<EventBatch> back = sink_->take_back();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(sink_->close(Wait::for_duration(std::chrono::milliseconds(20))).code(), Code::kTimeout);
  plain();  // another one, as after a change of the configuration
  append(back[0]);
  EXPECT_EQ(rig_.settled(), 2U) << "held";
  EXPECT_EQ(sink_->flush(Wait::for_duration(std::chrono::milliseconds(20))).code(), Code::kTimeout);
  back = sink_->take_back();
  ASSERT_EQ(back.size(), 1U);
  append(back[0]);
  disk_.fail_at(-1);
  flush();
  EXPECT_EQ(rig_.settled(), 4U);
  close();
  plain();
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 4))));
}

TEST_F(Journalled, AJournalThatCannotBeWrittenHoldsRowsUp) {
  plain();
  disk_.fail_at(0, 1'000'000);
  const AppendResult result = sink_->append(rows(0, 2), Wait::for_duration(std::chrono::milliseconds(200)));
  EXPECT_EQ(result.status.code(), Code::kTimeout);
  EXPECT_EQ(result.taken, 0U);
  EXPECT_THAT(std::string(result.status.message()), ::testing::HasSubstr("write the delivery journal: "));
  disk_.fail_at(-1);
  append(rows(0, 2));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 2))));
}

TEST_F(Journalled, AFullDiskUnderTheJournalOnlyDelays) {
  for (const int error : {ENOSPC, EIO}) {
    for (const char* fault : {"io.write", "io.sync", "io.create", "io.sync_dir"}) {
      SCOPED_TRACE(str_cat(fault, " ", error));
      const std::string folder = rig_.dir / str_cat("state/", fault, error);
      journal::Journal journal({.folder = folder}, local_files(), rig_.clock);
      ASSERT_TRUE(journal.open().ok());
      arm_fault(fault, Status::from_errno(error, fault), 0, 2);
      ASSERT_TRUE(journal
                      .wait(journal.commit(journal::Durable{"s", "", 0, {{kStream, 0, 9}}, rig_.clock.wall_millis()}),
                            test::StoringRig::wait())
                      .ok());
      disarm_faults();
      journal::Journal again({.folder = folder}, local_files(), rig_.clock);
      ASSERT_TRUE(again.open().ok());
      EXPECT_TRUE(again.known("s", kStream, 0, 9).rows.covers(0, 9));
    }
  }
}

TEST_F(Journalled, ADamagedJournalIsNoReasonNotToStart) {
  plain();
  append(rows(0, 2));
  flush();
  append(rows(2, 2));
  flush();
  crash();
  std::string* bytes = disk_.bytes_of("/n1/journal-1");
  ASSERT_NE(bytes, nullptr);
  (*bytes)[20] = static_cast<char>((*bytes)[20] ^ 1);  // the record that put the file under the journal
  plain();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 4)), Pair("out.1.tmp", ""))) << "as without a journal";
  append(rows(0, 6));
  close();
  EXPECT_THAT(files(), ElementsAre(Pair("out", text_of(0, 4)), Pair("out.1", text_of(4, 6))));
}

}  // namespace
}  // namespace flume::node

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "common/base/fault.h"
#include "common/event/writable_event.h"
#include "common/io/compressed_file.h"
#include "common/io/sequence_file.h"
#include "tests/support/storing_rig.h"

namespace flume::node {

void register_sink_dfs(Registry& registry);

namespace {

using namespace std::chrono_literals;
using test::format_value;
using ::testing::ElementsAre;
using ::testing::Pair;

class Dfs : public ::testing::Test {
 protected:
  Dfs() : rig_(register_sink_dfs) {}
  ~Dfs() override { disarm_faults(); }

  // One file, raw.
  std::unique_ptr<Sink> plain(const std::string& ack = "sync") {
    return opened(
        rig_.make_sink("formatDfs", {{"path", {rig_.dir / "out"}}, {"format", {format_value("raw")}}, {"ack", {ack}}}));
  }
  std::unique_ptr<Sink> escaped(const std::string& file) {
    return opened(rig_.make_sink(
        "escapedFormatDfs",
        {{"path", {"file://" + rig_.dir.path() + "/d"}}, {"file", {file}}, {"format", {format_value("raw")}}}));
  }
  std::unique_ptr<Sink> opened(std::unique_ptr<Sink> sink) {
    const Status status = rig_.open(*sink);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return sink;
  }
  static void append(Sink& sink, const EventBatch& batch) {
    const AppendResult result = sink.append(batch, test::StoringRig::wait());
    EXPECT_TRUE(result.status.ok()) << result.status.to_string();
    EXPECT_EQ(result.taken, batch.rows());
  }
  // All files below the folder, by their names from there.
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
  static Event event(const std::string& host, const std::string& body, int64_t timestamp = 0) {
    Event event;
    event.host = host;
    event.body = body;
    event.timestamp = timestamp;
    return event;
  }

  test::StoringRig rig_;
};

TEST_F(Dfs, AFileHasItsNameOnlyWhenItIsComplete) {
  const auto sink = plain();
  append(*sink, rig_.lines("one\ntwo\n"));
  EXPECT_THAT(files(), ElementsAre(Pair("out.tmp", "one\ntwo\n")));
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\ntwo\n")));
  EXPECT_EQ(rig_.settled(), 2U);
}

TEST_F(Dfs, AFileWithoutRowsIsNotLeftBehind) {
  const auto sink = plain();
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre());
  ASSERT_TRUE(sink->close({}).ok());
}

TEST_F(Dfs, ABatchOfRawRowsIsOneWrite) {
  const auto sink = plain();
  arm_fault("io.write", Status::from_errno(EIO, "write"), /*skip=*/1);
  append(*sink, rig_.lines("one\ntwo\nthree\n"));
  EXPECT_EQ(sink->append(rig_.lines("four\n"), {}).status.code(), Code::kIo);
}

TEST_F(Dfs, RowsAreSettledBySyncsInTheBackground) {
  const auto sink = plain();
  append(*sink, rig_.lines("one\ntwo\n"));
  EXPECT_EQ(sink->due(), rig_.clock.now() + 1s);
  ASSERT_TRUE(rig_.pass(*sink, 999ms).ok());
  EXPECT_EQ(rig_.settled(), 0U);
  ASSERT_TRUE(rig_.pass(*sink, 1ms).ok());
  EXPECT_EQ(rig_.settled(), 2U);
  EXPECT_EQ(sink->due(), TimePoint::max());
  EXPECT_EQ(rig_.count("flume_rows_out_total"), 2U);
  EXPECT_EQ(rig_.count("flume_rows_held"), 0U);
}

TEST_F(Dfs, RowsWrittenDuringASyncWaitForTheNextOne) {
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  rig_.clock.advance(1s);
  ASSERT_TRUE(sink->tick(rig_.clock.now()).ok());  // starts it
  append(*sink, rig_.lines("two\n"));
  while (rig_.settled() == 0) {
    rig_.clock.advance(5ms);
    ASSERT_TRUE(sink->tick(rig_.clock.now()).ok());
  }
  EXPECT_EQ(rig_.settled(), 1U);
  EXPECT_NE(sink->due(), TimePoint::max());
  ASSERT_TRUE(rig_.pass(*sink, 1s).ok());
  EXPECT_EQ(rig_.settled(), 2U);
}

TEST_F(Dfs, FlushSettlesEverything) {
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(sink->flush({}).ok());
  EXPECT_EQ(rig_.settled(), 1U);
  EXPECT_THAT(files(), ElementsAre(Pair("out.tmp", "one\n")));
}

TEST_F(Dfs, WithAckCommitOnlyPublishedRowsAreSettled) {
  const auto sink = plain("commit");
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(rig_.pass(*sink, 1h).ok());
  EXPECT_EQ(rig_.settled(), 0U);
  ASSERT_TRUE(sink->flush({}).ok());  // publishes: nothing else settles them
  EXPECT_EQ(rig_.settled(), 1U);
  append(*sink, rig_.lines("two\n"));
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\n"), Pair("out.1", "two\n")));
  EXPECT_EQ(rig_.settled(), 2U);
}

// R8
TEST_F(Dfs, WithAckCommitTheFileIsPublishedEarlyWhenSomebodyWaitsForIt) {
  const auto sink = plain("commit");
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(rig_.pass(*sink, 1h).ok());
  EXPECT_EQ(rig_.settled(), 0U);
  rig_.logs.commits().ask();
  EXPECT_LE(sink->due(), rig_.clock.now());
  ASSERT_TRUE(rig_.pass(*sink, 1s).ok());
  EXPECT_EQ(rig_.settled(), 1U);
  append(*sink, rig_.lines("two\n"));
  ASSERT_TRUE(rig_.pass(*sink, 1h).ok());
  EXPECT_EQ(rig_.settled(), 1U) << "one wish, one commit";
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\n"), Pair("out.1", "two\n")));
}

TEST_F(Dfs, WithAckSyncNothingIsPublishedEarly) {
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  rig_.logs.commits().ask();
  ASSERT_TRUE(rig_.pass(*sink, 1s).ok());
  append(*sink, rig_.lines("two\n"));
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\ntwo\n")));
}

TEST_F(Dfs, NothingIsEverReplaced) {
  test::write_file(rig_.dir / "out", "old");
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "old"), Pair("out.1", "one\n")));
}

TEST_F(Dfs, RowsGoToTheFileOfTheirHostInTheirOrder) {
  const auto sink = escaped("%{host}");
  append(*sink, rig_.events({event("a", "1"), event("b", "2"), event("a", "3"), event("a", "4"), event("b", "5")}));
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("d/a", "1\n3\n4\n"), Pair("d/b", "2\n5\n")));
  EXPECT_EQ(rig_.settled(), 5U);
}

TEST_F(Dfs, RowsOfOneBatchAreWrittenOnceForEachFile) {
  const auto sink = escaped("%{host}");
  arm_fault("io.write", Status::from_errno(EIO, "write"), /*skip=*/2, /*count=*/-1);
  append(*sink, rig_.events({event("a", "1"), event("b", "2"), event("a", "3"), event("b", "4")}));
  disarm_faults();
}

TEST_F(Dfs, BucketsOfTimeAreTheSameForAnyCutIntoBatches) {
  std::vector<Event> events;
  for (int64_t minute = 0; minute < 10; ++minute) {
    events.push_back(event("h", "at " + std::to_string(minute), minute * 60'000));
  }
  {
    const auto sink = escaped("all-%M");
    append(*sink, rig_.events(events));
    ASSERT_TRUE(sink->close({}).ok());
  }
  const auto sink = escaped("one-%M");
  for (const Event& one : events) {
    append(*sink, rig_.events({one}));
  }
  ASSERT_TRUE(sink->close({}).ok());
  auto found = files();
  EXPECT_EQ(found.size(), 20U);
  for (const auto& [name, contents] : found) {
    if (name.starts_with("d/all-")) {
      EXPECT_EQ(found["d/one-" + name.substr(6)], contents);
    }
  }
}

TEST_F(Dfs, AFileThatGetsNothingForAWhileIsPublished) {
  const auto sink = escaped("%{host}");
  append(*sink, rig_.events({event("a", "1")}));
  ASSERT_TRUE(rig_.pass(*sink, 1s).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("d/a.tmp", "1\n")));
  ASSERT_TRUE(rig_.pass(*sink, 600s).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("d/a", "1\n")));
}

TEST_F(Dfs, TheFileUsedLongestAgoIsClosedWhenTooManyAreOpen) {
  ASSERT_TRUE(rig_.settings.set("flume.storage.open.max", "2", "test").ok());
  const auto sink = escaped("%{host}");
  for (const char* host : {"a", "b", "a", "c"}) {
    rig_.clock.advance(1ms);
    append(*sink, rig_.events({event(host, "x")}));
  }
  ASSERT_TRUE(rig_.pass(*sink, 100ms).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("d/a.tmp", "x\nx\n"), Pair("d/b", "x\n"), Pair("d/c.tmp", "x\n")));
}

TEST_F(Dfs, DfsWritesSequenceFilesOfWholeEvents) {
  const auto sink = opened(rig_.make_sink("dfs", {{"path", {rig_.dir / "s-%{host}"}}}));
  const std::vector<Event> events = {event("a", "1", 5), event("a", "2", 6)};
  append(*sink, rig_.events(events));
  ASSERT_TRUE(sink->close({}).ok());
  const std::string file = test::contents_of(rig_.dir / "s-a");
  auto reader = SequenceReader::open(file, 1 << 20).value();
  EXPECT_EQ(reader.header().codec, SequenceCodec::kDeflate);
  for (const Event& expected : events) {
    EXPECT_EQ(*read_writable_event((*reader.next())->value, {}, nullptr), expected);
  }
  EXPECT_FALSE(reader.next()->has_value());
}

TEST_F(Dfs, TheCodecOfTheSettingsCompressesAndNamesTheFile) {
  ASSERT_TRUE(rig_.settings.set("flume.collector.dfs.compress.codec", "GzipCodec", "test").ok());
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(sink->flush({}).ok());
  append(*sink, rig_.lines("two\n"));
  ASSERT_TRUE(sink->close({}).ok());
  const std::string file = test::contents_of(rig_.dir / "out.gz");
  EXPECT_EQ(complete_gzip_length(file), file.size());
  EXPECT_EQ(rig_.settled(), 2U);
}

TEST_F(Dfs, AnUnknownCodecIsSaid) {
  ASSERT_TRUE(rig_.settings.set("flume.collector.dfs.compress.codec", "lzma", "test").ok());
  const auto sink = rig_.make_sink("formatDfs", {{"path", {rig_.dir / "out"}}});
  EXPECT_EQ(rig_.open(*sink).to_string(),
            "invalid: flume.collector.dfs.compress.codec: \"lzma\" is no compression codec: choose from None, "
            "GzipCodec, DefaultCodec");
}

TEST_F(Dfs, OtherStoresAreAnErrorThatSaysSo) {
  const auto sink = rig_.make_sink("dfs", {{"path", {std::string("hdfs://namenode/logs/%Y")}}});
  EXPECT_EQ(rig_.open(*sink).to_string(),
            "unsupported: write to \"hdfs://namenode/logs/%Y\": hdfs:// is not supported in this version, only "
            "file:// and plain paths");
  const auto file = rig_.make_sink("dfs", {{"path", {std::string("file://tmp/x")}}});
  EXPECT_EQ(rig_.open(*file).to_string(),
            "invalid: write to \"file://tmp/x\": a local path begins with three slashes, file:///");
}

TEST_F(Dfs, WrongPlacesAreSaidWhenItOpens) {
  test::write_file(rig_.dir / "file", "x");
  const auto below_file = rig_.make_sink("formatDfs", {{"path", {rig_.dir / "file/out"}}});
  EXPECT_EQ(rig_.open(*below_file).to_string(),
            "invalid: make folder \"" + rig_.dir.path() + "/file\": Not a directory (ENOTDIR)");
  arm_fault("io.create", Status::from_errno(EACCES, "create \"out\""));
  const auto forbidden = rig_.make_sink("formatDfs", {{"path", {rig_.dir / "out"}}});
  EXPECT_EQ(rig_.open(*forbidden).to_string(), "permission: create \"out\": Permission denied (EACCES)");
}

TEST_F(Dfs, AFolderInThePlaceOfTheFileIsNotReplaced) {
  std::filesystem::create_directory(rig_.dir / "out");
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out.1", "one\n")));
}

TEST_F(Dfs, OnAFullDiskNothingIsTakenAndWhatWasTakenIsSettled) {
  const auto sink = plain();
  append(*sink, rig_.lines("one\n"));
  const EventBatch second = rig_.lines("two\n");
  arm_fault("io.write", Status::from_errno(ENOSPC, "write"), 0, -1);
  const AppendResult result = sink->append(second, {});
  EXPECT_TRUE(result.status.is_temporary());
  EXPECT_EQ(result.status.code(), Code::kNoSpace);
  EXPECT_EQ(result.taken, 0U);
  EXPECT_EQ(rig_.settled(), 1U);
  EXPECT_TRUE(test::StoringRig::fail(*sink).empty());
  ASSERT_TRUE(rig_.open(*sink).ok());  // back-off; still full
  EXPECT_EQ(sink->append(second, {}).status.code(), Code::kNoSpace);
  EXPECT_TRUE(test::StoringRig::fail(*sink).empty());
  disarm_faults();
  ASSERT_TRUE(rig_.open(*sink).ok());
  append(*sink, second);
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\n"), Pair("out.1", "two\n")));
  EXPECT_EQ(rig_.settled(), 2U);
}

// What was synced is published, the rest comes back and is written once more: no row is there twice.
TEST_F(Dfs, AFailedDiskGivesBackWhatWasNotSynced) {
  for (const char* fault : {"io.write", "io.sync", "io.rename"}) {
    SCOPED_TRACE(fault);
    test::StoringRig rig(register_sink_dfs);
    const auto sink = rig.make_sink("formatDfs", {{"path", {rig.dir / "out"}}, {"format", {format_value("raw")}}});
    ASSERT_TRUE(rig.open(*sink).ok());
    append(*sink, rig.lines("one\n"));
    ASSERT_TRUE(sink->flush({}).ok());
    append(*sink, rig.lines("two\n"));
    const EventBatch third = rig.lines("three\n");
    arm_fault(fault, Status::from_errno(EIO, fault));
    std::vector<EventBatch> again;
    AppendResult result = sink->append(third, {});
    if (result.status.ok()) {
      EXPECT_EQ(sink->close({}).code(), Code::kIo);
      again = test::StoringRig::fail(*sink);
    } else {
      again = test::StoringRig::fail(*sink);
      again.push_back(third);
    }
    EXPECT_EQ(rig.settled(), 1U);
    ASSERT_EQ(again.size(), 2U);
    ASSERT_TRUE(rig.open(*sink).ok());
    append(*sink, again[0]);
    append(*sink, again[1]);
    ASSERT_TRUE(sink->close({}).ok());
    EXPECT_EQ(test::contents_of(rig.dir / "out"), "one\n");
    EXPECT_EQ(test::contents_of(rig.dir / "out.1"), "two\nthree\n");
    EXPECT_FALSE(std::filesystem::exists(rig.dir / "out.tmp"));
    EXPECT_EQ(rig.settled(), 3U);
  }
}

TEST_F(Dfs, OfRowsThatAreNotKeptTheSourceHearsThatTheyWereNotDelivered) {
  const auto sink = plain();
  const std::string large = std::string(1 << 20, 'x') + "\n";
  for (int i = 0; i < 4; ++i) {
    append(*sink, rig_.lines(large));
  }
  arm_fault("io.write", Status::from_errno(EIO, "write"));
  EXPECT_FALSE(sink->append(rig_.lines("more\n"), {}).status.ok());
  EXPECT_TRUE(test::StoringRig::fail(*sink).empty());
  EXPECT_EQ(rig_.settled(), 0U);
  EXPECT_EQ(rig_.tracker().first_failed(), 0U);
  EXPECT_THAT(files(), ElementsAre());
}

TEST_F(Dfs, OneFailedBucketGivesBackItsRowsOnly) {
  const auto sink = escaped("%{host}");
  append(*sink, rig_.events({event("a", "1"), event("b", "2")}));
  ASSERT_TRUE(sink->flush({}).ok());
  arm_fault("io.write", Status::from_errno(EIO, "write"), /*skip=*/1);
  const AppendResult result = sink->append(rig_.events({event("a", "3"), event("b", "4")}), {});
  EXPECT_EQ(result.status.code(), Code::kIo);
  EXPECT_EQ(result.taken, 2U);
  ASSERT_TRUE(sink->flush({}).code() == Code::kIo);
  std::vector<EventBatch> again = test::StoringRig::fail(*sink);
  ASSERT_TRUE(rig_.open(*sink).ok());
  for (const EventBatch& batch : again) {
    append(*sink, batch);
  }
  ASSERT_TRUE(sink->close({}).ok());
  std::string a;
  std::string b;
  for (const auto& [name, contents] : files()) {
    (name.starts_with("d/a") ? a : b) += contents;
  }
  EXPECT_EQ(a, "1\n3\n");
  EXPECT_EQ(b, "2\n4\n");
  EXPECT_EQ(rig_.settled(), 4U);
}

// A process that ends anywhere between two system calls, and the next one that goes on with the rows that were not
// settled: every row is there, in whole lines, and nothing is left under a working name.
TEST_F(Dfs, AfterACrashAtAnyStepNothingIsLostOrTorn) {
  const std::vector<std::string> texts = {"one\ntwo\n", "three\n", "four\nfive\n", "six\n"};
  for (const char* fault : {"io.create", "io.write", "io.sync", "io.sync_dir", "io.rename"}) {
    for (int step = 0; step < 8; ++step) {
      SCOPED_TRACE(std::string(fault) + " " + std::to_string(step));
      test::StoringRig rig(register_sink_dfs);
      const test::GivenArgs args = {{"path", {rig.dir / "out/%{host}"}}, {"format", {format_value("raw")}}};
      {
        const auto sink = rig.make_sink("escapedFormatDfs", args);
        arm_fault(fault, Status::from_errno(EIO, fault), step, -1);
        Status status = rig.open(*sink);
        for (size_t i = 0; i < texts.size() && status.ok(); ++i) {
          status = sink->append(rig.lines(texts[i]), {}).status;
          if (status.ok() && i == 1) {
            status = sink->flush({});
          }
        }
        if (status.ok()) {
          (void)sink->close({});
        }
        disarm_faults();
      }  // the crash: what is open is gone, nothing was given back
      const uint64_t settled = rig.settled();
      rig.restart_storage();
      const auto sink = rig.make_sink("escapedFormatDfs", args);
      ASSERT_TRUE(rig.open(*sink).ok());
      std::string rest;
      const std::vector<std::string> rows = {"one", "two", "three", "four", "five", "six"};
      for (uint64_t i = settled; i < rows.size(); ++i) {
        rest += rows[i] + "\n";
      }
      if (!rest.empty()) {
        append(*sink, rig.lines(rest));
      }
      ASSERT_TRUE(sink->close({}).ok());
      std::map<std::string, int> found;
      for (const auto& entry : std::filesystem::directory_iterator(rig.dir / "out")) {
        EXPECT_NE(entry.path().extension(), ".tmp");
        if (entry.path().extension() != ".aside") {
          const std::string contents = test::contents_of(entry.path().string());
          EXPECT_TRUE(contents.ends_with('\n')) << contents;
          for (const std::string_view line : split(contents, '\n')) {
            ++found[std::string(line)];
          }
        }
      }
      found.erase("");
      EXPECT_EQ(found.size(), rows.size());
      for (const std::string& row : rows) {
        EXPECT_GE(found[row], 1) << row;
      }
    }
  }
}

TEST_F(Dfs, FilesOfACrashAreLookedForOnceInAProcess) {
  test::write_file(rig_.dir / "out.tmp", "one\n");
  ASSERT_TRUE(plain()->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\n")));
  test::write_file(rig_.dir / "out.1.tmp", "two\n");
  ASSERT_TRUE(plain()->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\n"), Pair("out.1.tmp", "two\n")));
  rig_.restart_storage();
  ASSERT_TRUE(plain()->close({}).ok());
  EXPECT_THAT(files(), ElementsAre(Pair("out", "one\n"), Pair("out.1", "two\n")));
}

TEST_F(Dfs, CompressedBatchesAreTaken) {
  const auto sink = plain();
  const std::string text(10000, 'x');
  const EventBatch batch = *rig_.lines(text + "\n").compressed(BlobCodec::kGzip);
  ASSERT_EQ(batch.codec(), BlobCodec::kGzip);
  append(*sink, batch);
  ASSERT_TRUE(sink->close({}).ok());
  EXPECT_EQ(files()["out"], text + "\n");
  EXPECT_EQ(rig_.settled(), 1U);
}

}  // namespace
}  // namespace flume::node

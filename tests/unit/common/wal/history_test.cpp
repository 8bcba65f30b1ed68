// R6: a far end's word on the rows it has is compared with what the log gave the same numbers to.
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/wal/wal.h"
#include "tests/support/crash_files.h"
#include "tests/support/soon.h"

namespace flume::wal {
namespace {

using test::CrashFiles;
using test::Names;
using test::soon;
using test::Tail;

class WalHistory : public testing::Test {
 protected:
  void open() {
    wal_.reset();
    auto opened = Wal::open(options_, files_, clock_, recovered_);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    wal_ = std::move(*opened);
  }
  void close() { EXPECT_TRUE(wal_->close(soon()).ok()); }
  // A record of so many rows; what the far end would say of the stream behind it.
  Hop append(uint32_t rows) {
    BatchBuilder builder({});
    Event event;
    event.body = "row";
    for (uint32_t i = 0; i < rows; ++i) {
      EXPECT_TRUE(builder.add(event));
    }
    position_ += rows;
    EXPECT_TRUE(wal_->append(builder.seal(tracker_->issue(position_, rows))).ok());
    EXPECT_TRUE(wal_->flush(soon()).ok());
    const auto reader = wal_->reader();
    Hop last;
    for (auto item = reader->next(); item.ok() && *item; item = reader->next()) {
      last = (**item).batch.hop();
    }
    return last;
  }
  Wal::History compare(const Id128& stream, uint64_t below, uint64_t chain) {
    const auto history = wal_->compare(stream, below, chain);
    EXPECT_TRUE(history.ok());
    return *history;
  }

  CrashFiles files_;
  ManualClock clock_{1'700'000'000'000};
  WalOptions options_{.folder = "/wal"};
  Recovered recovered_;
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);
  uint64_t position_ = 0;
  std::unique_ptr<Wal> wal_;
};

TEST_F(WalHistory, ItsOwnRowsAreTheSameAlsoAfterARestart) {
  open();
  const Hop first = append(3);
  const Hop second = append(2);
  const Id128 stream = wal_->stream();
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(compare(stream, 3, first.chain), Wal::History::kSame);
    EXPECT_EQ(compare(stream, 5, second.chain), Wal::History::kSame);
    close();
    open();
  }
  EXPECT_EQ(wal_->unreleased_streams().value(), (std::vector<Id128>{stream, wal_->stream()}));
}

TEST_F(WalHistory, StreamsOfManySegmentsAreFoundInTheirOrder) {
  options_.segment_bytes = 1;
  std::vector<Id128> streams;
  for (const int segments : {1, 5, 0, 3, 2}) {
    open();
    for (int i = 0; i < segments; ++i) {
      append(1);
    }
    if (segments > 0) {
      streams.push_back(wal_->stream());
    }
    close();
  }
  open();
  streams.push_back(wal_->stream());
  EXPECT_EQ(wal_->unreleased_streams().value(), streams);
  wal_->release(8);
  streams.erase(streams.begin(), streams.begin() + 2);
  EXPECT_EQ(wal_->unreleased_streams().value(), streams);
}

TEST_F(WalHistory, OtherRowsUnderTheSameNumbersAreFound) {
  open();
  const Hop first = append(3);
  append(2);
  const Id128 stream = wal_->stream();
  EXPECT_EQ(compare(stream, 3, first.chain + 2), Wal::History::kOther) << "another hash";
  EXPECT_EQ(compare(stream, 4, first.chain), Wal::History::kOther) << "in the middle of a record";
  EXPECT_EQ(compare(random_id(), 3, first.chain), Wal::History::kOther) << "rows of another stream";
  EXPECT_EQ(compare(stream, 6, first.chain), Wal::History::kOther) << "more than were ever written";
}

TEST_F(WalHistory, OfRowsThatAreGoneNothingCanBeSaid) {
  options_.segment_bytes = 1;
  open();
  const Hop first = append(3);
  append(2);
  append(2);
  wal_->release(5);
  EXPECT_EQ(compare(wal_->stream(), 3, first.chain), Wal::History::kUnknown);
  EXPECT_EQ(compare(wal_->stream(), 7, 0), Wal::History::kUnknown) << "nor without a hash";
}

TEST_F(WalHistory, ARenamedStreamKeepsItsNewNameOverACrash) {
  open();
  append(3);
  const Id128 stream = wal_->stream();
  EXPECT_EQ(wal_->sent_as(stream), stream);
  ASSERT_TRUE(wal_->rename_stream(stream).ok());
  const Id128 name = wal_->sent_as(stream);
  EXPECT_NE(name, stream);
  wal_.reset();
  files_.revive(Tail::kDropped, Names::kSynced, 0);
  open();
  EXPECT_EQ(wal_->sent_as(stream), name);
  ASSERT_TRUE(wal_->rename_stream(stream).ok());
  const Id128 again = wal_->sent_as(stream);
  EXPECT_NE(again, name);
  open();
  EXPECT_EQ(wal_->sent_as(stream), again);
}

TEST_F(WalHistory, ANameThatCannotBeWrittenIsNotUsed) {
  open();
  append(1);
  const Id128 stream = wal_->stream();
  for (int64_t point = 0; point < 4; ++point) {  // create, write, sync, sync of the folder
    files_.fail_at(point);
    EXPECT_FALSE(wal_->rename_stream(stream).ok()) << point;
    files_.fail_at(-1);
    EXPECT_EQ(wal_->sent_as(stream), stream);
  }
  ASSERT_TRUE(wal_->rename_stream(stream).ok());
  const Id128 name = wal_->sent_as(stream);
  ASSERT_NE(files_.bytes_of("/wal/names-5"), nullptr);
  // One that a crash cut off was relied on by nobody.
  auto cut = files_.create("/wal/names-6");
  const std::string text = files_.bytes_of("/wal/names-5")->substr(0, 20);
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  ASSERT_TRUE((*cut)->append(std::span(&piece, 1)).ok());
  open();
  EXPECT_EQ(wal_->sent_as(stream), name);
}

}  // namespace
}  // namespace flume::wal

// Logs that no sink of the configuration uses any more are emptied by the sink that wrote them (R9).
#include "node/spooling/log_drains.h"

#include <gtest/gtest.h>

#include <poll.h>

#include <filesystem>

#include "common/io/posix.h"
#include "tests/support/sink_rig.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

class LogDrainsTest : public testing::Test {
 protected:
  LogDrainsTest() { rig_.world.context.state_folder = dir_.path(); }

  // A sink of this text leaves `rows` rows in its log.
  void leave_behind(const std::string& text, uint64_t rows) {
    far_end_is_away();
    const std::unique_ptr<Sink> sink = rig_.build(text);
    ASSERT_TRUE(rig_.open(*sink).ok());
    for (uint64_t row = 0; row < rows; ++row) {
      Event event;
      event.body = str_cat("row ", row);
      ASSERT_TRUE(sink->append(rig_.issued(std::vector<Event>{event}), rig_.wait).status.ok());
    }
    ASSERT_TRUE(sink->flush(rig_.wait).ok());
    ASSERT_TRUE(sink->close(rig_.wait).ok());
    ASSERT_TRUE(rig_.kept().empty());
  }
  void far_end_is_away() { rig_.below->opens.assign(1'000'000, unavailable("nobody there")); }
  // Only while nothing is open.
  void far_end_is_back() { rig_.below->opens.clear(); }
  void tend_until_drained() {
    const Wait patience = Wait::for_duration(std::chrono::seconds(60));
    do {
      ASSERT_FALSE(patience.over());
      rig_.world.clock.advance(std::chrono::milliseconds(10));
      drains_->tend();
      ::poll(nullptr, 0, 1);
    } while (!drains_->is_drained());
  }
  void expect_kept(uint64_t rows) {
    const std::vector<Event> kept = rig_.kept();
    ASSERT_EQ(kept.size(), rows);
    for (uint64_t row = 0; row < rows; ++row) {
      EXPECT_EQ(kept[row].body, str_cat("row ", row));
    }
  }
  std::string log(const std::string& kind = "wal") const { return str_cat(dir_.path(), "/", kind, "/sink"); }
  bool has_logs() const { return LogDrains::has_logs(dir_.path()); }

  test::TempDir dir_;
  test::SinkRig rig_;
  std::unique_ptr<LogDrains> drains_ = std::make_unique<LogDrains>(rig_.world.context, rig_.registry);
};

TEST_F(LogDrainsTest, RowsOfASinkThatIsGoneAreSentByItsOwnChain) {
  leave_behind("ackedWriteAhead keep", 10);
  EXPECT_TRUE(has_logs());
  far_end_is_back();
  tend_until_drained();
  expect_kept(10);
  EXPECT_FALSE(has_logs());
  EXPECT_TRUE(std::filesystem::exists(log() + "/drained"));
  EXPECT_EQ(rig_.world.logs.list().size(), 0U) << "it is closed";
  const int opened = rig_.below->open_calls;
  drains_->tend();
  EXPECT_EQ(rig_.below->open_calls, opened) << "not taken up once more";
}

TEST_F(LogDrainsTest, TheLogOfADiskFailoverToo) {
  leave_behind("diskFailover keep", 10);
  EXPECT_TRUE(has_logs());
  far_end_is_back();
  tend_until_drained();
  expect_kept(10);
  EXPECT_TRUE(std::filesystem::exists(log("dfo") + "/drained"));
}

TEST_F(LogDrainsTest, ItIsNotDrainedWhileTheFarEndIsAway) {
  leave_behind("ackedWriteAhead keep", 10);
  for (int i = 0; i < 20; ++i) {
    rig_.world.clock.advance(std::chrono::seconds(1));
    drains_->tend();
    EXPECT_FALSE(drains_->is_drained());
  }
  EXPECT_EQ(rig_.world.logs.list().at(0).rows, 10U);
  drains_.reset();
  EXPECT_TRUE(has_logs()) << "what is left stays for the next start";
  EXPECT_EQ(rig_.world.logs.list().size(), 0U);
  EXPECT_FALSE(rig_.world.logs.is_claimed(log()));
}

TEST_F(LogDrainsTest, ALogThatASinkUsesIsLeftAlone) {
  leave_behind("ackedWriteAhead keep", 10);
  const std::unique_ptr<Sink> user = rig_.build("ackedWriteAhead keep");
  ASSERT_TRUE(rig_.open(*user).ok());
  drains_->tend();
  EXPECT_TRUE(drains_->is_drained()) << "nothing is for it to do";
  EXPECT_EQ(rig_.world.logs.list().size(), 1U);
  EXPECT_TRUE(user->close(rig_.wait).ok());
}

TEST_F(LogDrainsTest, ASinkThatWantsTheFolderGetsItAndSendsWhatIsLeft) {
  leave_behind("ackedWriteAhead keep", 10);
  drains_->tend();
  ASSERT_FALSE(drains_->is_drained());
  const std::unique_ptr<Sink> user = rig_.build("ackedWriteAhead keep");
  ASSERT_TRUE(rig_.open(*user).ok());
  drains_->tend();
  EXPECT_TRUE(drains_->is_drained());
  EXPECT_TRUE(user->close(rig_.wait).ok());
  far_end_is_back();
  ASSERT_TRUE(rig_.open(*user).ok());
  EXPECT_TRUE(user->close(rig_.wait).ok());
  expect_kept(10);
}

TEST_F(LogDrainsTest, ALogWhoseSinkIsNotUnderstoodStaysAndIsTriedAgain) {
  leave_behind("ackedWriteAhead keep", 10);
  ASSERT_TRUE(replace_file(log() + "/chain", "ackedWriteAhead noSuchSink", 0640).ok());
  far_end_is_back();
  drains_->tend();
  drains_->tend();
  EXPECT_FALSE(drains_->is_drained());
  EXPECT_TRUE(has_logs());
  ASSERT_TRUE(replace_file(log() + "/chain", "ackedWriteAhead keep", 0640).ok());
  tend_until_drained();
  expect_kept(10);
}

TEST_F(LogDrainsTest, ALogThatIsUsedAgainIsNotMarkedAsDrained) {
  leave_behind("ackedWriteAhead keep", 1);
  far_end_is_back();
  tend_until_drained();
  const std::unique_ptr<Sink> user = rig_.build("ackedWriteAhead keep");
  ASSERT_TRUE(rig_.open(*user).ok());
  EXPECT_FALSE(std::filesystem::exists(log() + "/drained"));
  EXPECT_TRUE(has_logs());
  EXPECT_TRUE(user->close(rig_.wait).ok());
}

}  // namespace
}  // namespace flume::node

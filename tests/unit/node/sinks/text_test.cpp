#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/base/fault.h"
#include "tests/support/storing_rig.h"

namespace flume::node {

void register_sink_text(Registry& registry);

namespace {

using test::format_value;

class TextSinkTest : public ::testing::Test {
 protected:
  TextSinkTest()
      : rig_(register_sink_text),
        sink_(rig_.make_sink("text", {{"file", {rig_.dir / "log"}}, {"format", {format_value("raw")}}})) {}
  ~TextSinkTest() override { disarm_faults(); }
  std::string contents() { return test::contents_of(rig_.dir / "log"); }

  test::StoringRig rig_;
  std::unique_ptr<Sink> sink_;
};

TEST_F(TextSinkTest, AppendsToWhatIsThereUnderItsOwnName) {
  test::write_file(rig_.dir / "log", "before\n");
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(sink_->append(rig_.lines("one\n"), {}).status.ok());
  EXPECT_EQ(contents(), "before\none\n");
  ASSERT_TRUE(sink_->close({}).ok());
  EXPECT_EQ(rig_.settled(), 1U);
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(sink_->append(rig_.lines("two\n"), {}).status.ok());
  ASSERT_TRUE(sink_->close({}).ok());
  EXPECT_EQ(contents(), "before\none\ntwo\n");
}

TEST_F(TextSinkTest, ALastLineWithoutItsEndGetsOne) {
  test::write_file(rig_.dir / "log", "torn");
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(sink_->append(rig_.lines("one\n"), {}).status.ok());
  ASSERT_TRUE(sink_->close({}).ok());
  EXPECT_EQ(contents(), "torn\none\n");
}

TEST_F(TextSinkTest, RowsAreSettledBySyncs) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(sink_->append(rig_.lines("one\n"), {}).status.ok());
  EXPECT_EQ(rig_.settled(), 0U);
  ASSERT_TRUE(rig_.pass(*sink_, std::chrono::seconds(1)).ok());
  EXPECT_EQ(rig_.settled(), 1U);
  ASSERT_TRUE(sink_->close({}).ok());
}

TEST_F(TextSinkTest, OnAFullDiskNothingIsTakenAndItGoesOnLater) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(sink_->append(rig_.lines("one\n"), {}).status.ok());
  const EventBatch second = rig_.lines("two\n");
  arm_fault("io.write", Status::from_errno(ENOSPC, "write to \"log\""));
  const AppendResult result = sink_->append(second, {});
  EXPECT_EQ(result.status.to_string(), "no_space: write to \"log\": No space left on device (ENOSPC)");
  EXPECT_EQ(result.taken, 0U);
  EXPECT_TRUE(test::StoringRig::fail(*sink_).empty());
  ASSERT_TRUE(rig_.open(*sink_).ok());
  ASSERT_TRUE(sink_->append(second, {}).status.ok());
  ASSERT_TRUE(sink_->close({}).ok());
  EXPECT_EQ(contents(), "one\ntwo\n");
  EXPECT_EQ(rig_.settled(), 2U);
}

TEST_F(TextSinkTest, AfterAFailureRowsThatComeAgainAreNotThereTwice) {
  for (const char* fault : {"io.write", "io.sync"}) {
    SCOPED_TRACE(fault);
    test::StoringRig rig(register_sink_text);
    const auto sink = rig.make_sink("text", {{"file", {rig.dir / "log"}}, {"format", {format_value("raw")}}});
    ASSERT_TRUE(rig.open(*sink).ok());
    ASSERT_TRUE(sink->append(rig.lines("one\n"), {}).status.ok());
    ASSERT_TRUE(sink->flush({}).ok());
    ASSERT_TRUE(sink->append(rig.lines("two\n"), {}).status.ok());
    arm_fault(fault, Status::from_errno(EIO, fault));
    const EventBatch third = rig.lines("three\n");
    std::vector<EventBatch> again;
    if (sink->append(third, {}).status.ok()) {
      EXPECT_EQ(sink->flush({}).code(), Code::kIo);
      again = test::StoringRig::fail(*sink);
    } else {
      again = test::StoringRig::fail(*sink);
      again.push_back(third);
    }
    EXPECT_EQ(test::contents_of(rig.dir / "log"), "one\n");
    ASSERT_TRUE(rig.open(*sink).ok());
    for (const EventBatch& batch : again) {
      ASSERT_TRUE(sink->append(batch, {}).status.ok());
    }
    ASSERT_TRUE(sink->close({}).ok());
    EXPECT_EQ(test::contents_of(rig.dir / "log"), "one\ntwo\nthree\n");
    EXPECT_EQ(rig.settled(), 3U);
  }
}

TEST_F(TextSinkTest, WhatCannotBeAFileIsSaid) {
  std::filesystem::create_directory(rig_.dir / "log");
  EXPECT_EQ(rig_.open(*sink_).to_string(), "invalid: create \"" + rig_.dir.path() + "/log\": Is a directory (EISDIR)");
  arm_fault("io.create", Status::from_errno(EACCES, "create \"log\""));
  EXPECT_EQ(rig_.open(*sink_).to_string(), "permission: create \"log\": Permission denied (EACCES)");
}

TEST_F(TextSinkTest, TwoSinksOnOneFileAreRefused) {
  ASSERT_TRUE(rig_.open(*sink_).ok());
  const auto other = rig_.make_sink("text", {{"file", {rig_.dir / "log"}}});
  EXPECT_EQ(rig_.open(*other).to_string(),
            "busy: write to \"" + rig_.dir.path() + "/log\": somebody else writes to it");
  ASSERT_TRUE(sink_->close({}).ok());
}

}  // namespace
}  // namespace flume::node

#include "common/base/log.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace flume {
namespace {

class Log : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(set_log_file(path_).ok()); }
  void TearDown() override {
    ASSERT_TRUE(set_log_file("").ok());
    set_log_level(LogLevel::kInfo);
    std::remove(path_.c_str());
  }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }
  const std::string path_ = testing::TempDir() + "log_test." + std::to_string(::getpid());
};

TEST_F(Log, WritesKeysAndQuotesWhatNeedsIt) {
  FLUME_LOG(kWarn, "frame refused", kv("peer", "10.0.0.1:5"), kv("why", "bad crc"), kv("bytes", 12));
  EXPECT_NE(text().find(" warning frame refused peer=10.0.0.1:5 why=\"bad crc\" bytes=12\n"), std::string::npos)
      << text();
}

TEST_F(Log, ALineOfForeignTextStaysOneLine) {
  FLUME_LOG(kInfo, "got", kv("text", "a\nb\x01"));
  EXPECT_NE(text().find("text=\"a\\nb\\x01\"\n"), std::string::npos) << text();
}

TEST_F(Log, LeavesOutWhatIsBelowTheLevel) {
  set_log_level(LogLevel::kError);
  FLUME_LOG(kWarn, "not this");
  FLUME_LOG(kError, "but this");
  EXPECT_EQ(text().find("not this"), std::string::npos);
  EXPECT_NE(text().find("but this"), std::string::npos);
}

TEST_F(Log, OneCallSiteIsHeldBack) {
  for (int i = 0; i < 100; ++i) {
    FLUME_LOG_EVERY(3'600'000, kInfo, "again");
  }
  EXPECT_EQ(text().find("again"), text().rfind("again"));
}

TEST_F(Log, AFileThatCannotBeOpenedIsAnError) { EXPECT_EQ(set_log_file("/dev/null/x").code(), Code::kIo); }

TEST(LogLevelName, AreTheFiveWords) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(parse_log_level("error", level));
  EXPECT_EQ(level, LogLevel::kError);
  EXPECT_FALSE(parse_log_level("fatal", level));
}

}  // namespace
}  // namespace flume

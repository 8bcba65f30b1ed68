// The sample in conf/ is what people copy: it must load without a warning.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/config/settings.h"
#include "tests/support/temp_dir.h"

namespace flume {
namespace {

TEST(ConfSample, LoadsWithoutAWarning) {
  const test::TempDir dir;
  std::filesystem::copy_file(FLUME_SOURCE_DIR "/conf/flume-site.xml.template", dir.path() + "/flume-site.xml");
  std::vector<std::string> warnings;
  const Result<Settings> settings = Settings::load(dir.path(), {}, warnings);
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(warnings, std::vector<std::string>());
  EXPECT_EQ(settings->text("flume.master.servers"), "master1.example.org");
  EXPECT_TRUE(settings->where("flume.agent.logdir").starts_with("flume-site.xml:"))
      << settings->where("flume.agent.logdir");
}

}  // namespace
}  // namespace flume

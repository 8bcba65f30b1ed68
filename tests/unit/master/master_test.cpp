// The whole master in this process: what keeps it from starting, and that a stop and a start lose nothing.
#include "master/master.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "tests/support/master_world.h"
#include "tests/support/temp_dir.h"

namespace flume::master {
namespace {

using testing::HasSubstr;

class MasterTest : public testing::Test {
 protected:
  Settings settings(const std::string& folder, int http_port = 0) const {
    Settings out = Settings::defaults();
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"flume.master.store.dir", directory_ / folder},
                                                          {"flume.master.http.port", str_cat(http_port)},
                                                          {"flume.master.heartbeat.port", "0"},
                                                          {"flume.config.admin.port", "0"},
                                                          {"flume.master.savefile", directory_ / "saved.flume"}}) {
      EXPECT_TRUE(out.set(name, value, "test").ok()) << name;
    }
    return out;
  }

  const test::TempDir directory_;
  SystemClock clock_;
};

TEST_F(MasterTest, TwoMastersOnOneFolderAreRefused) {
  const Settings one = settings("store");
  const auto first = Master::open(one, test_catalog(), clock_);
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  const auto second = Master::open(one, test_catalog(), clock_);
  EXPECT_EQ(second.status().code(), Code::kBusy);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("held by process "));
}

TEST_F(MasterTest, APortInUseIsNamedWithItsSetting) {
  const Settings one = settings("a");
  auto first = Master::open(one, test_catalog(), clock_);
  ASSERT_TRUE((*first)->start().ok());
  const Settings two = settings("b", (*first)->ports().http);
  auto second = Master::open(two, test_catalog(), clock_);
  EXPECT_EQ((*second)->start().message(),
            str_cat("start the web page and API (flume.master.http.port): listen on 127.0.0.1:", (*first)->ports().http,
                    ": Address already in use (EADDRINUSE)"));
}

TEST_F(MasterTest, StopsTwiceAndStartsAgainOnTheSameStore) {
  const Settings one = settings("store");
  for (int i = 0; i < 2; ++i) {
    auto master = Master::open(one, test_catalog(), clock_);
    ASSERT_TRUE((*master)->start().ok());
    EXPECT_NE((*master)->ports().http, 0);
    (*master)->stop();
    (*master)->stop();
  }
}

}  // namespace
}  // namespace flume::master

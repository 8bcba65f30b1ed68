#include "common/base/fault.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

class Fault : public testing::Test {
 protected:
  void TearDown() override { disarm_faults(); }
};

TEST_F(Fault, AnUnarmedPointLetsEverythingThrough) { EXPECT_TRUE(fault_point("nowhere").ok()); }

TEST_F(Fault, SkipsThenFailsAsOftenAsAsked) {
  arm_fault("disk.write", unavailable("away"), 1, 2);
  EXPECT_TRUE(fault_point("disk.write").ok());
  EXPECT_EQ(fault_point("disk.write").message(), "away");
  EXPECT_FALSE(fault_point("disk.write").ok());
  EXPECT_TRUE(fault_point("disk.write").ok());
  EXPECT_TRUE(fault_point("disk.sync").ok());
}

TEST_F(Fault, ANegativeCountFailsUntilDisarmed) {
  arm_fault("disk.write", unavailable("away"), 0, -1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(fault_point("disk.write").ok());
  }
  disarm_faults();
  EXPECT_TRUE(fault_point("disk.write").ok());
}

TEST_F(Fault, IsArmedFromTheEnvironment) {
  ::setenv("FLUME_FAULTS", "a:1:1,b", 1);
  arm_faults_from_environment();
  ::unsetenv("FLUME_FAULTS");
  EXPECT_TRUE(fault_point("a").ok());
  EXPECT_EQ(fault_point("a").message(), "fault point a: Input/output error (EIO)");
  EXPECT_FALSE(fault_point("b").ok());
}

}  // namespace
}  // namespace flume

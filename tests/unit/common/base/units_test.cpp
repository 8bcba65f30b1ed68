#include "common/base/units.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

TEST(Units, ReadsDurations) {
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("1.5 s"), 1500ms);
  EXPECT_EQ(*parse_duration("30"), 30ms);
  EXPECT_EQ(*parse_duration("2", 1s), 2s);
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(*parse_bytes("4096"), 4096);
  EXPECT_EQ(*parse_bytes("10MiB"), 10_MiB);
  EXPECT_EQ(*parse_bytes("10MB"), 10'000'000);
  EXPECT_EQ(*parse_bytes("64k"), 64_KiB);
}

TEST(Units, RefusesWhatIsNoNumberWithUnit) {
  for (const char* bad : {"", "ms", "-1s", "1 parsec", "1.2.3s", "99999999999999999999", "9999999999999999d"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
  EXPECT_EQ(parse_bytes("x").status().message(), "\"x\" is not a size such as 4096, 64KiB or 10MB");
}

TEST(Units, PrintsTheLargestUnitThatDivides) {
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_bytes(10_MiB), "10MiB");
  EXPECT_EQ(format_bytes(1500), "1500B");
}

}  // namespace
}  // namespace flume

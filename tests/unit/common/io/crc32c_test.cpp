#include "common/io/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/random.h"

namespace flume {
namespace {

TEST(Crc32c, HasTheKnownCheckValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c_plain("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(Crc32c, FastAndPlainTwinsAgreeForAllLengthsAndAlignments) {
  Random random(7);
  std::string bytes(10000, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(random());
  }
  const std::string_view all = bytes;
  for (size_t from = 0; from < 9; ++from) {
    for (size_t n = 0; n < 130; ++n) {
      ASSERT_EQ(crc32c(all.substr(from, n)), crc32c_plain(all.substr(from, n))) << from << " " << n;
    }
    for (size_t n : {1024UL, 3071UL, 3072UL, 3073UL, 6144UL, 6151UL, 9216UL, 9991UL}) {
      ASSERT_EQ(crc32c(all.substr(from, n)), crc32c_plain(all.substr(from, n))) << from << " " << n;
    }
  }
}

TEST(Crc32c, GoesOnFromWhereItStopped) {
  const std::string bytes(5000, 'x');
  const std::string_view all = bytes;
  for (size_t cut : {0UL, 1UL, 7UL, 8UL, 3071UL, 3072UL, 5000UL}) {
    EXPECT_EQ(crc32c(all.substr(cut), crc32c(all.substr(0, cut))), crc32c(all)) << cut;
    EXPECT_EQ(crc32c_plain(all.substr(cut), crc32c_plain(all.substr(0, cut))), crc32c(all)) << cut;
  }
}

}  // namespace
}  // namespace flume

#include "common/event/line_scan.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/random.h"

namespace flume {
namespace {

TEST(LineScan, FastAndPlainTwinsFindTheSame) {
  Random random(3);
  for (const unsigned rarity : {1U, 2U, 10U, 200U, 5000U}) {
    std::string text(20000, 'x');
    for (char& byte : text) {
      byte = random() % rarity == 0 ? '\n' : static_cast<char>(random());
    }
    const std::string_view all = text;
    for (const size_t n : {0UL, 1UL, 63UL, 64UL, 65UL, 127UL, 4095UL, 4096UL, 4097UL, 8200UL, 19990UL}) {
      for (const size_t from : {0UL, 1UL, 7UL}) {
        std::vector<uint32_t> fast{9};
        std::vector<uint32_t> plain{9};
        ASSERT_EQ(find_line_ends(all.substr(from, n), '\n', 100, fast),
                  find_line_ends_plain(all.substr(from, n), '\n', 100, plain));
        ASSERT_EQ(fast, plain);
      }
    }
  }
}

TEST(LineScan, NamesThePlaceBehindTheDelimiter) {
  std::vector<uint32_t> ends;
  EXPECT_EQ(find_line_ends("ab;;c", ';', 1000, ends), 2u);
  EXPECT_EQ(ends, (std::vector<uint32_t>{1003, 1004}));
}

}  // namespace
}  // namespace flume

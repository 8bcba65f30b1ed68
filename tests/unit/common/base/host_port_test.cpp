#include "common/base/host_port.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

TEST(HostPort, TakesHostsWithAndWithoutPort) {
  EXPECT_EQ(parse_host_port("a", 7), (HostPort{"a", 7}));
  EXPECT_EQ(parse_host_port("a:9", 7), (HostPort{"a", 9}));
  EXPECT_EQ(parse_host_port("10.0.0.1:65535", 7), (HostPort{"10.0.0.1", 65535}));
  EXPECT_EQ(parse_host_port("[::1]:9", 7), (HostPort{"::1", 9}));
  EXPECT_EQ(parse_host_port("[::1]", 7), (HostPort{"::1", 7}));
  EXPECT_EQ(parse_host_port("2001:db8::1", 7), (HostPort{"2001:db8::1", 7}));
}

TEST(HostPort, RefusesWhatIsNoHostOrNoPort) {
  for (const char* text : {"", ":9", "a:", "a:0", "a:65536", "a:9x", "a:-1", "[::1", "[::1]9", "[]:9"}) {
    EXPECT_EQ(parse_host_port(text, 7), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace flume

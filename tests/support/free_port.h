// A port that nobody listens on. While this lives the kernel gives it to nobody; who is told its number can listen
// there.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "node/torture/process.h"

namespace flume::test {

class FreePort {
 public:
  FreePort() {
    const auto ports = torture::free_ports(1, held_);
    EXPECT_TRUE(ports.ok()) << ports.status().to_string();
    number_ = ports.ok() ? (*ports)[0] : 0;
  }
  uint16_t number() const { return number_; }

 private:
  std::vector<UniqueFd> held_;
  uint16_t number_ = 0;
};

}  // namespace flume::test

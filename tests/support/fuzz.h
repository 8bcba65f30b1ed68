// What fuzz targets have in common.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace flume::support {

inline std::string_view fuzz_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the program, which is how a fuzz target reports a finding.
inline void require(bool holds, const char* claim) {
  if (!holds) {
    std::fprintf(stderr, "fuzz: does not hold: %s\n", claim);
    std::abort();
  }
}

}  // namespace flume::support

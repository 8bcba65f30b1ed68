// The generator of java.util.Random (a 48-bit linear congruence, as its documentation defines it), for components whose
// `seed` argument promises the classic system's sequence. One thread.
#pragma once

#include <cstdint>

namespace flume {

class JavaRandom {
 public:
  explicit JavaRandom(int64_t seed) : state_((static_cast<uint64_t>(seed) ^ kMultiplier) & kMask) {}

  uint32_t next(int bits) {
    state_ = (state_ * kMultiplier + 0xB) & kMask;
    return static_cast<uint32_t>(state_ >> (48 - bits));
  }
  double next_double() {  // 0 <= x < 1, 53 bits
    const uint64_t high = static_cast<uint64_t>(next(26)) << 27;
    return static_cast<double>(high + next(27)) * 0x1.0p-53;
  }

 private:
  static constexpr uint64_t kMultiplier = 0x5DEECE66DULL;
  static constexpr uint64_t kMask = (1ULL << 48) - 1;
  uint64_t state_;
};

}  // namespace flume

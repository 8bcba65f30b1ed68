// Random numbers are handed in, seeded, never global; random identities come from the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <random>

namespace flume {

using Random = std::mt19937_64;

using Id128 = std::array<uint8_t, 16>;  // node, stream and store identities; all zero = none

Id128 random_id();       // from the kernel's generator
uint64_t random_seed();  // likewise

}  // namespace flume

// CRC32C (Castagnoli), the checksum of batches, log records and journals. Pure functions, any thread. Uses the SSE4.2
// instruction where the processor has it; crc32c_plain() is the portable twin, and the tests' oracle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flume {

// Of `bytes`, going on from `crc` (0 at the start): crc32c(b, crc32c(a)) == crc32c(a + b).
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);
uint32_t crc32c_plain(std::string_view bytes, uint32_t crc = 0);

}  // namespace flume

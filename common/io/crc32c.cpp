#include "common/io/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace flume {

namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected

using Table = std::array<uint32_t, 256>;

// tables[k][b]: what byte b does to the checksum when k more bytes follow it.
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    }
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = make_tables();

uint64_t load64(const char* from) {
  uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

#if defined(__x86_64__)

// The instruction has a latency of 3 cycles and starts one every cycle, so three streams run side by side over three
// adjacent blocks. Putting them together needs "the checksum after kBlock more zero bytes", which is linear in the
// checksum: one table per byte of it.
constexpr size_t kBlock = 1024;

constexpr uint32_t after_zero_bytes(uint32_t crc, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    crc = (crc >> 8) ^ kTables[0][crc & 0xFF];
  }
  return crc;
}

constexpr std::array<Table, 4> make_shift_tables() {
  std::array<uint32_t, 32> images{};
  for (size_t bit = 0; bit < 32; ++bit) {
    images[bit] = after_zero_bytes(uint32_t{1} << bit, kBlock);
  }
  std::array<Table, 4> tables{};
  for (size_t byte = 0; byte < 4; ++byte) {
    for (size_t value = 0; value < 256; ++value) {
      for (size_t bit = 0; bit < 8; ++bit) {
        if (((value >> bit) & 1) != 0) {
          tables[byte][value] ^= images[byte * 8 + bit];
        }
      }
    }
  }
  return tables;
}

constexpr std::array<Table, 4> kShift = make_shift_tables();

uint32_t shift_block(uint32_t crc) {
  return kShift[0][crc & 0xFF] ^ kShift[1][(crc >> 8) & 0xFF] ^ kShift[2][(crc >> 16) & 0xFF] ^ kShift[3][crc >> 24];
}

__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(const char* data, size_t size, uint32_t start) {
  uint64_t crc = ~start;
  while (size >= 3 * kBlock) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kBlock; i += 8) {
      crc = _mm_crc32_u64(crc, load64(data + i));
      second = _mm_crc32_u64(second, load64(data + kBlock + i));
      third = _mm_crc32_u64(third, load64(data + 2 * kBlock + i));
    }
    crc = shift_block(static_cast<uint32_t>(crc)) ^ second;
    crc = shift_block(static_cast<uint32_t>(crc)) ^ third;
    data += 3 * kBlock;
    size -= 3 * kBlock;
  }
  for (; size >= 8; data += 8, size -= 8) {
    crc = _mm_crc32_u64(crc, load64(data));
  }
  auto rest = static_cast<uint32_t>(crc);
  for (; size > 0; ++data, --size) {
    rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*data));
  }
  return ~rest;
}

#endif

}  // namespace

uint32_t crc32c_plain(std::string_view bytes, uint32_t crc) {
  static_assert(std::endian::native == std::endian::little, "the eight tables are applied to little-endian loads");
  const char* data = bytes.data();
  size_t size = bytes.size();
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    const uint64_t word = load64(data) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) {
      crc ^= kTables[7 - k][(word >> (8 * k)) & 0xFF];
    }
  }
  for (; size > 0; ++data, --size) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*data)) & 0xFF];
  }
  return ~crc;
}

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) {
    return crc32c_sse42(bytes.data(), bytes.size(), crc);
  }
#endif
  return crc32c_plain(bytes, crc);
}

}  // namespace flume

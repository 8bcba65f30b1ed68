#include "common/event/line_scan.h"

#include <array>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace flume {

namespace {

// Found ends are gathered here first, so that the vector grows once per chunk and without per-row checks.
constexpr size_t kChunk = 4096;

#if defined(__x86_64__)

// Writes the ends found in the first n (a multiple of 64) bytes; returns the place behind the last.
__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))) uint32_t* scan_avx2(const char* data, size_t n, char delimiter,
                                                                          uint32_t base, uint32_t* out) {
  const __m256i wanted = _mm256_set1_epi8(delimiter);
  for (size_t i = 0; i < n; i += 64) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i + 32));
    const auto low_hits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    const auto high_hits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    uint64_t hits = low_hits | (uint64_t{high_hits} << 32);
    const uint32_t behind = base + static_cast<uint32_t>(i) + 1;
    for (; hits != 0; hits &= hits - 1) {
      *out++ = behind + static_cast<uint32_t>(std::countr_zero(hits));
    }
  }
  return out;
}

#endif

uint32_t* scan_plain(const char* data, size_t n, char delimiter, uint32_t base, uint32_t* out) {
  for (size_t i = 0; i < n; ++i) {
    if (data[i] == delimiter) {
      *out++ = base + static_cast<uint32_t>(i) + 1;
    }
  }
  return out;
}

}  // namespace

uint32_t find_line_ends_plain(std::string_view bytes, char delimiter, uint32_t base, std::vector<uint32_t>& ends) {
  const size_t before = ends.size();
  for (size_t at = bytes.find(delimiter); at != std::string_view::npos; at = bytes.find(delimiter, at + 1)) {
    ends.push_back(base + static_cast<uint32_t>(at) + 1);
  }
  return static_cast<uint32_t>(ends.size() - before);
}

uint32_t find_line_ends(std::string_view bytes, char delimiter, uint32_t base, std::vector<uint32_t>& ends) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) {
    return find_line_ends_plain(bytes, delimiter, base, ends);
  }
  std::array<uint32_t, kChunk> found;  // NOLINT: written before it is read
  const size_t before = ends.size();
  for (size_t at = 0; at < bytes.size(); at += kChunk) {
    const std::string_view chunk = bytes.substr(at, kChunk);
    const size_t wide = chunk.size() & ~size_t{63};
    const auto chunk_base = base + static_cast<uint32_t>(at);
    uint32_t* out = scan_avx2(chunk.data(), wide, delimiter, chunk_base, found.data());
    out =
        scan_plain(chunk.data() + wide, chunk.size() - wide, delimiter, chunk_base + static_cast<uint32_t>(wide), out);
    ends.insert(ends.end(), found.data(), out);
  }
  return static_cast<uint32_t>(ends.size() - before);
#else
  return find_line_ends_plain(bytes, delimiter, base, ends);
#endif
}

}  // namespace flume

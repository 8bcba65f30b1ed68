// Finds the ends of lines at memory speed: one pass, 64 bytes at a time, AVX2 where the processor has it. The plain
// twin is the fallback elsewhere, and the tests' oracle. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace flume {

// Appends base + (offset behind each `delimiter` in `bytes`) to `ends`; returns how many.
uint32_t find_line_ends(std::string_view bytes, char delimiter, uint32_t base, std::vector<uint32_t>& ends);
uint32_t find_line_ends_plain(std::string_view bytes, char delimiter, uint32_t base, std::vector<uint32_t>& ends);

}  // namespace flume

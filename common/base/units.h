// Durations and sizes as people write them: "250ms", "30 s", "10MiB", "64k". A bare number has the unit that the caller
// names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace flume {

using namespace std::chrono_literals;

constexpr int64_t operator""_KiB(unsigned long long n) { return static_cast<int64_t>(n) << 10; }
constexpr int64_t operator""_MiB(unsigned long long n) { return static_cast<int64_t>(n) << 20; }
constexpr int64_t operator""_GiB(unsigned long long n) { return static_cast<int64_t>(n) << 30; }

// Units: ns us ms s m h d. A bare number counts `bare_unit`s. Negative values and overflow are errors.
Result<Duration> parse_duration(std::string_view text, Duration bare_unit = std::chrono::milliseconds(1));
// Units: B, kB/MB/GB/TB (powers of 1000), KiB/MiB/GiB/TiB and k/m/g/t (powers of 1024), case ignored. A bare number is
// bytes.
Result<int64_t> parse_bytes(std::string_view text);

std::string format_duration(Duration d);  // the largest unit that divides it: "250ms", "30s", "0s"
std::string format_bytes(int64_t bytes);  // the largest binary unit that divides it: "10MiB", "1500B"

}  // namespace flume

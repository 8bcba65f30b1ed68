// Rows of a write-ahead log that are not there any more. Value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flume::wal {

// Numbers of rows that the log should have and has not, and what is in their place.
struct Missing {
  uint64_t first = 0;
  uint64_t end = 0;     // behind the last
  std::string segment;  // path: of the damage, or of the file that goes on behind them
  uint64_t offset = 0;  // in it: of the damage, or of what stands behind them
  uint64_t bytes = 0;   // damaged; 0: the records are not there
  std::string why;      // empty: nobody knows, which is a bug
};

// Why, when nothing is in their place. The two are not told apart: what is left looks the same.
inline constexpr std::string_view kNoRecord =
    "their record is not before this place: it was removed, or an earlier start set it aside";
inline constexpr std::string_view kNoSegment = "no segment has them; the next one is this";

}  // namespace flume::wal

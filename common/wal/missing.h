// Rows of a write-ahead log that are not there any more. Value.
#pragma once

#include <cstdint>
#include <string>

namespace flume::wal {

// Numbers of rows that the log should have and has not, and what is in their place.
struct Missing {
  uint64_t first = 0;
  uint64_t end = 0;     // behind the last
  std::string segment;  // path; empty: no file has them
  uint64_t offset = 0;  // in it
  uint64_t bytes = 0;   // damaged; 0: the records are not there
  std::string why;      // empty: nobody knows, which is a bug
};

}  // namespace flume::wal

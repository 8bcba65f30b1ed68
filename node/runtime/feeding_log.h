// FeedingLog: the write-ahead log that a chain is fed from, for chains that have to go back to single rows of it (R7).
// Found in the LogBook of the chain's context; lives as long as the chain. Used by the sending driver's thread, but for
// the counts.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "common/wal/wal.h"

namespace flume::node {

struct FeedingLog {
  wal::Wal& wal;
  std::string folder;
  uint64_t recovered_end;            // rows before it were in the log when it was opened
  int chains = 0;                    // that keep homes in it; each takes a number
  std::atomic<int64_t> parked{0};    // rows that wait for the collector they were offered to
  std::atomic<uint64_t> doubled{0};  // rows sent to another collector though the first may have them
};

}  // namespace flume::node

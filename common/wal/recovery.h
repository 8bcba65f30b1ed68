// What a log finds in its folder when it is opened. Internal to common/wal.
#pragma once

#include "common/wal/wal.h"

namespace flume::wal {

struct FoundSegment {
  std::string path;
  uint64_t first_ordinal = 0;
  uint64_t end_ordinal = 0;
  uint64_t bytes = 0;
  int64_t created_millis = 0;
};

// Leaves only sealed segments behind, in order, each with its rows' numbers above the one before. Done again after a
// crash in the middle it comes to the same end.
Result<std::vector<FoundSegment>> recover_folder(const WalOptions& options, FileSystem& files, Recovered& recovered);

}  // namespace flume::wal

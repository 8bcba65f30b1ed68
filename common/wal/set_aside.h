// Bytes of a log that are no rows, kept until somebody looks. Internal to common/wal.
#pragma once

#include <string>

#include "common/wal/wal.h"

namespace flume::wal {

// Copies what `damage` says of `from` into a file of its own in `folder` (error/ of the log), synced, and notes its
// path in `damage`. What is kept there is never replaced: the same bytes are kept once, and others that would have the
// same name (a later log gives numbers out again, a crash leaves a part) get one with a number behind it.
Status set_aside(const LogFile& from, Damage& damage, const std::string& folder, FileSystem& files);

}  // namespace flume::wal

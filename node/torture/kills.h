// What the scenarios that kill processes have in common.
// Thread: the rig's.
#pragma once

#include "common/base/clock.h"
#include "node/torture/rig.h"

namespace flume::torture {

// As many as the run has seconds, however long they take: a count is reached on a busy machine too.
uint64_t kills_wanted(const RunOptions& options);

// Mostly any moment of the next `longest_millis` + 100; a third hit a process that has just been started, which is then
// recovering.
Duration until_next_kill(Rig& rig, uint64_t longest_millis = 900);

// Starts the generator of lines in `files` files that are renamed or copied and emptied, never destroyed unread. What
// cannot be had is in the report. Returns false: the report has failed already.
bool generate_for_kills(Rig& rig, uint32_t files);

}  // namespace flume::torture

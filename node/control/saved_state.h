// What the masters last told this node, on its disk: a node that starts while no master answers runs this. Written
// whole (JSON, synced, renamed) by the client of the masters after a change was taken, read once at start; a
// configuration that does not work is here like any other, and is refused again at the next start with the same reason.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "node/runtime/node_set.h"

namespace flume::node {

struct SavedConfig {
  LogicalConfig config;   // pushed
  std::string text_hash;  // as the master gave it
};

struct SavedState {
  Id128 store_id{};      // whose masters this node obeys; all zero: nobody's yet
  int64_t revision = 0;  // the newest that was taken in whole
  std::vector<SavedConfig> configs;
};

// Nothing saved yet is an empty state. A damaged file is set aside under another name, said so in the log, and the
// state is empty: a node without its configuration asks a master, one that does not start helps nobody. Errors: the
// file cannot be read.
Result<SavedState> load_saved_state(const std::string& path);
// Durable on return; on an error the old state is still there.
Status save_state(const std::string& path, const SavedState& state);

}  // namespace flume::node

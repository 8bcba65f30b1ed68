// ConfigStore: the master's whole state as keys and values with one revision that only grows. Implementations: memory
// (tests), a local directory (one master), ZooKeeper (several). All pass the same contract suite. Thread-safe.
//
// Keys (names percent-encoded but for A-Z a-z 0-9 _ -, and the dot inside a name); values are JSON with "v":1:
//   format  nodes/N/config  nodes/N/place  hosts/P  ports/HOST/N  chokes/P/ID  removed/N  history/REV  masters/ID
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/stop.h"

namespace flume::master {

using Revision =
    uint64_t;  // of the whole store: log sequence, or ZooKeeper's zxid. Never a clock, never a key's own version

struct Entry {
  std::string key;
  std::string value;
  Revision modified = 0;
  bool removed = false;  // only in changes_since()
};

struct Change {
  std::string key;
  std::optional<std::string> value;             // none = remove
  std::optional<Revision> if_modified_at = {};  // compare-and-set on this key
  bool if_absent = false;
};

class ConfigStore {
 public:
  virtual ~ConfigStore() = default;
  virtual Id128 store_id() const = 0;  // minted when the store is created; nodes obey removals of the same store only
  // One consistent snapshot of the keys that start with `prefix`, in key order.
  virtual Result<std::vector<Entry>> list(std::string_view prefix, Revision& as_of) = 0;
  // All or nothing, durable on return. kConflict names the key; kUnknown: outcome not known, read again before a retry.
  virtual Result<Revision> commit(std::span<const Change> changes) = 0;
  // Entries modified or removed after `since`, waiting until there is one; none when the wait is over. kGone: too old,
  // list().
  virtual Result<std::vector<Entry>> changes_since(Revision since, const Wait& wait) = 0;
};

}  // namespace flume::master

// StoreState: the keys, values and revisions of one store in memory, with the rules that every ConfigStore keeps:
// limits, compare-and-set, one revision a commit, changes since a revision. The local stores (memory, directory) are
// this plus a way to persist a commit. Not thread-safe: its owner locks.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "master/store/config_store.h"

namespace flume::master {

inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxValueBytes = 1U << 20;
inline constexpr size_t kMaxCommitBytes = 16U << 20;  // keys and values of one commit
inline constexpr size_t kMaxTombstones = 10'000;      // removals that changes_since() can still tell

class StoreState {
 public:
  struct Value {
    std::string text;
    Revision modified = 0;
  };

  Revision revision() const { return revision_; }
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

  // Would this commit be taken? kInvalid: against the limits; kConflict names the key.
  Status check(std::span<const Change> changes) const;
  // Takes it; `at` must be greater than revision().
  void apply(std::span<const Change> changes, Revision at);
  // An entry of a snapshot, with its own revision.
  void restore(std::string key, std::string value, Revision modified);
  // Revisions up to this are used up, whatever became of them. Removals before it are not known any more.
  void restore_revision(Revision revision);
  void skip_to(Revision revision);

  std::vector<Entry> list(std::string_view prefix) const;
  Result<std::vector<Entry>> changes_since(Revision since) const;  // in order of revision, then key

 private:
  std::map<std::string, Value, std::less<>> values_;
  std::set<std::pair<Revision, std::string>> by_revision_;       // of what is there
  std::set<std::pair<Revision, std::string>> tombstones_;        // of what was removed, the newest kMaxTombstones
  std::map<std::string, Revision, std::less<>> tombstone_keys_;  // key -> its entry above
  Revision revision_ = 0;
  Revision floor_ = 0;  // changes_since() of anything before this is kGone
};

}  // namespace flume::master

// Positions: durable small values of one logical node, by key: where its sources go on reading after a restart. A
// source writes what its AckTracker says is settled, about once a second and at close; a sink that recovers a log moves
// them in open(), before the source opens. One file a node: records with a checksum, appended and synced; a torn tail
// is the normal end after a crash; rewritten when most of it is old, or after a failed write.
//
// Thread-safe (a log's second driver moves positions too). Errors: when sync() fails (a full disk) the values stay in
// memory and the next one tries again. Damage in the middle: the file is set aside under another name and said so in
// the log; the records that are whole count, so at worst rows are read again.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/fd.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/sync.h"

namespace flume::node {

class Positions {
 public:
  // Keys and values are any bytes. Made when absent, with its folder.
  static Result<std::unique_ptr<Positions>> open(const std::string& file);
  static std::unique_ptr<Positions> in_memory();  // forgets: `flume dump`, tests

  std::optional<std::string> find(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> list(std::string_view prefix) const;  // sorted by key
  void set(std::string_view key, std::string_view value);                                // not durable before sync()
  void erase(std::string_view key);
  Status sync();                                // no change since the last one: does nothing
  bool is_durable(std::string_view key) const;  // it has a value, and that one is on disk

  // For a log in the node's sink, which keeps the source's word for its place (AckToken::note()) beside the rows:
  // called in open(), with what it found. From then on sources give notes with their rows.
  void set_logged(std::map<Id128, std::string> notes);           // by origin stream
  std::optional<std::string> logged(const Id128& stream) const;  // at or behind the position that is saved here
  bool has_log() const { return has_log_.load(std::memory_order_relaxed); }

 private:
  Positions() = default;
  Status load() FLUME_REQUIRES(mutex_);
  Status set_aside() FLUME_REQUIRES(mutex_);
  Status append_changes() FLUME_REQUIRES(mutex_);
  Status rewrite() FLUME_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::string path_;  // empty: in memory; constant
  UniqueFd file_ FLUME_GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> values_ FLUME_GUARDED_BY(mutex_);
  std::map<Id128, std::string> logged_ FLUME_GUARDED_BY(mutex_);
  std::atomic<bool> has_log_{false};
  std::set<std::string, std::less<>> changed_ FLUME_GUARDED_BY(mutex_);  // keys not synced yet
  uint64_t file_bytes_ FLUME_GUARDED_BY(mutex_) = 0;
};

}  // namespace flume::node

// CommitWishes: somebody waits for rows that are settled only when a file gets its name (R8). A log that is nearly full
// and of which nothing is released, or a link with as much unconfirmed as it may have, asks its far end to publish what
// it has; a collector's port passes that on here, to the sinks of its logical node. Those that settle by a sync ignore
// it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace flume::node {

class CommitWishes {
 public:
  void ask() { asked_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t asked() const { return asked_.load(std::memory_order_relaxed); }  // how often

 private:
  std::atomic<uint64_t> asked_{0};
};

// One sink's view. Used by one thread.
class CommitWish {
 public:
  CommitWish() = default;
  // What was asked before is not meant for this one. `wishes` outlives it.
  explicit CommitWish(const CommitWishes& wishes) : wishes_(&wishes), seen_(wishes.asked()) {}
  bool is_new() const { return wishes_ != nullptr && wishes_->asked() != seen_; }
  // True once for all that was asked since the last time.
  bool take() {
    if (!is_new()) {
      return false;
    }
    seen_ = wishes_->asked();
    return true;
  }

 private:
  const CommitWishes* wishes_ = nullptr;
  uint64_t seen_ = 0;
};

}  // namespace flume::node

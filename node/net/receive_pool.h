// ReceivePool: memory of received batches. Buffers are recycled (their pages stay mapped) and counted against one
// budget for the whole process until the last view of the batch is gone: what is held anywhere downstream counts too.
// Thread-safe. Outlives its owner as long as a buffer is out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/sync.h"

namespace flume::node {

class ReceivePool : public std::enable_shared_from_this<ReceivePool> {
 public:
  // `on_room` is called from any thread, after a refusal, when a part of the budget came back. It must only post.
  static std::shared_ptr<ReceivePool> create(int64_t budget, std::function<void()> on_room);
  ~ReceivePool();
  ReceivePool(const ReceivePool&) = delete;
  ReceivePool& operator=(const ReceivePool&) = delete;

  // Null: the budget is used up; on_room follows. One buffer, however large, is granted when nothing is out. Aligned to
  // 64 bytes; the content is undefined.
  std::shared_ptr<char[]> take(size_t bytes);
  int64_t used() const { return used_.load(std::memory_order_relaxed); }
  void forget_on_room();  // whoever listened is going

 private:
  ReceivePool(int64_t budget, std::function<void()> on_room) : budget_(budget), on_room_(std::move(on_room)) {}
  char* find_free(size_t capacity) FLUME_EXCLUDES(mutex_);
  void give_back(char* data, size_t capacity) FLUME_EXCLUDES(mutex_);

  struct Free {
    char* data;
    size_t capacity;
  };
  const int64_t budget_;
  std::atomic<int64_t> used_{0};
  std::atomic<bool> refused_{false};
  Mutex mutex_;
  std::vector<Free> free_ FLUME_GUARDED_BY(mutex_);  // the last given back is the warmest and goes out first
  size_t free_bytes_ FLUME_GUARDED_BY(mutex_) = 0;
  std::function<void()> on_room_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume::node

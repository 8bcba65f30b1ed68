#include "node/net/receive_pool.h"

#include <cstdlib>
#include <new>

namespace flume::node {
namespace {

constexpr size_t kKeptBytes = 4 << 20;  // free memory kept for the next frames
constexpr size_t kRecycled = 64 << 10;  // smaller buffers are the allocator's business
constexpr size_t kAlignment = 64;

size_t capacity_for(size_t bytes) {
  const size_t step = bytes < kRecycled ? 256 : kRecycled;
  return (bytes + step - 1) / step * step;
}

}  // namespace

std::shared_ptr<ReceivePool> ReceivePool::create(int64_t budget, std::function<void()> on_room) {
  struct Made : ReceivePool {
    Made(int64_t bytes, std::function<void()> callback) : ReceivePool(bytes, std::move(callback)) {}
  };
  return std::make_shared<Made>(budget, std::move(on_room));
}

ReceivePool::~ReceivePool() {
  for (const Free& entry : free_) {
    std::free(entry.data);
  }
}

std::shared_ptr<char[]> ReceivePool::take(size_t bytes) {
  const size_t capacity = capacity_for(bytes == 0 ? 1 : bytes);
  const auto size = static_cast<int64_t>(capacity);
  const int64_t before = used_.fetch_add(size, std::memory_order_acq_rel);
  if (before > 0 && before + size > budget_) {
    // Announced before the amount is taken back: whoever gives back in between sees it.
    refused_.store(true, std::memory_order_seq_cst);
    if (used_.fetch_sub(size, std::memory_order_seq_cst) != size) {
      return nullptr;
    }
    // The last buffer came back meanwhile and nobody may be left to tell us.
    refused_.store(false, std::memory_order_seq_cst);
    return take(bytes);
  }
  char* data = capacity >= kRecycled ? find_free(capacity) : nullptr;
  if (data == nullptr) {
    data = static_cast<char*>(std::aligned_alloc(kAlignment, capacity));
    if (data == nullptr) {
      used_.fetch_sub(size, std::memory_order_acq_rel);
      return nullptr;
    }
  }
  return {data, [self = shared_from_this(), capacity](char* returned) { self->give_back(returned, capacity); }};
}

char* ReceivePool::find_free(size_t capacity) {
  MutexLock lock(mutex_);
  for (size_t i = free_.size(); i-- > 0;) {
    if (free_[i].capacity == capacity) {
      char* data = free_[i].data;
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
      free_bytes_ -= capacity;
      return data;
    }
  }
  return nullptr;
}

void ReceivePool::give_back(char* data, size_t capacity) {
  bool kept = false;
  if (capacity >= kRecycled && capacity <= kKeptBytes) {
    MutexLock lock(mutex_);
    while (free_bytes_ + capacity > kKeptBytes) {  // the coldest goes
      std::free(free_.front().data);
      free_bytes_ -= free_.front().capacity;
      free_.erase(free_.begin());
    }
    free_.push_back({data, capacity});
    free_bytes_ += capacity;
    kept = true;
  }
  if (!kept) {
    std::free(data);
  }
  used_.fetch_sub(static_cast<int64_t>(capacity), std::memory_order_seq_cst);
  if (refused_.load(std::memory_order_relaxed) && refused_.exchange(false, std::memory_order_seq_cst)) {
    std::function<void()> on_room;
    {
      MutexLock lock(mutex_);
      on_room = on_room_;
    }
    if (on_room) {
      on_room();
    }
  }
}

void ReceivePool::forget_on_room() {
  MutexLock lock(mutex_);
  on_room_ = nullptr;
}

}  // namespace flume::node

#include "common/event/blob_pool.h"

#include <utility>

namespace flume {

std::shared_ptr<BlobPool> BlobPool::create(size_t buffer_bytes, size_t keep) {
  struct Constructible : BlobPool {
    Constructible(size_t bytes, size_t n) : BlobPool(bytes, n) {}
  };
  return std::make_shared<Constructible>(buffer_bytes, keep);
}

BlobPool::Blob BlobPool::get(size_t at_least) {
  if (at_least > buffer_bytes_) {
    return {std::shared_ptr<char[]>(std::make_unique_for_overwrite<char[]>(at_least)), at_least};
  }
  std::unique_ptr<char[]> buffer;
  {
    MutexLock lock(mutex_);
    if (!free_.empty()) {
      buffer = std::move(free_.back());  // the one used last is the warmest
      free_.pop_back();
    }
  }
  if (!buffer) {
    buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes_);
  }
  auto give_back = [pool = shared_from_this()](char* data) { pool->put(std::unique_ptr<char[]>(data)); };
  return {std::shared_ptr<char[]>(buffer.release(), std::move(give_back)), buffer_bytes_};
}

size_t BlobPool::kept() {
  MutexLock lock(mutex_);
  return free_.size();
}

void BlobPool::put(std::unique_ptr<char[]> buffer) {
  MutexLock lock(mutex_);
  if (free_.size() < keep_) {
    free_.push_back(std::move(buffer));
  }
}

}  // namespace flume

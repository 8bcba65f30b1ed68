// Buffers for blobs that are used again when the last batch over them goes: fresh ones cost page faults, used ones are
// in the cache. Keeps a bounded number; share one pool between builders that are mostly idle. Thread-safe; buffers keep
// their pool alive.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/base/sync.h"

namespace flume {

class BlobPool : public std::enable_shared_from_this<BlobPool> {
 public:
  struct Blob {
    std::shared_ptr<char[]> data;  // not initialised
    size_t capacity = 0;
  };

  static std::shared_ptr<BlobPool> create(size_t buffer_bytes, size_t keep);
  Blob get(size_t at_least);  // larger than buffer_bytes: made for this use, not kept
  size_t buffer_bytes() const { return buffer_bytes_; }
  size_t kept();

 private:
  BlobPool(size_t buffer_bytes, size_t keep) : buffer_bytes_(buffer_bytes), keep_(keep) {}
  void put(std::unique_ptr<char[]> buffer);

  const size_t buffer_bytes_, keep_;
  Mutex mutex_;
  std::vector<std::unique_ptr<char[]>> free_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume

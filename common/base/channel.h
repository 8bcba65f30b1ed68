// Channel<T>: a bounded queue between threads, limited in bytes and in rows. Many producers that must not block (IO
// threads: they stop reading their socket instead), one consumer that waits. Full is not an error: the producer is told
// once there is room again.
//
// An item that is larger than the whole limit is taken when the channel is empty, so nothing is stuck for ever.
// Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "common/base/sync.h"

namespace flume {

struct ChannelLimits {
  uint64_t bytes = 0;
  uint64_t rows = 0;
};

template <class T>
class Channel {
 public:
  // `on_room` is called from the consumer's thread after a push was refused and half of the limit is free again. It
  // must only post or notify.
  Channel(ChannelLimits limits, std::function<void()> on_room) : limits_(limits), on_room_(std::move(on_room)) {}

  // False: no room (the item is untouched; on_room will follow) or closed.
  bool try_push(T& item, uint64_t bytes, uint64_t rows) FLUME_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (closed_) {
        return false;
      }
      if (!items_.empty() && (bytes_ + bytes > limits_.bytes || rows_ + rows > limits_.rows)) {
        refused_ = true;
        return false;
      }
      items_.push_back(Item{std::move(item), bytes, rows});
      bytes_ += bytes;
      rows_ += rows;
      if (!waiting_) {
        return true;
      }
    }
    filled_.notify_one();
    return true;
  }

  // Waits for an item; nothing when the wait is over or the channel is closed and empty.
  std::optional<T> pop(const Wait& wait) FLUME_EXCLUDES(mutex_) {
    std::optional<T> out;
    bool tell_room = false;
    {
      MutexLock lock(mutex_);
      waiting_ = true;
      while (items_.empty() && !closed_ && filled_.wait(mutex_, wait)) {
      }
      waiting_ = false;
      if (!items_.empty()) {
        Item& item = items_.front();
        bytes_ -= item.bytes;
        rows_ -= item.rows;
        out.emplace(std::move(item.value));
        items_.pop_front();
      }
      if (refused_ && bytes_ <= limits_.bytes / 2 && rows_ <= limits_.rows / 2) {
        refused_ = false;
        tell_room = true;
      }
    }
    if (tell_room && on_room_) {
      on_room_();
    }
    return out;
  }

  // Nothing goes in any more; what is inside can still be taken out.
  void close() FLUME_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
  }

  bool empty() const FLUME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return items_.empty();
  }
  uint64_t bytes() const FLUME_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return bytes_;
  }

 private:
  struct Item {
    T value;
    uint64_t bytes;
    uint64_t rows;
  };
  const ChannelLimits limits_;
  const std::function<void()> on_room_;
  mutable Mutex mutex_;
  CondVar filled_;
  std::deque<Item> items_ FLUME_GUARDED_BY(mutex_);
  uint64_t bytes_ FLUME_GUARDED_BY(mutex_) = 0;
  uint64_t rows_ FLUME_GUARDED_BY(mutex_) = 0;
  bool refused_ FLUME_GUARDED_BY(mutex_) = false;  // a producer waits for room
  bool waiting_ FLUME_GUARDED_BY(mutex_) = false;  // the consumer waits for an item
  bool closed_ FLUME_GUARDED_BY(mutex_) = false;
};

}  // namespace flume

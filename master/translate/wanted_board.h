// WantedBoard: the newest Wanted, made anew for each View, and who wants to hear of it. The node service answers from
// it. Thread-safe; listeners are called in order, from the thread that made the change, and must only post or notify.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/base/sync.h"
#include "master/translate/wanted.h"

namespace flume::master {

class WantedBoard {
 public:
  using Listener = std::function<void(const std::shared_ptr<const Wanted>&)>;

  void on_wanted(Listener listener) { listeners_.push_back(std::move(listener)); }  // before the first take()
  // One call at a time (it is a listener of the Mirror).
  void take(const std::shared_ptr<const View>& view) FLUME_EXCLUDES(mutex_);
  std::shared_ptr<const Wanted> get() const FLUME_EXCLUDES(mutex_);  // never null

 private:
  std::vector<Listener> listeners_;
  mutable Mutex mutex_;
  std::shared_ptr<const Wanted> wanted_ FLUME_GUARDED_BY(mutex_) = Wanted::make(std::make_shared<const View>(),
                                                                                nullptr);
};

}  // namespace flume::master

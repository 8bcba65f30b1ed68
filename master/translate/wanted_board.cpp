#include "master/translate/wanted_board.h"

namespace flume::master {

void WantedBoard::take(const std::shared_ptr<const View>& view) {
  const std::shared_ptr<const Wanted> before = get();
  const std::shared_ptr<const Wanted> wanted = Wanted::make(view, before.get());
  {
    const MutexLock lock(mutex_);
    wanted_ = wanted;
  }
  for (const Listener& listener : listeners_) {
    listener(wanted);
  }
}

std::shared_ptr<const Wanted> WantedBoard::get() const {
  const MutexLock lock(mutex_);
  return wanted_;
}

}  // namespace flume::master

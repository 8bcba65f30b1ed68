#include "master/config/mirror.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/units.h"

namespace flume::master {

Mirror::~Mirror() { stop(); }

void Mirror::on_view(Listener listener) { listeners_.push_back(std::move(listener)); }

Status Mirror::start() {
  FLUME_RETURN_IF_ERROR(catch_up());
  thread_ = Thread("config-watch", [this] { watch(); });
  return {};
}

void Mirror::stop() {
  stop_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::shared_ptr<const View> Mirror::view() const {
  const MutexLock lock(mutex_);
  return view_;
}

void Mirror::watch() {
  Mutex pause_mutex;
  CondVar pause;
  while (!stop_.stop_requested()) {
    // The wait happens outside the update lock; what it found is read again under it.
    const auto changes = store_.changes_since(view()->revision, Wait{TimePoint::max(), stop_.token()});
    if (stop_.stop_requested()) {
      return;
    }
    Status status = changes.ok() || changes.status().code() == Code::kGone ? catch_up() : changes.status();
    if (!status.ok()) {
      FLUME_LOG_EVERY(60'000, kError, "the store cannot be read", kv("error", status));
      const Wait wait = Wait::for_duration(1s, stop_.token());
      const MutexLock lock(pause_mutex);
      while (pause.wait(pause_mutex, wait)) {
      }
    }
  }
}

Status Mirror::catch_up() {
  const MutexLock updates(update_mutex_);
  const std::shared_ptr<const View> before = view();
  auto next = std::make_shared<View>();
  bool is_new = before->revision == 0;
  if (!is_new) {
    auto changes = store_.changes_since(before->revision, Wait::for_duration(0s));
    if (changes.ok()) {
      if (changes->empty()) {
        return {};
      }
      *next = *before;
      next->apply(*changes);
    } else if (changes.status().code() == Code::kGone) {
      is_new = true;
    } else {
      return changes.status();
    }
  }
  if (is_new) {
    Revision as_of = 0;
    FLUME_ASSIGN_OR_RETURN(const std::vector<Entry> entries, store_.list("", as_of));
    next->apply(entries);
    next->revision = std::max(as_of, before->revision);
  }
  {
    const MutexLock lock(mutex_);
    view_ = next;
  }
  for (const Listener& listener : listeners_) {
    listener(next);
  }
  return {};
}

}  // namespace flume::master

// Mirror: keeps the newest View of a store. One thread (config-watch) waits for changes; whoever has just committed
// calls catch_up() to see his own change at once. Listeners are called with each new view, in order; they must only
// post or notify.
#pragma once

#include <functional>
#include <memory>

#include "common/base/sync.h"
#include "common/base/thread.h"
#include "master/config/view.h"
#include "master/store/config_store.h"

namespace flume::master {

class Mirror {
 public:
  using Listener = std::function<void(const std::shared_ptr<const View>&)>;

  explicit Mirror(ConfigStore& store) : store_(store) {}
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  void on_view(Listener listener);  // before start()
  Status start();                   // reads all, calls the listeners, starts the thread
  void stop();

  std::shared_ptr<const View> view() const FLUME_EXCLUDES(mutex_);  // never null
  // Brings the view to what the store holds now.
  Status catch_up() FLUME_EXCLUDES(update_mutex_, mutex_);
  ConfigStore& store() { return store_; }

 private:
  void watch();

  ConfigStore& store_;
  StopSource stop_;
  std::vector<Listener> listeners_;
  Thread thread_;
  Mutex update_mutex_;  // one view is made at a time; taken before mutex_
  mutable Mutex mutex_;
  std::shared_ptr<const View> view_ FLUME_GUARDED_BY(mutex_) = std::make_shared<const View>();
};

}  // namespace flume::master

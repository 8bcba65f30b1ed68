// LocalStore: a ConfigStore whose whole state is in this process. What the memory store and the directory store have in
// common: commits run one after another (check, persist, apply, wake the waiters); readers are never held up by a disk.
// Thread-safe.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "common/base/sync.h"
#include "master/store/config_store.h"
#include "master/store/store_state.h"

namespace flume::master {

class LocalStore : public ConfigStore {
 public:
  Id128 store_id() const final { return store_id_; }
  Result<std::vector<Entry>> list(std::string_view prefix, Revision& as_of) final FLUME_EXCLUDES(mutex_);
  Result<Revision> commit(std::span<const Change> changes) final FLUME_EXCLUDES(commit_mutex_, mutex_);
  Result<std::vector<Entry>> changes_since(Revision since, const Wait& wait) final FLUME_EXCLUDES(mutex_);

 protected:
  LocalStore(Id128 store_id, StoreState state) : store_id_(store_id), state_(std::move(state)) {}

  // Makes the commit durable. Called by one commit at a time; the state does not change meanwhile. A number whose
  // commit failed is used up and never given to another one.
  virtual Status persist(std::span<const Change> changes, Revision at) = 0;
  // For persist() of a derived class: the state before the commit that is being persisted.
  template <class Use>
  void read_state(Use use) FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    use(static_cast<const StoreState&>(state_));
  }

 private:
  const Id128 store_id_;
  Mutex commit_mutex_;  // taken before mutex_
  Mutex mutex_;
  CondVar changed_;
  StoreState state_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume::master

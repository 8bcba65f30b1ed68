#include "master/store/local_store.h"

namespace flume::master {

Result<std::vector<Entry>> LocalStore::list(std::string_view prefix, Revision& as_of) {
  const MutexLock lock(mutex_);
  as_of = state_.revision();
  return state_.list(prefix);
}

Result<Revision> LocalStore::commit(std::span<const Change> changes) {
  const MutexLock commits(commit_mutex_);
  Revision at = 0;
  {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(state_.check(changes));
    at = state_.revision() + 1;
  }
  const Status persisted = persist(changes, at);
  const MutexLock lock(mutex_);
  if (!persisted.ok()) {
    state_.skip_to(at);
    return persisted;
  }
  state_.apply(changes, at);
  changed_.notify_all();
  return at;
}

Result<std::vector<Entry>> LocalStore::changes_since(Revision since, const Wait& wait) {
  const MutexLock lock(mutex_);
  while (true) {
    auto entries = state_.changes_since(since);
    if (!entries.ok() || !entries->empty() || wait.over() || !changed_.wait(mutex_, wait)) {
      return entries;
    }
  }
}

}  // namespace flume::master

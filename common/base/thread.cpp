#include "common/base/thread.h"

#include <pthread.h>

#include <mutex>
#include <set>

#include "common/base/check.h"

namespace flume {

namespace {

struct Names {
  std::mutex mutex;
  std::multiset<std::string> running;  // guarded by mutex
};

Names& all_names() {
  static auto* const names = new Names;  // never destroyed: threads may end after main
  return *names;
}

}  // namespace

Thread::Thread(std::string name, std::function<void()> body)
    : thread_([name = std::move(name), body = std::move(body)] {
        pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
        {
          const std::lock_guard lock(all_names().mutex);
          all_names().running.insert(name);
        }
        body();
        const std::lock_guard lock(all_names().mutex);
        all_names().running.erase(all_names().running.find(name));
      }) {}

Thread::~Thread() { FLUME_CHECK(!thread_.joinable(), "a thread was not joined"); }

std::vector<std::string> Thread::names() {
  const std::lock_guard lock(all_names().mutex);
  return {all_names().running.begin(), all_names().running.end()};
}

}  // namespace flume

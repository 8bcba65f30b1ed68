// Mutex, MutexLock and CondVar with clang's thread-safety annotations: in the clang presets a member touched without
// its mutex is a compile error. One mutex at a time; where two are needed the order is written beside both members.
#pragma once

#include <condition_variable>
#include <mutex>

#include "common/base/stop.h"

#if defined(__clang__)
#define FLUME_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define FLUME_THREAD_ANNOTATION(x)
#endif
#define FLUME_CAPABILITY(x) FLUME_THREAD_ANNOTATION(capability(x))
#define FLUME_SCOPED_CAPABILITY FLUME_THREAD_ANNOTATION(scoped_lockable)
#define FLUME_GUARDED_BY(x) FLUME_THREAD_ANNOTATION(guarded_by(x))
#define FLUME_REQUIRES(...) FLUME_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define FLUME_EXCLUDES(...) FLUME_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define FLUME_ACQUIRE(...) FLUME_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define FLUME_RELEASE(...) FLUME_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define FLUME_NO_THREAD_SAFETY_ANALYSIS FLUME_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace flume {

class FLUME_CAPABILITY("mutex") Mutex {
 public:
  void lock() FLUME_ACQUIRE() { mutex_.lock(); }
  void unlock() FLUME_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class FLUME_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) FLUME_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() FLUME_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits end at the first of: notified, deadline, stop. They may also end for nothing, so the caller loops on its
// predicate:
//   while (!ready && cv.wait(mutex, wait)) {}
class CondVar {
 public:
  // False once the deadline has passed or stop was requested. The mutex is held before and after.
  bool wait(Mutex& mutex, const Wait& wait) FLUME_REQUIRES(mutex);
  void notify_one() { cv_.notify_one(); }
  void notify_all() { cv_.notify_all(); }

 private:
  std::condition_variable_any cv_;
};

}  // namespace flume

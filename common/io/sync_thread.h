// One background thread that syncs files, so that whoever writes them never waits for the disk. Owned by FileStorage;
// started with the first request, stopped and joined by the destructor after what was asked for is done. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/sync.h"
#include "common/base/thread.h"

namespace flume {

// One request; shared by the thread and whoever asked.
class SyncJob {
 public:
  SyncJob(std::shared_ptr<const UniqueFd> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  // Nothing while the sync has not ended.
  std::optional<Status> result() const;
  // Waits for the end; kTimeout or kStopped when the wait is over first.
  Status wait(const Wait& wait);

 private:
  friend class SyncThread;
  void run();

  // Shared: the writer may give the file up meanwhile. Of run() only.
  std::shared_ptr<const UniqueFd> file_;
  const std::string path_;
  mutable Mutex mutex_;
  CondVar done_;
  std::optional<Status> result_ FLUME_GUARDED_BY(mutex_);
};

class SyncThread {
 public:
  SyncThread() = default;
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;
  std::shared_ptr<SyncJob> start(std::shared_ptr<const UniqueFd> file, std::string path);

 private:
  void run();

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<SyncJob>> jobs_ FLUME_GUARDED_BY(mutex_);  // bounded: one per open file
  bool stop_ FLUME_GUARDED_BY(mutex_) = false;
  Thread thread_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace flume

#include "common/io/sync_thread.h"

#include "common/base/text.h"
#include "common/io/posix.h"

namespace flume {

std::optional<Status> SyncJob::result() const {
  MutexLock lock(mutex_);
  return result_;
}

Status SyncJob::wait(const Wait& wait) {
  MutexLock lock(mutex_);
  while (!result_) {
    if (!done_.wait(mutex_, wait) && !result_) {
      return wait.stop.stop_requested() ? stopped()
                                        : Status(Code::kTimeout, str_cat("sync ", quoted(path_), ": still going on"));
    }
  }
  return *result_;
}

void SyncJob::run() {
  Status status = sync_data(file_->fd(), path_);
  file_.reset();  // first: whoever hears of the result may count on the file, and its lock, being free
  MutexLock lock(mutex_);
  result_ = std::move(status);
  done_.notify_all();
}

SyncThread::~SyncThread() {
  Thread thread;
  {
    MutexLock lock(mutex_);
    stop_ = true;
    changed_.notify_all();
    thread = std::move(thread_);
  }
  if (thread.joinable()) {
    thread.join();
  }
}

std::shared_ptr<SyncJob> SyncThread::start(std::shared_ptr<const UniqueFd> file, std::string path) {
  auto job = std::make_shared<SyncJob>(std::move(file), std::move(path));
  MutexLock lock(mutex_);
  jobs_.push_back(job);
  if (!thread_.joinable()) {
    thread_ = Thread("file-sync", [this] { run(); });
  }
  changed_.notify_all();
  return job;
}

void SyncThread::run() {
  for (;;) {
    std::shared_ptr<SyncJob> job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stop_) {
        changed_.wait(mutex_, Wait{});
      }
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job->run();
  }
}

}  // namespace flume

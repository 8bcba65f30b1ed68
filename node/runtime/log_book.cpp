#include "node/runtime/log_book.h"

#include <utility>

namespace flume::node {

void LogBook::add(const void* log, std::function<LogStatus()> status) {
  const MutexLock lock(mutex_);
  logs_[log] = std::move(status);
}

void LogBook::remove(const void* log) {
  const MutexLock lock(mutex_);
  logs_.erase(log);
}

std::vector<LogStatus> LogBook::list() const {
  const MutexLock lock(mutex_);
  std::vector<LogStatus> all;
  all.reserve(logs_.size());
  for (const auto& [log, status] : logs_) {
    all.push_back(status());
  }
  return all;
}

}  // namespace flume::node

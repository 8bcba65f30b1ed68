#include "node/runtime/log_book.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"

namespace flume::node {

void LogBook::add(const void* log, std::function<LogStatus()> status) {
  const MutexLock lock(mutex_);
  logs_[log] = std::move(status);
}

void LogBook::remove(const void* log) {
  const MutexLock lock(mutex_);
  const auto found = logs_.find(log);
  if (found != logs_.end()) {
    const LogStatus last = found->second();
    closed_[last.folder].reopened(last.counts);
    logs_.erase(found);
  }
}

LogCounts LogBook::counts() const {
  const MutexLock lock(mutex_);
  std::map<std::string, LogCounts> folders = closed_;
  for (const auto& [log, status] : logs_) {
    const LogStatus now = status();
    folders[now.folder].reopened(now.counts);
  }
  LogCounts sum;
  for (const auto& [folder, counts] : folders) {
    sum.add(counts);
  }
  return sum;
}

std::vector<LogStatus> LogBook::list() const {
  const MutexLock lock(mutex_);
  std::vector<LogStatus> all;
  all.reserve(logs_.size());
  for (const auto& [log, status] : logs_) {
    all.push_back(status());
  }
  std::sort(all.begin(), all.end(), [](const LogStatus& a, const LogStatus& b) { return a.folder < b.folder; });
  return all;
}

Status LogBook::claim(const std::string& folder, const void* log) {
  std::function<void()> give_up;
  {
    const MutexLock lock(mutex_);
    const auto found = claims_.find(folder);
    if (found == claims_.end()) {
      claims_[folder] = log;
      return {};
    }
    if (const auto asked = give_up_.find(folder); asked != give_up_.end()) {
      give_up = asked->second;
    }
  }
  if (give_up) {
    give_up();
  }
  const MutexLock lock(mutex_);
  if (claims_.contains(folder)) {
    return {Code::kBusy, str_cat("open the log in ", quoted(folder), ": another sink of this node uses it")};
  }
  claims_[folder] = log;
  return {};
}

void LogBook::release(const void* log) {
  const MutexLock lock(mutex_);
  std::erase_if(claims_, [log](const auto& claim) { return claim.second == log; });
}

bool LogBook::is_claimed(const std::string& folder) const {
  const MutexLock lock(mutex_);
  return claims_.contains(folder);
}

void LogBook::on_wanted(const std::string& folder, std::function<void()> give_up) {
  const MutexLock lock(mutex_);
  if (give_up) {
    give_up_[folder] = std::move(give_up);
  } else {
    give_up_.erase(folder);
  }
}

}  // namespace flume::node

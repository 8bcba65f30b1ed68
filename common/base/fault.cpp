#include "common/base/fault.h"

#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "common/base/text.h"

namespace flume {

namespace internal {
std::atomic<int> armed_faults{0};
}

namespace {

struct Armed {
  Status status;
  int skip;
  int count;
};

struct Table {
  std::mutex mutex;
  std::map<std::string, Armed, std::less<>> armed;  // guarded by mutex
};

Table& table() {
  static auto* const instance = new Table;  // never destroyed: threads may pass fault points until the end
  return *instance;
}

}  // namespace

Status internal::check_fault(std::string_view name) {
  const std::lock_guard lock(table().mutex);
  const auto it = table().armed.find(name);
  if (it == table().armed.end() || it->second.count == 0) {
    return {};
  }
  if (it->second.skip > 0) {
    --it->second.skip;
    return {};
  }
  if (it->second.count > 0) {
    --it->second.count;
  }
  return it->second.status;
}

void arm_fault(std::string_view name, Status status, int skip, int count) {
  const std::lock_guard lock(table().mutex);
  table().armed.insert_or_assign(std::string(name), Armed{std::move(status), skip, count});
  internal::armed_faults.store(static_cast<int>(table().armed.size()), std::memory_order_relaxed);
}

void disarm_faults() {
  const std::lock_guard lock(table().mutex);
  table().armed.clear();
  internal::armed_faults.store(0, std::memory_order_relaxed);
}

void arm_faults_from_environment() {
  const char* text = std::getenv("FLUME_FAULTS");
  if (text == nullptr || *text == 0) {
    return;
  }
  for (const std::string_view item : split(text, ',')) {
    const auto parts = split(item, ':');
    const int skip = parts.size() > 1 ? parse_number<int>(parts[1]).value_or(0) : 0;
    const int count = parts.size() > 2 ? parse_number<int>(parts[2]).value_or(1) : 1;
    arm_fault(parts[0], Status::from_errno(EIO, str_cat("fault point ", parts[0])), skip, count);
  }
}

}  // namespace flume

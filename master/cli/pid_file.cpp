#include "master/cli/pid_file.h"

#include <unistd.h>

#include "common/base/text.h"
#include "master/store/store_files.h"

namespace flume::master {

Result<PidFile> PidFile::take(const std::string& path) {
  auto lock = lock_file(path);
  if (lock.ok()) {
    return PidFile(path, std::move(*lock));
  }
  if (lock.status().code() == Code::kBusy) {
    const auto holder = read_whole_file(path);
    return Status(Code::kBusy,
                  str_cat("Master already running, pid=", holder.ok() ? trim(*holder) : "unknown", " (", path, ")"));
  }
  return lock.status();
}

PidFile::PidFile(PidFile&& other) noexcept : path_(std::move(other.path_)), lock_(std::move(other.lock_)) {
  other.path_.clear();
}

PidFile::~PidFile() {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

}  // namespace flume::master

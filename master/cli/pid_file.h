// PidFile: a file with this process's number, as service scripts want it. It is locked while the process lives, so what
// a dead process left behind is recognised and taken over. Owned by one thread.
#pragma once

#include <string>

#include "common/base/fd.h"
#include "common/base/status.h"

namespace flume::master {

class PidFile {
 public:
  // kBusy: "Master already running, pid=N".
  static Result<PidFile> take(const std::string& path);
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();  // removes the file

 private:
  PidFile(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;  // empty: moved from
  UniqueFd lock_;
};

}  // namespace flume::master

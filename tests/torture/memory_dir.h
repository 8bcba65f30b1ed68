// A folder on a file system in memory, where syncs cost nothing, if the machine has one; removed with all in it at the
// end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/check.h"

namespace flume::test {

class MemoryDir {
 public:
  MemoryDir() {
    std::error_code error;
    const bool has_memory = std::filesystem::is_directory("/dev/shm", error);
    path_ = (has_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) + "/flume-test-XXXXXX";
    FLUME_CHECK(mkdtemp(path_.data()) != nullptr, path_);
  }
  ~MemoryDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryDir(const MemoryDir&) = delete;
  MemoryDir& operator=(const MemoryDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace flume::test

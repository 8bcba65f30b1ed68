// FileSystem: local files as logs need them, so that a test can stand in for the disk: one that keeps what was synced
// and what was not apart, and forgets at a crash. What a log may rely on is only what is said here.
//
// Names: a file made or renamed is there after a crash only when its folder was synced since. Bytes: only those of the
// last sync() that succeeded. After a write or sync that failed nothing is known of the bytes since the last good sync:
// the file's life ends there (a later sync may succeed and mean nothing).
//
// FileSystem objects are thread-safe; a LogFile is written by one thread, and may be read by others meanwhile.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace flume {

class LogFile {
 public:
  virtual ~LogFile() = default;
  virtual const std::string& path() const = 0;
  virtual Status append(std::span<const iovec> pieces) = 0;  // kNoSpace too ends the file's life: a part may be there
  virtual Status sync() = 0;                                 // data and length
  // Bytes from `offset` on into `out`; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> out) const = 0;
  virtual Result<uint64_t> size() const = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<LogFile>> create(const std::string& path) = 0;  // kExists: never replaces
  virtual Result<std::unique_ptr<LogFile>> open(const std::string& path) = 0;    // for reading
  virtual Status rename(const std::string& from, const std::string& to) = 0;     // kExists: never replaces
  virtual Status remove(const std::string& path) = 0;
  virtual Status make_folders(const std::string& folder) = 0;  // durable on return
  virtual Status sync_folder(const std::string& folder) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  // names of plain files, sorted
  virtual Result<uint64_t> free_bytes(const std::string& folder) = 0;            // for this user
};

// The machine's own. Never goes away.
FileSystem& local_files();

}  // namespace flume

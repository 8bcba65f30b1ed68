// A file system in memory that knows what would survive a crash: names and bytes that were synced, and those that were
// not, apart. Each write, sync, rename, remove and creation is a point at which it can be made to fail or to crash:
// after a crash every call fails, until revive() makes a disk as a crash could have left it.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/sync.h"
#include "common/base/text.h"
#include "common/io/file_system.h"
#include "common/io/posix.h"
#include "tests/support/crash_disk.h"

namespace flume::test {

class CrashFiles final : public FileSystem {
 public:
  CrashFiles() = default;
  // A disk that holds the same.
  CrashFiles copy() const {
    const MutexLock lock(mutex_);
    return CrashFiles(disk_.after_crash(Tail::kKept, Names::kAll, 0));
  }

  // The n-th point from now on (0 = the next) fails or crashes.
  void crash_at(int64_t point) { set(point, true, 1); }
  void fail_at(int64_t point, int64_t count = 1) { set(point, false, count); }
  int64_t points() const {
    const MutexLock lock(mutex_);
    return points_;
  }
  bool is_down() const {
    const MutexLock lock(mutex_);
    return down_;
  }
  // Power is back.
  void revive(Tail tail, Names names, uint64_t seed) {
    const MutexLock lock(mutex_);
    disk_ = disk_.after_crash(tail, names, seed);
    down_ = false;
    left_ = -1;
    ++life_;
  }
  // The process was killed and starts again; the machine went on, and nothing was synced.
  void restart() {
    const MutexLock lock(mutex_);
    down_ = false;
    left_ = -1;
    ++life_;
  }
  // Damage from outside.
  std::string* bytes_of(const std::string& path) {
    const MutexLock lock(mutex_);
    const CrashDisk::File file = disk_.find(path);
    return file == nullptr ? nullptr : &file->bytes;
  }
  std::vector<std::string> paths() const {
    const MutexLock lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [path, inode] : disk_.names()) {
      all.push_back(path);
    }
    return all;
  }

  Result<std::unique_ptr<LogFile>> create(const std::string& path) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("create ", path)));
    if (disk_.find(path) != nullptr) {
      return Status(Code::kExists, str_cat("create ", path, ": it is there"));
    }
    return std::unique_ptr<LogFile>(std::make_unique<File>(*this, disk_.create(path), path, life_));
  }
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override {
    const MutexLock lock(mutex_);
    CrashDisk::File file = disk_.find(path);
    if (file == nullptr || down_) {
      return Status(Code::kNotFound, str_cat("open ", path, ": nothing there"));
    }
    return std::unique_ptr<LogFile>(std::make_unique<File>(*this, std::move(file), path, life_));
  }
  Status rename(const std::string& from, const std::string& to) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("rename ", from)));
    const bool is_there = disk_.find(from) != nullptr;
    if (!is_there || disk_.find(to) != nullptr) {
      return Status(is_there ? Code::kExists : Code::kNotFound, str_cat("rename ", from, " to ", to));
    }
    disk_.rename(from, to);
    return {};
  }
  Status remove(const std::string& path) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("remove ", path)));
    if (disk_.find(path) == nullptr) {
      return {Code::kNotFound, str_cat("remove ", path)};
    }
    disk_.remove(path);
    return {};
  }
  Status make_folders(const std::string&) override { return {}; }
  Status sync_folder(const std::string& folder) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("sync folder ", folder)));
    disk_.sync_folder(folder);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    const MutexLock lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [path, inode] : disk_.names()) {
      if (parent_folder(path) == folder) {
        out.push_back(path.substr(folder.size() + 1));
      }
    }
    return out;
  }
  Result<uint64_t> free_bytes(const std::string&) override {
    const MutexLock lock(mutex_);
    return free_bytes_;
  }
  void set_free_bytes(uint64_t bytes) {
    const MutexLock lock(mutex_);
    free_bytes_ = bytes;
  }

 private:
  explicit CrashFiles(CrashDisk disk) : disk_(std::move(disk)) {}

  class File final : public LogFile {
   public:
    File(CrashFiles& files, CrashDisk::File inode, std::string path, int life)
        : files_(files), inode_(std::move(inode)), path_(std::move(path)), life_(life) {}
    const std::string& path() const override { return path_; }
    Status append(std::span<const iovec> pieces) override {
      const MutexLock lock(files_.mutex_);
      const Status status = alive();
      if (!status.ok() && files_.down_) {  // a crash in the middle of a write: a part may be there
        append_part(pieces, 2);
        return status;
      }
      FLUME_RETURN_IF_ERROR(status);
      append_part(pieces, 1);
      return {};
    }
    Status sync() override {
      const MutexLock lock(files_.mutex_);
      Status status = alive();
      if (status.ok()) {
        CrashDisk::sync(*inode_);
      } else if (!files_.down_) {
        CrashDisk::lose(*inode_);
      }
      return status;
    }
    Result<size_t> read_at(uint64_t offset, std::span<char> out) const override {
      const MutexLock lock(files_.mutex_);
      const size_t size = inode_->bytes.size();
      const size_t n = offset < size ? std::min<size_t>(out.size(), size - offset) : 0;
      if (n > 0) {
        std::memcpy(out.data(), inode_->bytes.data() + offset, n);
      }
      return n;
    }
    Result<uint64_t> size() const override {
      const MutexLock lock(files_.mutex_);
      return inode_->bytes.size();
    }

   private:
    Status alive() FLUME_REQUIRES(files_.mutex_) {
      if (life_ != files_.life_) {
        return {Code::kIo, "a file of before the crash"};
      }
      return files_.point(path_);
    }
    void append_part(std::span<const iovec> pieces, size_t divisor) FLUME_REQUIRES(files_.mutex_) {
      if (life_ != files_.life_) {
        return;
      }
      std::string all;
      for (const iovec& piece : pieces) {
        all.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      }
      CrashDisk::append(*inode_, std::string_view(all).substr(0, all.size() / divisor));
    }
    CrashFiles& files_;
    const CrashDisk::File inode_;
    const std::string path_;
    const int life_;
  };

  void set(int64_t point, bool crash, int64_t failures) {
    const MutexLock lock(mutex_);
    left_ = point;
    crashes_ = crash;
    failures_ = failures;
  }
  Status point(const std::string& what) FLUME_REQUIRES(mutex_) {
    if (down_) {
      return {Code::kIo, "the machine is down"};
    }
    ++points_;
    if (left_ < 0) {
      return {};
    }
    if (left_-- > 0) {
      return {};
    }
    if (crashes_) {
      down_ = true;
      return {Code::kIo, "the machine went down"};
    }
    left_ = --failures_ > 0 ? 0 : -1;
    return {Code::kIo, str_cat(what, ": made to fail")};
  }

  mutable Mutex mutex_;
  CrashDisk disk_ FLUME_GUARDED_BY(mutex_);
  int64_t left_ FLUME_GUARDED_BY(mutex_) = -1;
  uint64_t free_bytes_ FLUME_GUARDED_BY(mutex_) = uint64_t{1} << 40;
  int64_t failures_ FLUME_GUARDED_BY(mutex_) = 1;
  int64_t points_ FLUME_GUARDED_BY(mutex_) = 0;
  bool crashes_ FLUME_GUARDED_BY(mutex_) = false;
  bool down_ FLUME_GUARDED_BY(mutex_) = false;
  int life_ FLUME_GUARDED_BY(mutex_) = 0;
};

}  // namespace flume::test

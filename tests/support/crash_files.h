// A file system in memory that knows what would survive a crash: names and bytes that were synced, and those that were
// not, apart. Each write, sync, rename, remove and creation is a point at which it can be made to fail or to crash:
// after a crash every call fails, until revive() makes a disk as a crash could have left it.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/sync.h"
#include "common/base/text.h"
#include "common/io/file_system.h"

namespace flume::test {

// What becomes of bytes that were written and not synced.
enum class Tail { kKept, kDropped, kTorn, kZeros };
// And of names that were made, changed or removed since their folder was synced. kSome: each change for itself, by the
// lowest three bits of the seed, so that eight seeds are all there is for three changes.
enum class Names { kSynced, kAll, kSome };

class CrashFiles final : public FileSystem {
 public:
  struct Inode {
    std::string bytes;
    size_t synced = 0;
  };

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
    Random random(seed);
    if (names != Names::kAll) {
      names_ = synced_names_;
      for (size_t i = 0; i < changes_.size(); ++i) {
        if (names == Names::kSome && (seed >> (i % 3) & 1) != 0) {
          apply(changes_[i], names_);
        }
      }
    }
    changes_.clear();
    for (auto& [path, inode] : names_) {
      const size_t unsynced = inode->bytes.size() - inode->synced;
      switch (tail) {
        case Tail::kKept: break;
        case Tail::kDropped: inode->bytes.resize(inode->synced); break;
        case Tail::kTorn: inode->bytes.resize(inode->synced + (unsynced == 0 ? 0 : random() % (unsynced + 1))); break;
        case Tail::kZeros: std::fill_n(inode->bytes.begin() + static_cast<ptrdiff_t>(inode->synced), unsynced, '\0');
      }
      inode->synced = inode->bytes.size();
    }
    synced_names_ = names_;
    down_ = false;
    left_ = -1;
    ++life_;
  }
  // Damage from outside.
  std::string* bytes_of(const std::string& path) {
    const MutexLock lock(mutex_);
    const auto found = names_.find(path);
    return found == names_.end() ? nullptr : &found->second->bytes;
  }
  std::vector<std::string> paths() const {
    const MutexLock lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [path, inode] : names_) {
      all.push_back(path);
    }
    return all;
  }

  Result<std::unique_ptr<LogFile>> create(const std::string& path) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("create ", path)));
    if (names_.contains(path)) {
      return Status(Code::kExists, str_cat("create ", path, ": it is there"));
    }
    const auto inode = std::make_shared<Inode>();
    change({"", path, inode});
    return std::unique_ptr<LogFile>(std::make_unique<File>(*this, inode, path, life_));
  }
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override {
    const MutexLock lock(mutex_);
    const auto found = names_.find(path);
    if (found == names_.end() || down_) {
      return Status(Code::kNotFound, str_cat("open ", path, ": nothing there"));
    }
    return std::unique_ptr<LogFile>(std::make_unique<File>(*this, found->second, path, life_));
  }
  Status rename(const std::string& from, const std::string& to) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("rename ", from)));
    const auto found = names_.find(from);
    if (found == names_.end() || names_.contains(to)) {
      return Status(found == names_.end() ? Code::kNotFound : Code::kExists, str_cat("rename ", from, " to ", to));
    }
    change({from, to, found->second});
    return {};
  }
  Status remove(const std::string& path) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("remove ", path)));
    if (!names_.contains(path)) {
      return {Code::kNotFound, str_cat("remove ", path)};
    }
    change({path, "", nullptr});
    return {};
  }
  Status make_folders(const std::string&) override { return {}; }
  Status sync_folder(const std::string& folder) override {
    const MutexLock lock(mutex_);
    FLUME_RETURN_IF_ERROR(point(str_cat("sync folder ", folder)));
    std::erase_if(synced_names_, [&](const auto& entry) { return is_in(entry.first, folder); });
    std::erase_if(changes_, [&](const Change& one) { return is_in(one.to.empty() ? one.from : one.to, folder); });
    for (const auto& [path, inode] : names_) {
      if (is_in(path, folder)) {
        synced_names_[path] = inode;
      }
    }
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    const MutexLock lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [path, inode] : names_) {
      if (is_in(path, folder)) {
        out.push_back(path.substr(folder.size() + 1));
      }
    }
    return out;
  }
  Result<uint64_t> free_bytes(const std::string&) override { return uint64_t{1} << 40; }

 private:
  class File final : public LogFile {
   public:
    File(CrashFiles& files, std::shared_ptr<Inode> inode, std::string path, int life)
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
      FLUME_RETURN_IF_ERROR(alive());
      inode_->synced = inode_->bytes.size();
      return {};
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
      inode_->bytes.append(all, 0, all.size() / divisor);
    }
    CrashFiles& files_;
    const std::shared_ptr<Inode> inode_;
    const std::string path_;
    const int life_;
  };

  // A name made (`from` empty), changed or removed (`to` empty).
  struct Change {
    std::string from, to;
    std::shared_ptr<Inode> inode;
  };
  using NameTable = std::map<std::string, std::shared_ptr<Inode>>;

  static void apply(const Change& change, NameTable& names) {
    names.erase(change.from);
    if (!change.to.empty()) {
      names[change.to] = change.inode;
    }
  }
  void change(const Change& change) FLUME_REQUIRES(mutex_) {
    apply(change, names_);
    changes_.push_back(change);
  }
  static bool is_in(const std::string& path, const std::string& folder) {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/' &&
           path.find('/', folder.size() + 1) == std::string::npos;
  }
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
  NameTable names_ FLUME_GUARDED_BY(mutex_);
  NameTable synced_names_ FLUME_GUARDED_BY(mutex_);
  std::vector<Change> changes_ FLUME_GUARDED_BY(mutex_);  // since their folder was synced
  int64_t left_ FLUME_GUARDED_BY(mutex_) = -1;
  int64_t failures_ FLUME_GUARDED_BY(mutex_) = 1;
  int64_t points_ FLUME_GUARDED_BY(mutex_) = 0;
  bool crashes_ FLUME_GUARDED_BY(mutex_) = false;
  bool down_ FLUME_GUARDED_BY(mutex_) = false;
  int life_ FLUME_GUARDED_BY(mutex_) = 0;
};

}  // namespace flume::test

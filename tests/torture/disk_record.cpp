#include "tests/torture/disk_record.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <filesystem>
#include <mutex>
#include <string_view>

#include "common/base/check.h"
#include "common/io/posix.h"

namespace flume::test::disk_record {

namespace {

struct State {
  std::mutex mutex;
  std::string root;                    // empty: nothing is recorded
  std::map<int, uint64_t> files;       // descriptor -> number
  std::map<int, std::string> folders;  // descriptor -> path
  std::map<ino_t, uint64_t> numbers;   // the system's -> ours
  uint64_t last_number = 0;
  std::vector<Change> changes;
};

State& state() {
  static State* const the_state = new State;  // system calls come until the very end. NOLINT
  return *the_state;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_below(const State& now, std::string_view path) {
  return !now.root.empty() && path.size() > now.root.size() && path.starts_with(now.root) &&
         path[now.root.size()] == '/';
}

void opened(State& now, int fd, const char* path, int flags, bool was_there) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return;
  }
  if (S_ISDIR(info.st_mode)) {
    now.folders[fd] = path;
    return;
  }
  if (!was_there) {
    now.numbers[info.st_ino] = ++now.last_number;
    now.changes.emplace_back(Created{path});
  }
  const uint64_t number = now.numbers.at(info.st_ino);
  now.files[fd] = number;
  if (was_there && (flags & O_TRUNC) != 0) {
    now.changes.emplace_back(Cut{number, 0});
  }
}

template <class Open>
int record_open(const char* path, int flags, const Open& open) {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  const bool ours = is_below(now, path) || now.root == path;
  const bool was_there = ours && ::access(path, F_OK) == 0;
  const int fd = open();
  if (fd >= 0 && ours) {
    opened(now, fd, path, flags, was_there);
  }
  return fd;
}

template <class Call>
ssize_t record_write(int fd, const iovec* pieces, int count, const Call& call) {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  const auto file = now.files.find(fd);
  if (file == now.files.end()) {
    return call();
  }
  const bool appends = (::fcntl(fd, F_GETFL) & O_APPEND) != 0;
  const auto offset = static_cast<size_t>(::lseek(fd, 0, appends ? SEEK_END : SEEK_CUR));
  const ssize_t written = call();
  if (written > 0) {
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    }
    bytes.resize(static_cast<size_t>(written));
    now.changes.emplace_back(Written{file->second, offset, std::move(bytes)});
  }
  return written;
}

// A file system in memory has nothing to sync, so only the record hears of it.
template <class Call>
int record_sync(int fd, const Call& call) {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  if (const auto file = now.files.find(fd); file != now.files.end()) {
    now.changes.emplace_back(Synced{file->second});
    return 0;
  }
  if (const auto folder = now.folders.find(fd); folder != now.folders.end()) {
    now.changes.emplace_back(FolderSynced{folder->second});
    return 0;
  }
  return call();
}

template <class Call>
int record_change(const char* path, Change change, const Call& call) {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  const int result = call();
  if (result == 0 && is_below(now, path)) {
    now.changes.push_back(std::move(change));
  }
  return result;
}

}  // namespace

void put(const std::string& root, const CrashDisk& disk) {
  FLUME_CHECK(stop().empty(), root);
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    if (!it->is_directory()) {
      ::unlink(it->path().c_str());  // folders are made once
    }
  }
  FLUME_CHECK(make_folders(root).ok(), root);
  std::map<ino_t, uint64_t> numbers;
  std::map<uint64_t, std::string> known;  // a file with two names
  for (const auto& [path, file] : disk.names()) {
    FLUME_CHECK(make_folders(parent_folder(path)).ok(), path);
    if (const auto other = known.emplace(file->number, path); !other.second) {
      FLUME_CHECK(::link(other.first->second.c_str(), path.c_str()) == 0, path);
      continue;
    }
    const auto fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    FLUME_CHECK(fd.ok() && write_all(fd->fd(), file->bytes, path).ok(), path);
    struct stat info {};
    FLUME_CHECK(::fstat(fd->fd(), &info) == 0, path);
    numbers[info.st_ino] = file->number;
  }
  State& now = state();
  const std::lock_guard lock(now.mutex);
  now.root = root;
  now.numbers = std::move(numbers);
  now.last_number = disk.last_number();
}

void promised(uint64_t rows) {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  now.changes.emplace_back(Promised{rows});
}

std::vector<Change> stop() {
  State& now = state();
  const std::lock_guard lock(now.mutex);
  now.root.clear();
  now.files.clear();
  now.folders.clear();
  now.numbers.clear();
  return std::exchange(now.changes, {});
}

Replay::Replay(CrashDisk start) : disk_(std::move(start)) {
  for (const auto& [path, file] : disk_.names()) {
    files_[file->number] = file;
  }
}

void Replay::apply(const Change& change) {
  struct Visitor {
    Replay& r;
    void operator()(const Created& c) const {
      const CrashDisk::File file = r.disk_.create(c.path);
      r.files_[file->number] = file;
    }
    void operator()(const Written& c) const { CrashDisk::write(*r.files_.at(c.file), c.offset, c.bytes); }
    void operator()(const Cut& c) const { CrashDisk::truncate(*r.files_.at(c.file), c.length); }
    void operator()(const Synced& c) const { CrashDisk::sync(*r.files_.at(c.file)); }
    void operator()(const FolderSynced& c) const { r.disk_.sync_folder(c.folder); }
    void operator()(const Renamed& c) const { r.disk_.rename(c.from, c.to); }
    void operator()(const Removed& c) const { r.disk_.remove(c.path); }
    void operator()(const Promised& c) const { r.promised_ = std::max(r.promised_, c.rows); }
  };
  std::visit(Visitor{*this}, change);
}

}  // namespace flume::test::disk_record

// ---- the system calls of this program

namespace record = flume::test::disk_record;

extern "C" {

int open(const char* path, int flags, ...) {
  static const auto real = record::next<int (*)(const char*, int, mode_t)>("open");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return record::record_open(path, flags, [&] { return real(path, flags, mode); });
}
int __open_2(const char* path, int flags) { return open(path, flags); }  // NOLINT: what a hardened program calls
int close(int fd) {
  static const auto real = record::next<int (*)(int)>("close");
  record::State& now = record::state();
  const std::lock_guard lock(now.mutex);
  now.files.erase(fd);
  now.folders.erase(fd);
  return real(fd);
}
ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto real = record::next<ssize_t (*)(int, const void*, size_t)>("write");
  const iovec piece{const_cast<void*>(bytes), size};
  return record::record_write(fd, &piece, 1, [&] { return real(fd, bytes, size); });
}
ssize_t writev(int fd, const iovec* pieces, int count) {
  static const auto real = record::next<ssize_t (*)(int, const iovec*, int)>("writev");
  return record::record_write(fd, pieces, count, [&] { return real(fd, pieces, count); });
}
int fsync(int fd) {
  static const auto real = record::next<int (*)(int)>("fsync");
  return record::record_sync(fd, [&] { return real(fd); });
}
int fdatasync(int fd) {
  static const auto real = record::next<int (*)(int)>("fdatasync");
  return record::record_sync(fd, [&] { return real(fd); });
}
int ftruncate(int fd, off_t length) {
  static const auto real = record::next<int (*)(int, off_t)>("ftruncate");
  record::State& now = record::state();
  const std::lock_guard lock(now.mutex);
  const int result = real(fd, length);
  if (const auto file = now.files.find(fd); result == 0 && file != now.files.end()) {
    now.changes.emplace_back(record::Cut{file->second, static_cast<size_t>(length)});
  }
  return result;
}
int rename(const char* from, const char* to) {
  static const auto real = record::next<int (*)(const char*, const char*)>("rename");
  return record::record_change(from, record::Renamed{from, to}, [&] { return real(from, to); });
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  static const auto real = record::next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  return record::record_change(from, record::Renamed{from, to},
                               [&] { return real(from_folder, from, to_folder, to, flags); });
}
int unlink(const char* path) {
  static const auto real = record::next<int (*)(const char*)>("unlink");
  return record::record_change(path, record::Removed{path}, [&] { return real(path); });
}
int statx(int folder, const char* path, int flags, unsigned mask, struct statx* info) {
  static const auto real = record::next<int (*)(int, const char*, int, unsigned, struct statx*)>("statx");
  const int result = real(folder, path, flags, mask, info);
  record::State& now = record::state();
  const std::lock_guard lock(now.mutex);
  if (const auto known = now.numbers.find(info->stx_ino); result == 0 && known != now.numbers.end()) {
    info->stx_ino = known->second;
    info->stx_mask &= ~static_cast<unsigned>(STATX_BTIME);
  }
  return result;
}
}

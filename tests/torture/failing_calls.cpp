// A library for LD_PRELOAD: some of a process's calls fail. Which ones is said in the file $FLUME_TORTURE_PLAN, which
// is read at each such call, so that faults come and go while the process runs:
// "below=/some/folder;calls=write+sync;errno=5;first=10;every=7;count=20": the 10th write or sync below that folder
// from now on fails, then every 7th after it, 20 in all. Kinds: write, sync, and change (files opened for writing,
// names made, changed or removed). No file, or no calls: no faults.
//
// Each call that failed by the plan is noted, and so is each that the system itself refused for want of room or of
// descriptors, or because a disk broke or may not be written: a run must know that its faults took place.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

namespace {

constexpr unsigned long kNoRoom = 64UL << 10;  // the flume.wal.free.bytes of a run

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

using OpenFunction = int (*)(const char*, int, mode_t);

int real_open(const char* path, int flags, mode_t mode) {
  static const auto kNext = next<OpenFunction>("open");
  return kNext(path, flags, mode);
}

std::string_view environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

long number(std::string_view text) {
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The value of one key of the plan.
std::string_view value_of(std::string_view plan, std::string_view key) {
  while (!plan.empty()) {
    const std::string_view part = plan.substr(0, plan.find(';'));
    if (part.size() > key.size() && part.substr(0, key.size()) == key && part[key.size()] == '=') {
      return part.substr(key.size() + 1);
    }
    plan.remove_prefix(part.size() + (part.size() < plan.size() ? 1 : 0));
  }
  return {};
}

size_t read_plan(char* bytes, size_t size) {
  static const std::string kPath(environment("FLUME_TORTURE_PLAN"));
  const int fd = kPath.empty() ? -1 : real_open(kPath.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return 0;
  }
  const ssize_t got = ::read(fd, bytes, size);
  ::close(fd);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

// The file behind the plan's name with ".failed". Open from the start: it is written to when no more may be opened.
int open_notes() {
  const std::string path(environment("FLUME_TORTURE_PLAN"));
  return path.empty() ? -1 : real_open((path + ".failed").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}
const int notes = open_notes();

// One byte for each failed call.
void note_failure() {
  static const auto kWrite = next<ssize_t (*)(int, const void*, size_t)>("write");
  (void)!kWrite(notes, "x", 1);
}

bool is_below(std::string_view plan, std::string_view path) {
  const std::string_view folder = value_of(plan, "below");
  const std::string_view below = folder.substr(0, folder.find(';'));
  return !below.empty() && path.substr(0, below.size()) == below;
}

bool is_below(std::string_view plan, int fd) {
  char link[64];
  char target[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, target, sizeof target);
  return size > 0 && is_below(plan, std::string_view(target, static_cast<size_t>(size)));
}

// Whether this call is to fail by the plan of now; then errno is set.
bool is_due(std::string_view plan, std::string_view kind) {
  static std::mutex mutex;
  static std::string known;  // the plan that was counted for
  static long calls = 0;
  static long failed = 0;
  const std::lock_guard lock(mutex);
  if (plan != known) {
    known = plan;
    calls = 0;
    failed = 0;
  }
  if (value_of(plan, "calls").find(kind) == std::string_view::npos) {
    return false;
  }
  const long n = ++calls;
  const long first = number(value_of(plan, "first"));
  const long every = number(value_of(plan, "every"));
  if (n < first || every < 1 || (n - first) % every != 0 || failed >= number(value_of(plan, "count"))) {
    return false;
  }
  ++failed;
  note_failure();
  errno = static_cast<int>(number(value_of(plan, "errno")));
  return true;
}

template <class Place>
bool must_fail(std::string_view kind, Place place) {
  const int before = errno;
  char bytes[1024];
  const std::string_view plan(bytes, read_plan(bytes, sizeof bytes));
  if (is_below(plan, place) && is_due(plan, kind)) {
    return true;
  }
  errno = before;
  return false;
}

// The result of a call that went to the system: its failure is noted when it is one of the fault's.
template <class Place, class Result>
Result noted(Place place, Result result) {
  const int error = errno;
  if (result < 0 && (error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO)) {
    char bytes[1024];
    if (is_below(std::string_view(bytes, read_plan(bytes, sizeof bytes)), place)) {
      note_failure();
    }
    errno = error;
  }
  return result;
}

// The same for calls that make a descriptor, wherever they lead.
void note_no_descriptor(bool failed) {
  const int error = errno;
  if (failed && error == EMFILE) {
    note_failure();
    errno = error;
  }
}

int opened(const char* path, int fd) {
  note_no_descriptor(fd < 0);
  return noted(std::string_view(path), fd);
}

bool is_change(const char* path, int flags) {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && must_fail("change", std::string_view(path));
}

mode_t mode_of(int flags, va_list more) { return (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0; }

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto kNext = next<ssize_t (*)(int, const void*, size_t)>("write");
  return must_fail("write", fd) ? -1 : noted(fd, kNext(fd, bytes, size));
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  static const auto kNext = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return must_fail("write", fd) ? -1 : noted(fd, kNext(fd, bytes, size, at));
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static const auto kNext = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return must_fail("write", fd) ? -1 : noted(fd, kNext(fd, bytes, size, at));
}
ssize_t writev(int fd, const iovec* pieces, int count) {
  static const auto kNext = next<ssize_t (*)(int, const iovec*, int)>("writev");
  return must_fail("write", fd) ? -1 : noted(fd, kNext(fd, pieces, count));
}
ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
  static const auto kNext = next<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  return must_fail("write", fd) ? -1 : noted(fd, kNext(fd, pieces, count, at));
}
int fsync(int fd) {
  static const auto kNext = next<int (*)(int)>("fsync");
  return must_fail("sync", fd) ? -1 : noted(fd, kNext(fd));
}
int fdatasync(int fd) {
  static const auto kNext = next<int (*)(int)>("fdatasync");
  return must_fail("sync", fd) ? -1 : noted(fd, kNext(fd));
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return is_change(path, flags) ? -1 : opened(path, real_open(path, flags, mode));
}
int __open_2(const char* path, int flags) { return open(path, flags); }  // NOLINT: what a hardened program calls
int open64(const char* path, int flags, ...) {
  static const auto kNext = next<OpenFunction>("open64");
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return is_change(path, flags) ? -1 : opened(path, kNext(path, flags, mode));
}
int rename(const char* from, const char* to) {
  static const auto kNext = next<int (*)(const char*, const char*)>("rename");
  return must_fail("change", std::string_view(from)) ? -1 : noted(std::string_view(from), kNext(from, to));
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  static const auto kNext = next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  return must_fail("change", std::string_view(from))
             ? -1
             : noted(std::string_view(from), kNext(from_folder, from, to_folder, to, flags));
}
int unlink(const char* path) {
  static const auto kNext = next<int (*)(const char*)>("unlink");
  return must_fail("change", std::string_view(path)) ? -1 : noted(std::string_view(path), kNext(path));
}
int mkdir(const char* path, mode_t mode) {
  static const auto kNext = next<int (*)(const char*, mode_t)>("mkdir");
  return must_fail("change", std::string_view(path)) ? -1 : noted(std::string_view(path), kNext(path, mode));
}
int ftruncate(int fd, off_t length) {
  static const auto kNext = next<int (*)(int, off_t)>("ftruncate");
  return must_fail("change", fd) ? -1 : noted(fd, kNext(fd, length));
}
DIR* opendir(const char* path) {
  static const auto kNext = next<DIR* (*)(const char*)>("opendir");
  DIR* folder = kNext(path);
  note_no_descriptor(folder == nullptr);
  return folder;
}
int socket(int domain, int type, int protocol) {
  static const auto kNext = next<int (*)(int, int, int)>("socket");
  const int fd = kNext(domain, type, protocol);
  note_no_descriptor(fd < 0);
  return fd;
}
// A log asks for the room before it writes, and does not write when there is too little.
int statvfs(const char* path, struct statvfs* room) {
  static const auto kNext = next<int (*)(const char*, struct statvfs*)>("statvfs");
  const int result = kNext(path, room);
  if (result == 0 && room->f_bavail * room->f_frsize < kNoRoom) {
    errno = ENOSPC;
    (void)noted(std::string_view(path), -1);
  }
  return result;
}
}

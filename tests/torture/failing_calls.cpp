// A library for LD_PRELOAD: some of a process's writes or syncs below one folder fail. What and when is said in
// FLUME_TORTURE_FAULTS: "calls=write|sync;path=/folder;errno=5;first=10;every=7;count=20": the 10th such call fails,
// then every 7th after it, 20 in all. Counting begins with the process.
#include <dlfcn.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct Plan {
  std::string calls;
  std::string path;
  int error = EIO;
  long first = 1;
  long every = 1;
  long count = 1;
};

long number(std::string_view text) {
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Plan read_plan() {
  Plan plan;
  const char* text = std::getenv("FLUME_TORTURE_FAULTS");
  std::string_view rest = text == nullptr ? std::string_view() : std::string_view(text);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(';'));
    rest.remove_prefix(part.size() + (part.size() < rest.size() ? 1 : 0));
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    const std::string_view key = part.substr(0, equals);
    const std::string_view value = part.substr(equals + 1);
    if (key == "calls") {
      plan.calls = value;
    } else if (key == "path") {
      plan.path = value;
    } else if (key == "errno") {
      plan.error = static_cast<int>(number(value));
    } else if (key == "first") {
      plan.first = number(value);
    } else if (key == "every") {
      plan.every = number(value);
    } else if (key == "count") {
      plan.count = number(value);
    }
  }
  return plan;
}

bool lies_below(int fd, const std::string& folder) {
  char link[64];
  char target[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, target, sizeof target);
  return size > 0 && std::string_view(target, static_cast<size_t>(size)).substr(0, folder.size()) == folder;
}

// Sets errno when the call is to fail.
bool must_fail(std::string_view call, int fd) {
  static const Plan kPlan = read_plan();
  static std::atomic<long> calls{0};
  static std::atomic<long> failed{0};
  if (kPlan.path.empty() || kPlan.calls != call || !lies_below(fd, kPlan.path)) {
    return false;
  }
  const long n = ++calls;
  if (n < kPlan.first || (n - kPlan.first) % (kPlan.every > 0 ? kPlan.every : 1) != 0 || failed.load() >= kPlan.count) {
    return false;
  }
  ++failed;
  errno = kPlan.error;
  return true;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto kNext = next<ssize_t (*)(int, const void*, size_t)>("write");
  return must_fail("write", fd) ? -1 : kNext(fd, bytes, size);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  static const auto kNext = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return must_fail("write", fd) ? -1 : kNext(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static const auto kNext = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return must_fail("write", fd) ? -1 : kNext(fd, bytes, size, at);
}
ssize_t writev(int fd, const iovec* pieces, int count) {
  static const auto kNext = next<ssize_t (*)(int, const iovec*, int)>("writev");
  return must_fail("write", fd) ? -1 : kNext(fd, pieces, count);
}
ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
  static const auto kNext = next<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  return must_fail("write", fd) ? -1 : kNext(fd, pieces, count, at);
}
int fsync(int fd) {
  static const auto kNext = next<int (*)(int)>("fsync");
  return must_fail("sync", fd) ? -1 : kNext(fd);
}
int fdatasync(int fd) {
  static const auto kNext = next<int (*)(int)>("fdatasync");
  return must_fail("sync", fd) ? -1 : kNext(fd);
}
}

#include "node/tailing/file_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>

#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr size_t kListedChanges = 4096;  // more than this between two looks: a rescan is cheaper
constexpr uint32_t kFileMask = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
constexpr uint32_t kNamesMask =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;
// Between two reads of the event queue. The kernel merges equal events meanwhile, so a busy writer costs a bounded
// number of wake-ups; the first event after silence is not delayed.
constexpr timespec kPause{0, 250'000};

// File systems whose changes another machine or process makes without the kernel's knowledge.
bool is_remote(const std::string& path) {
  constexpr std::array<uint32_t, 7> kRemote{0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x00c36400, 0x65735546};
  struct statfs info {};
  return ::statfs(path.c_str(), &info) == 0 &&
         std::find(kRemote.begin(), kRemote.end(), static_cast<uint32_t>(info.f_type)) != kRemote.end();
}

}  // namespace

struct FileWatch::Inbox {
  Mutex mutex;
  CondVar changed;
  bool rescan FLUME_GUARDED_BY(mutex) = false;
  std::set<Change> changes FLUME_GUARDED_BY(mutex);

  void note(const std::string& label, const char* name) {
    const MutexLock lock(mutex);
    if (changes.size() >= kListedChanges) {
      rescan = true;
      changes.clear();
    }
    if (!rescan) {
      changes.insert({label, name});
    }
    changed.notify_one();
  }
  void note_rescan() {
    const MutexLock lock(mutex);
    rescan = true;
    changes.clear();
    changed.notify_one();
  }
};

FileWatch::FileWatch(bool use_inotify) : use_inotify_(use_inotify) {}

FileWatch::~FileWatch() {
  stop_.request_stop();
  Thread thread;
  {
    const MutexLock lock(mutex_);
    FLUME_CHECK(watches_.empty(), "a watcher outlives the file watch");
    thread = std::move(thread_);
  }
  if (thread.joinable()) {
    thread.join();
  }
}

std::unique_ptr<FileWatch::Watcher> FileWatch::watcher() {
  return std::unique_ptr<Watcher>(new Watcher(*this, std::make_shared<Inbox>()));
}

Status FileWatch::start() {
  if (inotify_.is_open()) {
    return {};
  }
  if (!use_inotify_) {
    return {Code::kUnsupported, "watch files: inotify is switched off"};
  }
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.is_open()) {
    return Status::from_errno(errno, "watch files: start inotify");
  }
  thread_ = Thread("file-watch", [this] { run(); });
  return {};
}

Status FileWatch::add(const std::shared_ptr<Inbox>& inbox, const std::string& path, const std::string& label,
                      uint32_t mask) {
  const MutexLock lock(mutex_);
  FLUME_RETURN_IF_ERROR(start());
  // MASK_ADD: the same inode may be watched for somebody else already; dispatch() gives each only what it asked for.
  const int watch = ::inotify_add_watch(inotify_.fd(), path.c_str(), mask | IN_MASK_ADD);
  if (watch < 0) {
    return Status::from_errno(errno, str_cat("watch ", quoted(label)));
  }
  auto& subscriptions = watches_[watch];
  const auto same = std::find_if(subscriptions.begin(), subscriptions.end(),
                                 [&](const Subscription& s) { return s.inbox == inbox && s.label == label; });
  if (same != subscriptions.end()) {
    same->mask = mask;
  } else {
    subscriptions.push_back({inbox, label, mask});
  }
  if (is_remote(path)) {
    return {Code::kUnsupported, str_cat("watch ", quoted(label), ": on a network file system only local changes show")};
  }
  return {};
}

void FileWatch::remove(const Inbox* inbox, const std::string* label) {
  const MutexLock lock(mutex_);
  for (auto it = watches_.begin(); it != watches_.end();) {
    std::erase_if(it->second, [&](const Subscription& s) {
      return s.inbox.get() == inbox && (label == nullptr || s.label == *label);
    });
    if (it->second.empty()) {
      ::inotify_rm_watch(inotify_.fd(), it->first);
      it = watches_.erase(it);
    } else {
      ++it;
    }
  }
}

void FileWatch::run() {
  int queue = -1;
  {
    const MutexLock lock(mutex_);
    queue = inotify_.fd();
  }
  alignas(inotify_event) std::array<char, 64 << 10> buffer;
  std::array<pollfd, 2> ready{pollfd{stop_.token().fd(), POLLIN, 0}, pollfd{queue, POLLIN, 0}};
  while (!stop_.stop_requested()) {
    ::poll(ready.data(), ready.size(), -1);
    const ssize_t bytes = ::read(queue, buffer.data(), buffer.size());
    if (bytes > 0) {
      dispatch(buffer.data(), static_cast<size_t>(bytes));
      ::ppoll(ready.data(), 1, &kPause, nullptr);
    }
  }
}

void FileWatch::dispatch(const char* events, size_t bytes) {
  const MutexLock lock(mutex_);
  for (size_t at = 0; at < bytes;) {
    inotify_event event;
    std::memcpy(&event, events + at, sizeof event);
    const char* name = event.len > 0 ? events + at + sizeof event : "";
    at += sizeof event + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      for (const auto& [watch, subscriptions] : watches_) {
        for (const auto& subscription : subscriptions) {
          subscription.inbox->note_rescan();
        }
      }
      continue;
    }
    const auto found = watches_.find(event.wd);
    if (found == watches_.end()) {
      continue;
    }
    const bool gone = (event.mask & (IN_IGNORED | IN_UNMOUNT)) != 0;
    for (const auto& subscription : found->second) {
      if (gone || (event.mask & subscription.mask) != 0) {
        subscription.inbox->note(subscription.label, name);
      }
    }
    if (gone) {
      watches_.erase(found);
    }
  }
}

FileWatch::Watcher::~Watcher() { owner_.remove(inbox_.get(), nullptr); }

Status FileWatch::Watcher::add_file(int fd, const std::string& label) {
  // By descriptor, not by path: the path may name another file by now.
  return owner_.add(inbox_, str_cat("/proc/self/fd/", fd), label, kFileMask);
}

Status FileWatch::Watcher::add_folder(const std::string& path, bool contents) {
  return owner_.add(inbox_, path, path, contents ? kNamesMask | IN_MODIFY : kNamesMask);
}

void FileWatch::Watcher::remove(const std::string& label) { owner_.remove(inbox_.get(), &label); }

bool FileWatch::Watcher::wait(const Wait& wait) {
  const MutexLock lock(inbox_->mutex);
  while (!inbox_->rescan && inbox_->changes.empty()) {
    if (!inbox_->changed.wait(inbox_->mutex, wait)) {
      break;
    }
  }
  return inbox_->rescan || !inbox_->changes.empty();
}

FileWatch::Changes FileWatch::Watcher::take() {
  const MutexLock lock(inbox_->mutex);
  Changes out{inbox_->rescan, {inbox_->changes.begin(), inbox_->changes.end()}};
  inbox_->rescan = false;
  inbox_->changes.clear();
  return out;
}

}  // namespace flume::node

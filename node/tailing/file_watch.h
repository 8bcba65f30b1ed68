// FileWatch: tells sources that files or folders changed. One per process: one inotify descriptor and one thread, both
// started by the first add(). It only says "look again" and where; what really changed is for the reader to find out,
// so a lost or merged notice costs time, never data. Where inotify does not work (no watches left, no such folder yet,
// a network file system, of which it tells a part only) add_...() says so and the caller looks again every poll period.
//
// Thread-safe. A Watcher belongs to one source; its wait() is called from the driver thread. Watchers must be gone
// before the FileWatch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/stop.h"
#include "common/base/sync.h"
#include "common/base/thread.h"

namespace flume::node {

class FileWatch {
 public:
  explicit FileWatch(bool use_inotify = true);  // false: every add() fails, callers poll
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // A place where something changed: the label given to add(), and for a folder the entry's name.
  struct Change {
    std::string label;
    std::string name;
    bool operator==(const Change&) const = default;
    auto operator<=>(const Change&) const = default;
  };
  struct Changes {
    bool rescan = false;  // notices were lost or are too many to list: look at everything
    std::vector<Change> changed;
    bool any() const { return rescan || !changed.empty(); }
  };

 private:
  struct Inbox;

 public:
  class Watcher {
   public:
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // Data, size or attributes of the open file `fd`, under whatever name. The label comes back in Change.
    Status add_file(int fd, const std::string& label);
    // Names in a folder: created, removed, renamed; with `contents` also data of the files directly in it.
    // The label is the path.
    Status add_folder(const std::string& path, bool contents);
    void remove(const std::string& label);
    // True: something changed since the last take(). False: deadline or stop.
    bool wait(const Wait& wait);
    Changes take();

   private:
    friend class FileWatch;
    Watcher(FileWatch& owner, std::shared_ptr<Inbox> inbox) : owner_(owner), inbox_(std::move(inbox)) {}
    FileWatch& owner_;
    std::shared_ptr<Inbox> inbox_;  // shared with the thread's table
  };

  std::unique_ptr<Watcher> watcher();

 private:
  struct Subscription {
    std::shared_ptr<Inbox> inbox;
    std::string label;
    uint32_t mask = 0;
  };

  Status add(const std::shared_ptr<Inbox>& inbox, const std::string& path, const std::string& label, uint32_t mask);
  void remove(const Inbox* inbox, const std::string* label);  // null label: all of them
  Status start() FLUME_REQUIRES(mutex_);
  void run();
  void dispatch(const char* events, size_t bytes);

  const bool use_inotify_;
  StopSource stop_;
  Mutex mutex_;  // before Inbox::mutex
  UniqueFd inotify_ FLUME_GUARDED_BY(mutex_);
  Thread thread_ FLUME_GUARDED_BY(mutex_);
  std::map<int, std::vector<Subscription>> watches_ FLUME_GUARDED_BY(mutex_);  // by watch descriptor
};

}  // namespace flume::node

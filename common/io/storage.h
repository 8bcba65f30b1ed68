// Storage: where finished data goes; one implementation per URL scheme. There is no rename: publishing under the final
// name is the store's own business (commit). Each call says what is durable after it. Storage objects are thread-safe;
// a StoredFile is used by one thread.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/stop.h"

namespace flume {

using StorePath = std::string;  // the path part of the URL: "/data/web/2026/f-1"

struct StoreTraits {
  bool sync_before_commit = false;    // sync() works; else only commit() makes durable
  bool shared_by_collectors = false;  // other machines see the same files
  bool needs_close_to_read = false;   // readers see nothing before commit()
};

struct Listed {
  StorePath path;  // the final name
  uint64_t size = 0;
  bool finished = false;  // published; else still under its working name
};

// Which file it is, whatever its name. A number of a device may change at a start of the machine, that of an inode is
// given to the next file: where the time of its birth is known it decides.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t born_nanos = 0;  // since 1970; 0: the file system does not say
  bool operator==(const FileIdentity&) const = default;
  bool is_same_file(const FileIdentity& other) const {
    return inode == other.inode && born_nanos == other.born_nanos && (born_nanos != 0 || device == other.device);
  }
};

class StoredFile {
 public:
  virtual ~StoredFile() = default;  // not committed and not abandoned: stays as an unfinished file
  // No promise of durability. kNoSpace: nothing of it was kept, the same call may be made again. After any other error
  // the file is dead.
  virtual Status append(std::span<const iovec> pieces, const Wait& wait) = 0;
  // The length that survives a crash of the machine and can be resumed; kUnsupported where only commit() can promise.
  virtual Result<uint64_t> sync(const Wait& wait) = 0;
  // The same without waiting: asks for a sync of all that was appended so far; poll_sync() tells its result, once.
  // Appending may go on meanwhile. One at a time. Stores without a thread for it sync at once.
  virtual void start_sync() { synced_ = sync(Wait{}); }
  virtual std::optional<Result<uint64_t>> poll_sync() { return std::exchange(synced_, std::nullopt); }
  // The last sync: writes what only the end of the file can tell, where a format has that, so that commit() has only to
  // publish. Nothing may be appended afterwards. Its length can be resumed, also where sync() is kUnsupported.
  virtual Result<uint64_t> finish(const Wait& wait) { return sync(wait); }
  // Takes back everything behind `length`, durably. For a file that failed, too; no sync may be under way.
  virtual Status cut(uint64_t length) {
    (void)length;
    return {Code::kUnsupported, "cut a file: this store cannot"};
  }
  // kUnsupported where files cannot be told apart, or the file is a pipe.
  virtual Result<FileIdentity> identity() const {
    return Status(Code::kUnsupported, "tell files apart: this store cannot");
  }
  // Whole, durable and under its final name, or not there. May be repeated after an error.
  virtual Status commit(const Wait& wait) = 0;
  virtual Status abandon() = 0;  // removes what was written
  virtual uint64_t size() const = 0;
  // append_to() only: what was there does not end with a newline (a crash cut a row, or it never had one).
  virtual bool starts_in_a_line() const { return false; }

 private:
  std::optional<Result<uint64_t>> synced_;
};

class Storage {
 public:
  virtual ~Storage() = default;
  virtual StoreTraits traits() const = 0;
  // kExists when the final name is taken: nothing is ever replaced. Missing folders are made.
  virtual Result<std::unique_ptr<StoredFile>> create(const StorePath& final_name, const Wait& wait) = 0;
  // A file that grows under its own name, for readers that follow it: made if missing, else appended to, only one
  // writer at a time (kBusy). commit() syncs and closes; abandon() takes back what was not synced and closes.
  virtual Result<std::unique_ptr<StoredFile>> append_to(const StorePath& path, const Wait& wait) {
    (void)wait;
    return Status(Code::kUnsupported, "append to " + path + ": this store has whole files only");
  }
  // After a crash: cuts the unfinished file to `length` (at most what sync() promised) and goes on.
  virtual Result<std::unique_ptr<StoredFile>> resume(const StorePath& final_name, uint64_t length) = 0;
  // Of the unfinished file; kNotFound when there is none.
  virtual Result<FileIdentity> unfinished_identity(const StorePath& final_name) {
    return Status(Code::kUnsupported, "tell files apart for " + final_name + ": this store cannot");
  }
  virtual Result<std::vector<Listed>> list(const StorePath& prefix) = 0;  // finished and unfinished, told apart
  virtual Status remove(const StorePath& path) = 0;                       // the finished file
  // An unfinished file that nobody will resume: kept under another name, out of readers' sight.
  virtual Status set_aside(const StorePath& final_name) = 0;
  // What crashed writers left at most `depth` folders below `folder`: each unfinished file with a final name that
  // `is_ours` and that nobody writes is published as far as its rows are complete, or set aside; the log says which.
  // Sinks call it when they open, before they create files.
  virtual Status recover(const StorePath& folder, int depth, const std::function<bool(std::string_view)>& is_ours) {
    (void)folder, (void)depth, (void)is_ours;
    return {};
  }
};

// Finds the store for a URL and the path in it: "file:///a/b" and "/a/b" are the local file system; a scheme that no
// store was registered for is kUnsupported and says so; "file://a/b", whose "a" would be a host, is kInvalid.
class StorageSet {
 public:
  void add(std::string scheme, std::shared_ptr<Storage> storage);
  struct Place {
    std::shared_ptr<Storage> storage;
    StorePath path;
  };
  Result<Place> find(std::string_view url) const;

 private:
  std::vector<std::pair<std::string, std::shared_ptr<Storage>>> stores_;
};

}  // namespace flume

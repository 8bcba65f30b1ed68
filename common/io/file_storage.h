// Storage on the local file system, for file:///a/b and /a/b. A file has the name "<final>.tmp" and a lock while it is
// written; commit() syncs it, gives it its final name without ever replacing anything, and syncs the folder. Files left
// by a crash are recovered. Thread-safe; a StoredFile is used by one thread. Owns one thread for syncs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/io/storage.h"
#include "common/io/sync_thread.h"

namespace flume {

class FileStorage final : public Storage {
 public:
  static constexpr std::string_view kWorkingSuffix = ".tmp";
  static constexpr std::string_view kAsideSuffix = ".aside";

  FileStorage();
  ~FileStorage() override;

  StoreTraits traits() const override { return {.sync_before_commit = true}; }
  Result<std::unique_ptr<StoredFile>> create(const StorePath& final_name, const Wait& wait) override;
  Result<std::unique_ptr<StoredFile>> append_to(const StorePath& path, const Wait& wait) override;
  Result<std::unique_ptr<StoredFile>> resume(const StorePath& final_name, uint64_t length) override;
  Result<FileIdentity> unfinished_identity(const StorePath& final_name) override;
  Result<std::vector<Listed>> list(const StorePath& prefix) override;
  Status remove(const StorePath& path) override;
  Status set_aside(const StorePath& final_name) override;
  Status recover(const StorePath& folder, int depth, const std::function<bool(std::string_view)>& is_ours) override;

 private:
  void recover_file(const std::string& working);

  std::shared_ptr<SyncThread> syncs_;  // shared: files may outlive the storage
};

// Bytes of `contents` up to the end of its last complete row, as far as can be told from the file itself: lines end
// with a newline, a SequenceFile's records carry their length, of a gzip file whole members count. Reads the file.
Result<uint64_t> complete_length(int fd, const std::string& path);

}  // namespace flume

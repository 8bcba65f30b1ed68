#include "common/io/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/base/fault.h"
#include "common/base/text.h"
#include "common/io/posix.h"

namespace flume {

namespace {

// Logs and journals hold what users log: nobody else may look.
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

Status failed(std::string_view what, const std::string& path) {
  return Status::from_errno(errno, str_cat(what, " ", quoted(path)));
}

class LocalFile final : public LogFile {
 public:
  LocalFile(UniqueFd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }
  Status append(std::span<const iovec> pieces) override { return writev_all(file_.fd(), pieces, path_); }
  Status sync() override { return sync_data(file_.fd(), path_); }
  Result<size_t> read_at(uint64_t offset, std::span<char> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(file_.fd(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        return failed("read", path_);
      }
      if (n == 0) {
        break;
      }
      done += static_cast<size_t>(n);
    }
    return done;
  }
  Result<uint64_t> size() const override {
    struct stat info {};
    if (::fstat(file_.fd(), &info) != 0) {
      return failed("look at", path_);
    }
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const UniqueFd file_;
  const std::string path_;
};

class LocalFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<LogFile>> create(const std::string& path) override {
    return opened(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND);
  }
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override { return opened(path, O_RDONLY); }
  Status rename(const std::string& from, const std::string& to) override { return rename_to_free_name(from, to); }
  Status remove(const std::string& path) override {
    FLUME_RETURN_IF_ERROR(fault_point("io.remove"));
    return ::unlink(path.c_str()) == 0 ? Status() : failed("remove", path);
  }
  Status make_folders(const std::string& folder) override { return flume::make_folders(folder, kFolderMode); }
  Status sync_folder(const std::string& folder) override { return flume::sync_folder(folder); }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      std::error_code unknown;
      if (it->is_regular_file(unknown)) {
        names.push_back(it->path().filename().string());
      }
    }
    if (error) {
      return Status::from_errno(error.value(), str_cat("list ", quoted(folder)));
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<uint64_t> free_bytes(const std::string& folder) override {
    struct statvfs info {};
    if (::statvfs(folder.c_str(), &info) != 0) {
      return failed("look at the file system of", folder);
    }
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

 private:
  static Result<std::unique_ptr<LogFile>> opened(const std::string& path, int flags) {
    FLUME_ASSIGN_OR_RETURN(UniqueFd file, open_file(path, flags, kFileMode));
    return std::unique_ptr<LogFile>(std::make_unique<LocalFile>(std::move(file), path));
  }
};

}  // namespace

FileSystem& local_files() {
  static LocalFiles files;
  return files;
}

}  // namespace flume

#include "master/store/store_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "common/base/fault.h"
#include "common/base/text.h"

namespace flume::master {

namespace {

Status failed(std::string_view what, const std::string& path) {
  return Status::from_errno(errno, str_cat(what, " ", flume::quoted(path)));
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Status make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(parent_of(path), error);
  if (error) {
    return Status::from_errno(error.value(), str_cat("create directory ", flume::quoted(parent_of(path))));
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed("create directory", path);
  }
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    return failed("look at directory", path);
  }
  if (!S_ISDIR(facts.st_mode)) {
    return invalid(str_cat("use directory ", flume::quoted(path), ": it is not a directory"));
  }
  return sync_directory(parent_of(path));
}

Result<std::vector<std::string>> file_names(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(directory, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (it->is_regular_file(error)) {
      names.push_back(it->path().filename().string());
    }
  }
  if (error) {
    return Status::from_errno(error.value(), str_cat("list directory ", flume::quoted(directory)));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> read_whole_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) {
    return failed("open", path);
  }
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd.fd(), buffer, sizeof buffer);
    if (n == 0) {
      return content;
    }
    if (n > 0) {
      content.append(buffer, static_cast<size_t>(n));
    } else if (errno != EINTR) {
      return failed("read", path);
    }
  }
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  FLUME_RETURN_IF_ERROR(fault_point("store.write"));
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EINTR) {
      return failed("write to", path);
    }
  }
  return {};
}

Status sync_file(int fd, const std::string& path) {
  FLUME_RETURN_IF_ERROR(fault_point("store.sync"));
  return ::fdatasync(fd) == 0 ? Status() : failed("sync", path);
}

Status sync_directory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.fd()) != 0) {
    return failed("sync directory", path);
  }
  return {};
}

Result<UniqueFd> create_synced_file(const std::string& path, std::string_view content) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.is_open()) {
    return failed("create", path);
  }
  Status status = write_all(fd.fd(), content, path);
  if (status.ok()) {
    status = sync_file(fd.fd(), path);
  }
  if (!status.ok()) {
    ::unlink(path.c_str());
    return status;
  }
  return fd;
}

Status replace_file(const std::string& path, std::string_view content) {
  const std::string working = path + ".tmp";
  if (::unlink(working.c_str()) != 0 && errno != ENOENT) {
    return failed("remove", working);
  }
  FLUME_ASSIGN_OR_RETURN(UniqueFd fd, create_synced_file(working, content));
  if (::rename(working.c_str(), path.c_str()) != 0) {
    return failed("rename to", path);
  }
  return sync_directory(parent_of(path));
}

Status remove_file(const std::string& path) {
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? Status() : failed("remove", path);
}

Status move_file(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? Status() : failed("rename", from);
}

Result<UniqueFd> lock_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) {
    return failed("open", path);
  }
  if (::flock(fd.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return failed("lock", path);
    }
    const auto holder = read_whole_file(path);
    return Status(Code::kBusy, str_cat("lock ", flume::quoted(path), ": held by ",
                                       holder.ok() && !trim(*holder).empty() ? str_cat("process ", trim(*holder))
                                                                             : std::string("another process")));
  }
  // The number is for people: the lock itself ends with its process, so a stale number means nothing.
  const std::string self = str_cat(::getpid(), "\n");
  if (::ftruncate(fd.fd(), 0) != 0) {
    return failed("write to", path);
  }
  FLUME_RETURN_IF_ERROR(write_all(fd.fd(), self, path));
  return fd;
}

}  // namespace flume::master

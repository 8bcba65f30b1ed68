#include "common/io/posix.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <vector>

#include "common/base/fault.h"
#include "common/base/text.h"

namespace flume {

namespace {

Status failed(std::string_view what, const std::string& path) {
  return Status::from_errno(errno, str_cat(what, " ", quoted(path)));
}

// Runs a system call again while a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Status sync_with(int (*call)(int), int fd, const std::string& path) {
  FLUME_RETURN_IF_ERROR(fault_point("io.sync"));
  if (uninterrupted([&] { return call(fd); }) == 0 || errno == EINVAL) {
    return {};  // a pipe or terminal
  }
  return failed("sync", path);
}

}  // namespace

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  const bool creates = (flags & O_CREAT) != 0;
  if (creates) {
    FLUME_RETURN_IF_ERROR(fault_point("io.create"));
  }
  const int fd = uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) {
    return failed(creates ? "create" : "open", path);
  }
  return UniqueFd(fd);
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // iovec is used for reading too
  return writev_all(fd, std::span(&piece, 1), path);
}

Status writev_all(int fd, std::span<const iovec> pieces, const std::string& path) {
  size_t at = 0;      // piece
  size_t offset = 0;  // in that piece
  std::vector<iovec> rest;
  while (true) {
    while (at < pieces.size() && offset == pieces[at].iov_len) {
      ++at;
      offset = 0;
    }
    if (at == pieces.size()) {
      return {};
    }
    FLUME_RETURN_IF_ERROR(fault_point("io.write"));
    const iovec* from = &pieces[at];
    if (offset != 0) {  // after a short write
      rest.assign(pieces.begin() + static_cast<ptrdiff_t>(at), pieces.end());
      rest[0].iov_base = static_cast<char*>(rest[0].iov_base) + offset;
      rest[0].iov_len -= offset;
      from = rest.data();
    }
    const int count = static_cast<int>(std::min<size_t>(pieces.size() - at, IOV_MAX));
    const ssize_t written = uninterrupted([&] { return writev(fd, from, count); });
    if (written < 0) {
      return failed("write to", path);
    }
    auto left = static_cast<size_t>(written);
    while (left > 0) {
      const size_t step = std::min(left, pieces[at].iov_len - offset);
      left -= step;
      offset += step;
      if (offset == pieces[at].iov_len) {
        ++at;
        offset = 0;
      }
    }
  }
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  FLUME_ASSIGN_OR_RETURN(const UniqueFd file, open_file(path, O_RDONLY));
  std::string text;
  constexpr size_t kStep = 64 << 10;
  for (;;) {
    const size_t size = text.size();
    text.resize(size + kStep);
    const ssize_t n = uninterrupted([&] { return read(file.fd(), text.data() + size, kStep); });
    if (n < 0) {
      return failed("read", path);
    }
    text.resize(size + static_cast<size_t>(n));
    if (text.size() > limit) {
      return Status(Code::kNoSpace, str_cat("read ", quoted(path), ": larger than the limit of ", limit, " bytes"));
    }
    if (n == 0) {
      return text;
    }
  }
}

Status sync_file(int fd, const std::string& path) { return sync_with(fsync, fd, path); }
Status sync_data(int fd, const std::string& path) { return sync_with(fdatasync, fd, path); }

Status sync_folder(const std::string& folder) {
  FLUME_RETURN_IF_ERROR(fault_point("io.sync_dir"));
  FLUME_ASSIGN_OR_RETURN(const UniqueFd handle, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (uninterrupted([&] { return fsync(handle.fd()); }) != 0 && errno != EINVAL) {
    return failed("sync folder", folder);
  }
  return {};
}

Status sync_parent(const std::string& path) { return sync_folder(parent_folder(path)); }

Status truncate_file(int fd, uint64_t length, const std::string& path) {
  FLUME_RETURN_IF_ERROR(fault_point("io.truncate"));
  if (uninterrupted([&] { return ftruncate(fd, static_cast<off_t>(length)); }) != 0) {
    return failed(str_cat("cut to ", length, " bytes"), path);
  }
  return {};
}

Status make_folders(const std::string& folder, mode_t mode) {
  if (is_folder(folder)) {
    return {};
  }
  std::vector<std::string> missing;  // innermost first
  for (std::string at = folder; !is_folder(at);) {
    missing.push_back(at);
    const std::string above = parent_folder(at);
    if (above == at) {
      break;
    }
    at = above;
  }
  for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
    FLUME_RETURN_IF_ERROR(fault_point("io.create"));
    if (mkdir(it->c_str(), mode) != 0 && (errno != EEXIST || !is_folder(*it))) {
      return Status::from_errno(errno == EEXIST ? ENOTDIR : errno, str_cat("make folder ", quoted(*it)));
    }
    FLUME_RETURN_IF_ERROR(sync_parent(*it));
  }
  return {};
}

Status rename_to_free_name(const std::string& from, const std::string& to) {
  FLUME_RETURN_IF_ERROR(fault_point("io.rename"));
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return {};
  }
  if (errno == EINVAL || errno == ENOSYS) {  // a file system without it: a second name, then the first one goes
    if (link(from.c_str(), to.c_str()) == 0) {
      return unlink(from.c_str()) == 0 ? Status() : failed("remove", from);
    }
  }
  return Status::from_errno(errno, str_cat("rename ", quoted(from), " to ", quoted(to)));
}

Status replace_file(const std::string& path, std::string_view contents, mode_t mode) {
  const std::string working = path + ".new";
  const auto write = [&]() -> Status {
    FLUME_ASSIGN_OR_RETURN(const UniqueFd file, open_file(working, O_WRONLY | O_CREAT | O_TRUNC, mode));
    FLUME_RETURN_IF_ERROR(write_all(file.fd(), contents, working));
    FLUME_RETURN_IF_ERROR(sync_file(file.fd(), working));
    FLUME_RETURN_IF_ERROR(fault_point("io.rename"));
    if (rename(working.c_str(), path.c_str()) != 0) {
      return Status::from_errno(errno, str_cat("rename ", quoted(working), " to ", quoted(path)));
    }
    return {};
  };
  Status status = write();
  if (!status.ok()) {
    unlink(working.c_str());
    return status;
  }
  return sync_parent(path);
}

std::string parent_folder(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) {
    return path.empty() ? "." : "/";
  }
  const size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) {
    return ".";
  }
  const size_t last = path.find_last_not_of('/', slash);
  return last == std::string::npos ? "/" : path.substr(0, last + 1);
}

}  // namespace flume

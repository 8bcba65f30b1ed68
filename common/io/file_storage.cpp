#include "common/io/file_storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/posix.h"

namespace flume {

namespace {

std::string working_name(const StorePath& final_name) { return final_name + std::string(FileStorage::kWorkingSuffix); }

bool exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

Status already_there(std::string_view what, const std::string& path) {
  return {Code::kExists, str_cat(what, " ", quoted(path), ": there is a file of this name")};
}

// One writer per file, also across processes; the lock goes with the descriptor.
Status lock_file(int fd, const std::string& path) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
    return {};
  }
  return errno == EWOULDBLOCK ? Status(Code::kBusy, str_cat("write to ", quoted(path), ": somebody else writes to it"))
                              : Status::from_errno(errno, str_cat("lock ", quoted(path)));
}

constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Of an open file, or with kNoFile of what `path` names.
constexpr int kNoFile = -1;
Result<FileIdentity> identity_of(int fd, const std::string& path) {
  struct statx info {};
  const int result = fd == kNoFile ? statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &info)
                                   : statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info);
  if (result != 0) {
    return Status::from_errno(errno, str_cat("look at ", quoted(path)));
  }
  FileIdentity identity{.device = makedev(info.stx_dev_major, info.stx_dev_minor), .inode = info.stx_ino};
  if ((info.stx_mask & STATX_BTIME) != 0) {
    identity.born_nanos = info.stx_btime.tv_sec * kNanosPerSecond + info.stx_btime.tv_nsec;
  }
  return identity;
}

class LocalFile final : public StoredFile {
 public:
  // `final_name` empty: the file has its own name already (append_to).
  LocalFile(std::shared_ptr<SyncThread> syncs, UniqueFd fd, std::string path, std::string final_name, uint64_t size,
            bool is_regular)
      : syncs_(std::move(syncs)),
        fd_(std::make_shared<UniqueFd>(std::move(fd))),
        path_(std::move(path)),
        final_name_(std::move(final_name)),
        size_(size),
        synced_size_(size),
        is_regular_(is_regular) {}

  Status append(std::span<const iovec> pieces, const Wait& wait) override {
    (void)wait;  // local files take bytes at once or fail
    FLUME_RETURN_IF_ERROR(usable());
    Status status = writev_all(fd_->fd(), pieces, path_);
    if (status.ok()) {
      for (const iovec& piece : pieces) {
        size_ += piece.iov_len;
      }
      return {};
    }
    // What a failed write left behind must not stay: half a row would be followed by the rest of another.
    const Status cut = is_regular_ ? truncate_file(fd_->fd(), size_, path_) : status;
    if (!cut.ok() || status.code() != Code::kNoSpace) {
      dead_ = status;
    }
    return cut.ok() ? status : status.with_context(str_cat("not taken back (", cut.message(), ")"));
  }

  Result<uint64_t> sync(const Wait& wait) override {
    const uint64_t target = size_;
    for (;;) {  // a sync under way may have started before the last append
      start_sync();
      const Status status = job_ != nullptr ? job_->wait(wait) : Status();
      if (status.ran_out_of_time()) {
        return status;
      }
      auto synced = poll_sync();
      FLUME_CHECK(synced.has_value(), path_);
      if (!synced->ok() || **synced >= target) {
        return *synced;
      }
    }
  }

  void start_sync() override {
    if (job_ == nullptr && !refused_) {
      job_size_ = size_;
      refused_ = prepare_sync();
      if (refused_->ok()) {
        refused_.reset();
        job_ = syncs_->start(fd_, path_);
      }
    }
  }

  std::optional<Result<uint64_t>> poll_sync() override {
    std::optional<Status> status = std::exchange(refused_, std::nullopt);
    if (!status && job_ != nullptr) {
      status = job_->result();
    }
    if (!status) {
      return std::nullopt;
    }
    job_.reset();
    if (!status->ok()) {
      dead_ = *status;  // the kernel may have dropped the pages: nothing after the last good sync is sure
      return Result<uint64_t>(*status);
    }
    synced_size_ = job_size_;
    return Result<uint64_t>(job_size_);
  }

  Status commit(const Wait& wait) override {
    FLUME_RETURN_IF_ERROR(usable());
    FLUME_RETURN_IF_ERROR(sync(wait).status());
    if (!final_name_.empty() && !renamed_) {
      FLUME_RETURN_IF_ERROR(rename_to_free_name(path_, final_name_));
      renamed_ = true;
    }
    FLUME_RETURN_IF_ERROR(is_regular_ ? sync_parent(path_) : Status());
    dead_ = Status(Code::kInternal, str_cat("write to ", quoted(path_), ": it is finished"));
    fd_.reset();
    return {};
  }

  Status abandon() override {
    dead_ = Status(Code::kInternal, str_cat("write to ", quoted(path_), ": it was given up"));
    if (fd_ == nullptr || renamed_) {
      return {};
    }
    Status status;
    if (final_name_.empty()) {
      status = is_regular_ && size_ != synced_size_ ? truncate_file(fd_->fd(), synced_size_, path_) : Status();
    } else if (unlink(path_.c_str()) != 0 && errno != ENOENT) {
      status = Status::from_errno(errno, str_cat("remove ", quoted(path_)));
    } else {
      status = sync_parent(path_);  // else a crash brings it back, after somebody wrote down that it is gone
    }
    fd_.reset();
    return status;
  }

  Status cut(uint64_t length) override {
    FLUME_CHECK(fd_ != nullptr && is_regular_ && length <= size_, path_);
    FLUME_RETURN_IF_ERROR(truncate_file(fd_->fd(), length, path_));
    size_ = length;
    synced_size_ = std::min(synced_size_, length);
    FLUME_RETURN_IF_ERROR(sync_file(fd_->fd(), path_));
    look_at_last_byte();
    return {};
  }

  Result<FileIdentity> identity() const override {
    if (!is_regular_ || fd_ == nullptr) {
      return Status(Code::kUnsupported, str_cat("tell ", quoted(path_), " apart: it is no regular file"));
    }
    return identity_of(fd_->fd(), path_);
  }

  uint64_t size() const override { return size_; }
  bool starts_in_a_line() const override { return starts_in_a_line_; }
  void look_at_last_byte() {
    char last = '\n';
    starts_in_a_line_ =
        is_regular_ && size_ > 0 && pread(fd_->fd(), &last, 1, static_cast<off_t>(size_ - 1)) == 1 && last != '\n';
  }

 private:
  Status usable() const { return dead_; }

  Status prepare_sync() {
    FLUME_RETURN_IF_ERROR(usable());
    if (!name_synced_ && is_regular_) {
      FLUME_RETURN_IF_ERROR(sync_parent(path_));
      name_synced_ = true;
    }
    return {};
  }

  const std::shared_ptr<SyncThread> syncs_;
  std::shared_ptr<UniqueFd> fd_;  // shared with a sync under way
  const std::string path_;
  const std::string final_name_;
  uint64_t size_;
  uint64_t synced_size_;  // what a sync promised; at first what was there
  const bool is_regular_;
  bool starts_in_a_line_ = false;
  bool name_synced_ = false;  // the folder knows the file for good
  bool renamed_ = false;
  Status dead_;                    // why nothing more can be done with the file
  std::optional<Status> refused_;  // a sync that could not even be started
  std::shared_ptr<SyncJob> job_;   // the sync under way
  uint64_t job_size_ = 0;          // what it covers
};

struct Entry {
  std::string path;
  uint64_t size;
  bool is_folder;
};

// Folders, and regular files whose names end with `suffix`. Only those are looked at: folders of a million finished
// files are gone through at every start.
Result<std::vector<Entry>> read_folder(const std::string& folder, std::string_view suffix) {
  DIR* handle = opendir(folder.c_str());
  if (handle == nullptr) {
    return Status::from_errno(errno, str_cat("list ", quoted(folder)));
  }
  std::vector<Entry> entries;
  while (const dirent* entry = readdir(handle)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (entry->d_type == DT_REG && !name.ends_with(suffix))) {
      continue;
    }
    struct stat info {};
    if (fstatat(dirfd(handle), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    if (S_ISDIR(info.st_mode) || (S_ISREG(info.st_mode) && name.ends_with(suffix))) {
      entries.push_back({str_cat(folder, folder.ends_with('/') ? "" : "/", name), static_cast<uint64_t>(info.st_size),
                         S_ISDIR(info.st_mode)});
    }
  }
  closedir(handle);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return entries;
}

// Regular files at most `depth` folders below `folder`. A folder that is not there has none.
Status walk(const std::string& folder, int depth, std::string_view suffix, std::vector<Entry>& out) {
  const auto entries = read_folder(folder, suffix);
  if (entries.status().os_error() == ENOENT || entries.status().os_error() == ENOTDIR) {
    return {};
  }
  FLUME_RETURN_IF_ERROR(entries.status());
  for (const Entry& entry : *entries) {
    if (!entry.is_folder) {
      out.push_back(entry);
    } else if (depth > 0) {
      FLUME_RETURN_IF_ERROR(walk(entry.path, depth - 1, suffix, out));
    }
  }
  return {};
}

}  // namespace

FileStorage::FileStorage() : syncs_(std::make_shared<SyncThread>()) {}
FileStorage::~FileStorage() = default;

Result<std::unique_ptr<StoredFile>> FileStorage::create(const StorePath& final_name, const Wait& wait) {
  (void)wait;
  if (exists(final_name)) {
    return already_there("create", final_name);
  }
  FLUME_RETURN_IF_ERROR(make_folders(parent_folder(final_name)));
  const std::string path = working_name(final_name);
  // No name is ever taken from a file that has it (R20).
  FLUME_ASSIGN_OR_RETURN(UniqueFd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND));
  FLUME_RETURN_IF_ERROR(lock_file(fd.fd(), path));
  return std::unique_ptr<StoredFile>(
      std::make_unique<LocalFile>(syncs_, std::move(fd), path, final_name, 0, /*is_regular=*/true));
}

Result<std::unique_ptr<StoredFile>> FileStorage::append_to(const StorePath& path, const Wait& wait) {
  (void)wait;
  FLUME_RETURN_IF_ERROR(make_folders(parent_folder(path)));
  FLUME_ASSIGN_OR_RETURN(UniqueFd fd, open_file(path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (fstat(fd.fd(), &info) == 0 && S_ISREG(info.st_mode)) {
    FLUME_RETURN_IF_ERROR(lock_file(fd.fd(), path));
  }
  if (fstat(fd.fd(), &info) != 0) {  // the size as it is under the lock
    return Status::from_errno(errno, str_cat("look at ", quoted(path)));
  }
  fcntl(fd.fd(), F_SETFL, O_APPEND);  // O_NONBLOCK was for a pipe that nobody reads
  const bool is_regular = S_ISREG(info.st_mode);
  auto file = std::make_unique<LocalFile>(syncs_, std::move(fd), path, "",
                                          is_regular ? static_cast<uint64_t>(info.st_size) : 0, is_regular);
  file->look_at_last_byte();
  return std::unique_ptr<StoredFile>(std::move(file));
}

Result<std::unique_ptr<StoredFile>> FileStorage::resume(const StorePath& final_name, uint64_t length) {
  if (exists(final_name)) {
    return already_there("resume", final_name);
  }
  const std::string path = working_name(final_name);
  FLUME_ASSIGN_OR_RETURN(UniqueFd fd, open_file(path, O_WRONLY | O_APPEND));
  FLUME_RETURN_IF_ERROR(lock_file(fd.fd(), path));
  struct stat info {};
  if (fstat(fd.fd(), &info) != 0) {
    return Status::from_errno(errno, str_cat("look at ", quoted(path)));
  }
  if (static_cast<uint64_t>(info.st_size) < length) {
    return Status(Code::kCorrupt, str_cat("resume ", quoted(path), ": it has ", info.st_size, " bytes, less than ",
                                          length, " that were synced"));
  }
  FLUME_RETURN_IF_ERROR(truncate_file(fd.fd(), length, path));
  return std::unique_ptr<StoredFile>(
      std::make_unique<LocalFile>(syncs_, std::move(fd), path, final_name, length, /*is_regular=*/true));
}

Result<FileIdentity> FileStorage::unfinished_identity(const StorePath& final_name) {
  return identity_of(kNoFile, working_name(final_name));
}

Result<std::vector<Listed>> FileStorage::list(const StorePath& prefix) {
  constexpr int kAnyDepth = 64;
  std::vector<Entry> entries;
  const bool is_folder = prefix.ends_with('/');
  FLUME_RETURN_IF_ERROR(walk(is_folder ? prefix : parent_folder(prefix), kAnyDepth, "", entries));
  std::vector<Listed> found;
  for (Entry& entry : entries) {
    const bool finished = !entry.path.ends_with(kWorkingSuffix);
    const std::string name = finished ? entry.path : entry.path.substr(0, entry.path.size() - kWorkingSuffix.size());
    if (name.starts_with(prefix) && !name.ends_with(kAsideSuffix)) {
      found.push_back({name, entry.size, finished});
    }
  }
  return found;
}

Status FileStorage::remove(const StorePath& path) {
  if (unlink(path.c_str()) != 0) {
    return Status::from_errno(errno, str_cat("remove ", quoted(path)));
  }
  return sync_parent(path);
}

Status FileStorage::set_aside(const StorePath& final_name) {
  const std::string from = working_name(final_name);
  for (int number = 0; number < 10'000; ++number) {
    const std::string to = str_cat(final_name, number == 0 ? "" : str_cat(".", number), kAsideSuffix);
    Status status = rename_to_free_name(from, to);
    if (status.ok()) {
      return sync_parent(to);
    }
    if (status.code() != Code::kExists) {
      return status;
    }
  }
  return {Code::kExists, str_cat("set ", quoted(from), " aside: 10000 others are there already")};
}

Status FileStorage::recover(const StorePath& folder, int depth, const std::function<bool(std::string_view)>& is_ours) {
  std::vector<Entry> entries;
  FLUME_RETURN_IF_ERROR(walk(folder, depth, kWorkingSuffix, entries));
  for (const Entry& entry : entries) {
    if (is_ours(std::string_view(entry.path).substr(0, entry.path.size() - kWorkingSuffix.size()))) {
      recover_file(entry.path);
    }
  }
  return {};
}

void FileStorage::recover_file(const std::string& working) {
  const std::string final_name = working.substr(0, working.size() - kWorkingSuffix.size());
  const auto publish = [&]() -> Result<uint64_t> {
    FLUME_ASSIGN_OR_RETURN(UniqueFd fd, open_file(working, O_RDWR | O_APPEND));
    FLUME_RETURN_IF_ERROR(lock_file(fd.fd(), working));
    FLUME_ASSIGN_OR_RETURN(const uint64_t length, complete_length(fd.fd(), working));
    if (length == 0) {
      return uint64_t{0};
    }
    fd.reset();  // resume() takes the lock
    FLUME_ASSIGN_OR_RETURN(const auto file, resume(final_name, length));
    FLUME_RETURN_IF_ERROR(file->commit(Wait{}));
    return length;
  };
  const Result<uint64_t> length = publish();
  if (length.status().code() == Code::kBusy) {
    return;  // somebody writes to it
  }
  if (length.ok() && *length > 0) {
    FLUME_LOG(kWarn, "unfinished file of a crashed writer published", kv("file", final_name), kv("bytes", *length));
    return;
  }
  const Status aside = set_aside(final_name);
  FLUME_LOG(kWarn, "unfinished file of a crashed writer set aside", kv("file", working),
            kv("reason", length.ok() ? "no complete row in it" : length.status().to_string()), kv("status", aside));
}

}  // namespace flume

// System calls on files as Status: EINTR and short writes are dealt with, every message names the path. Thread-safe
// (functions without state). Each write, sync, rename and truncate passes a fault point first: io.create, io.write,
// io.sync, io.sync_dir, io.rename, io.truncate.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/status.h"

namespace flume {

// O_CLOEXEC is added. "open" or, with O_CREAT, "create" names what was tried.
Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0644);
Status write_all(int fd, std::string_view bytes, const std::string& path);
// All pieces, in as few calls as the kernel allows.
Status writev_all(int fd, std::span<const iovec> pieces, const std::string& path);
// The whole file; kNoSpace if it is larger than `limit`.
Result<std::string> read_file(const std::string& path, size_t limit);

// File and data durable. What cannot be synced (a pipe, a terminal) is no error.
Status sync_file(int fd, const std::string& path);
Status sync_data(int fd, const std::string& path);
// Names in the folder durable.
Status sync_folder(const std::string& folder);
Status sync_parent(const std::string& path);

Status truncate_file(int fd, uint64_t length, const std::string& path);
// mkdir -p; each new folder's name is durable afterwards.
Status make_folders(const std::string& folder, mode_t mode = 0755);
// kExists if there is something under the new name; never replaces. Durable only after sync_parent().
Status rename_to_free_name(const std::string& from, const std::string& to);
// Contents replaced as a whole or not at all, durable on return (temporary file, fsync, rename, fsync of the folder).
Status replace_file(const std::string& path, std::string_view contents, mode_t mode = 0644);

std::string parent_folder(const std::string& path);  // "/a/b" -> "/a", "b" -> "."

}  // namespace flume

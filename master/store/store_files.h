// File operations of the directory store: each says in its error what was tried on what. Used by dir_store only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/status.h"

namespace flume::master {

Status make_directories(const std::string& path);                           // with parents; the last one 0700
Result<std::vector<std::string>> file_names(const std::string& directory);  // regular files, sorted
Result<std::string> read_whole_file(const std::string& path);
Result<UniqueFd> create_synced_file(const std::string& path, std::string_view content);  // kExists if it is there
Status replace_file(const std::string& path, std::string_view content);  // whole and durable, or the old one
Status write_all(int fd, std::string_view bytes, const std::string& path);
Status sync_file(int fd, const std::string& path);
Status sync_directory(const std::string& path);
Status remove_file(const std::string& path);
Status move_file(const std::string& from, const std::string& to);
// kBusy with the holder's process id while another process (or another open file) holds it.
Result<UniqueFd> lock_file(const std::string& path);

}  // namespace flume::master

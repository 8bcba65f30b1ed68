// Who a file is. A name says nothing (rotation gives it to another file), an inode number is used again, a length and a
// time of change can be equal by chance; so a file is known by device, inode and birth time, by the first bytes and by
// the bytes just before the place that was read to, all checked together (R26). Values. Little errors are impossible to
// rule out (a file rewritten in place with the same first 1024 and the same 256 bytes at that place), and are harmless
// then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/status.h"

namespace flume::node {

struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t birth_nanos = 0;  // 0: the file system does not tell
  bool operator==(const FileIdentity&) const = default;
  auto operator<=>(const FileIdentity&) const = default;
};

struct FileFacts {
  FileIdentity identity;
  uint64_t size = 0;
  int64_t modified_nanos = 0;
  uint32_t links = 0;
  bool is_folder = false;
  bool is_regular = false;
};
// kNotFound: no such file. Does not wait for the other end of a pipe. Fault point: tail.open.
Result<UniqueFd> open_to_read(const std::string& path);
Result<FileFacts> facts_of(int fd);
Result<FileFacts> facts_of(const std::string& path);  // follows symbolic links

constexpr uint32_t kHeadBytes = 1024;
constexpr uint32_t kRecentBytes = 256;

// What was read from the first `offset` bytes of a file.
struct Fingerprint {
  uint64_t offset = 0;
  uint64_t head = 0;    // hash of the first min(offset, kHeadBytes) bytes
  uint64_t recent = 0;  // hash of the min(offset, kRecentBytes) bytes before offset
  bool operator==(const Fingerprint&) const = default;
};
constexpr uint64_t kEmptyHash = 0xcbf29ce484222325;
uint64_t hash_bytes(std::string_view bytes, uint64_t seed = kEmptyHash);  // FNV-1a: stored, so it never changes

// Of the first `offset` bytes as they are now. kCorrupt: the file is shorter.
Result<Fingerprint> fingerprint_of(int fd, uint64_t offset);
// True: the file is at least that long and begins so.
Result<bool> begins_with(int fd, const Fingerprint& print);

// Reads up to `bytes` at `offset`; less only at the end of the file.
Result<std::string> read_at(int fd, uint64_t offset, size_t bytes);

}  // namespace flume::node

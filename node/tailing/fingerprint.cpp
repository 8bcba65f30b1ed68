#include "node/tailing/fingerprint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/fault.h"
#include "common/base/text.h"
#include "common/io/posix.h"

namespace flume::node {

namespace {

constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_NLINK | STATX_BTIME;

int64_t nanos_of(const statx_timestamp& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

FileFacts facts_from(const struct statx& s) {
  FileFacts facts;
  facts.identity.device = ::makedev(s.stx_dev_major, s.stx_dev_minor);
  facts.identity.inode = s.stx_ino;
  facts.identity.birth_nanos = (s.stx_mask & STATX_BTIME) != 0 ? nanos_of(s.stx_btime) : 0;
  facts.size = s.stx_size;
  facts.modified_nanos = nanos_of(s.stx_mtime);
  facts.links = s.stx_nlink;
  facts.is_folder = S_ISDIR(s.stx_mode);
  facts.is_regular = S_ISREG(s.stx_mode);
  return facts;
}

}  // namespace

Result<UniqueFd> open_to_read(const std::string& path) {
  FLUME_RETURN_IF_ERROR(fault_point("tail.open"));
  FLUME_ASSIGN_OR_RETURN(UniqueFd fd, open_file(path, O_RDONLY | O_NONBLOCK));
  return fd;
}

Result<FileFacts> facts_of(int fd) {
  struct statx s {};
  if (::statx(fd, "", AT_EMPTY_PATH, kWanted, &s) != 0) {
    return Status::from_errno(errno, "stat open file");
  }
  return facts_from(s);
}

Result<FileFacts> facts_of(const std::string& path) {
  struct statx s {};
  if (::statx(AT_FDCWD, path.c_str(), 0, kWanted, &s) != 0) {
    return Status::from_errno(errno, str_cat("stat ", quoted(path)));
  }
  return facts_from(s);
}

uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  for (const char c : bytes) {
    seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return seed;
}

Result<std::string> read_at(int fd, uint64_t offset, size_t bytes) {
  std::string out(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t n = ::pread(fd, out.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return Status::from_errno(errno, "read file");
    }
    if (n == 0) {
      break;
    }
    have += static_cast<size_t>(n);
  }
  out.resize(have);
  return out;
}

Result<Fingerprint> fingerprint_of(int fd, uint64_t offset) {
  const size_t head_bytes = std::min<uint64_t>(offset, kHeadBytes);
  const size_t recent_bytes = std::min<uint64_t>(offset, kRecentBytes);
  FLUME_ASSIGN_OR_RETURN(const std::string head, read_at(fd, 0, head_bytes));
  FLUME_ASSIGN_OR_RETURN(const std::string recent, read_at(fd, offset - recent_bytes, recent_bytes));
  if (head.size() < head_bytes || recent.size() < recent_bytes) {
    return Status(Code::kCorrupt, str_cat("fingerprint file: shorter than ", offset, " bytes"));
  }
  return Fingerprint{offset, hash_bytes(head), hash_bytes(recent)};
}

Result<bool> begins_with(int fd, const Fingerprint& print) {
  const auto now = fingerprint_of(fd, print.offset);
  if (!now.ok()) {
    if (now.status().code() == Code::kCorrupt) {
      return false;
    }
    return now.status();
  }
  return *now == print;
}

}  // namespace flume::node

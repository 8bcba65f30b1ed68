#include "common/wal/set_aside.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::wal {

namespace {

constexpr uint64_t kPiece = 1U << 20;

Result<std::string> piece_of(const LogFile& file, uint64_t offset, uint64_t bytes) {
  std::string out(static_cast<size_t>(std::min(kPiece, bytes)), '\0');
  FLUME_ASSIGN_OR_RETURN(const size_t got, file.read_at(offset, std::span(out.data(), out.size())));
  out.resize(got);
  return out;
}

Status copy(const LogFile& from, uint64_t offset, uint64_t bytes, LogFile& to) {
  for (uint64_t at = 0; at < bytes; at += kPiece) {
    FLUME_ASSIGN_OR_RETURN(std::string piece, piece_of(from, offset + at, bytes - at));
    const iovec all{piece.data(), piece.size()};
    FLUME_RETURN_IF_ERROR(to.append({&all, 1}));
  }
  return to.sync();
}

Result<bool> holds(const LogFile& kept, const LogFile& from, uint64_t offset, uint64_t bytes) {
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, kept.size());
  if (size != bytes) {
    return false;
  }
  for (uint64_t at = 0; at < bytes; at += kPiece) {
    FLUME_ASSIGN_OR_RETURN(const std::string wanted, piece_of(from, offset + at, bytes - at));
    FLUME_ASSIGN_OR_RETURN(const std::string found, piece_of(kept, at, bytes - at));
    if (wanted != found) {
      return false;
    }
  }
  return true;
}

// Are they in the file of this name, whose sync may not have come? One that cannot be read is left as it is.
bool is_kept_in(const std::string& path, const LogFile& from, uint64_t offset, uint64_t bytes, FileSystem& files) {
  const auto kept = files.open(path);
  if (!kept.ok()) {
    return false;
  }
  const auto same = holds(**kept, from, offset, bytes);
  return same.ok() && *same && (*kept)->sync().ok();
}

}  // namespace

Status set_aside(const LogFile& from, Damage& damage, const std::string& folder, FileSystem& files) {
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, from.size());
  const uint64_t bytes = std::min(damage.bytes, size - std::min(size, damage.offset));
  const std::string name = damage.segment.substr(damage.segment.rfind('/') + 1);
  const std::string first_choice = str_cat(folder, '/', name, '-', damage.offset);
  for (int taken = 0;; ++taken) {
    damage.file = taken == 0 ? first_choice : str_cat(first_choice, '.', taken);
    const auto out = files.create(damage.file);
    if (!out.ok() && out.status().code() != Code::kExists) {
      return out.status();
    }
    if (!out.ok() && !is_kept_in(damage.file, from, damage.offset, bytes, files)) {
      continue;
    }
    if (out.ok()) {
      FLUME_RETURN_IF_ERROR(copy(from, damage.offset, bytes, **out));
      FLUME_LOG(kError, "bytes of a write-ahead log are no rows; they are kept", kv("segment", damage.segment),
                kv("offset", damage.offset), kv("bytes", bytes), kv("why", damage.why), kv("kept", damage.file));
    }
    return files.sync_folder(folder);
  }
}

}  // namespace flume::wal

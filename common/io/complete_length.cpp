// How much of a file that a crashed writer left is complete rows.
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "common/base/text.h"
#include "common/io/compressed_file.h"
#include "common/io/file_storage.h"
#include "common/io/sequence_file.h"

namespace flume {

namespace {

constexpr size_t kMaxRecord = 256 << 20;  // only lengths are looked at in files without compression

uint64_t complete_sequence_length(std::string_view contents) {
  auto reader = SequenceReader::open(contents, kMaxRecord);
  if (!reader.ok()) {
    return 0;
  }
  uint64_t records = 0;
  for (auto record = reader->next(); record.ok() && record->has_value(); record = reader->next()) {
    ++records;
  }
  return records == 0 ? 0 : reader->position();
}

uint64_t complete_lines_length(std::string_view contents) {
  const size_t last = contents.rfind('\n');
  return last == std::string_view::npos ? 0 : last + 1;
}

}  // namespace

Result<uint64_t> complete_length(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return Status::from_errno(errno, str_cat("look at ", quoted(path)));
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) {
    return uint64_t{0};
  }
  void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (memory == MAP_FAILED) {
    return Status::from_errno(errno, str_cat("map ", quoted(path)));
  }
  const std::string_view contents(static_cast<const char*>(memory), size);
  // By the bytes rather than by the name: the name is the user's.
  const bool is_gzip = contents.starts_with("\x1F\x8B");
  const bool is_deflate = path.ends_with(".deflate.tmp");
  const uint64_t length = is_gzip                           ? complete_gzip_length(contents)
                          : is_deflate                      ? 0
                          : contents.starts_with("SEQ\x06") ? complete_sequence_length(contents)
                                                            : complete_lines_length(contents);
  munmap(memory, size);
  return length;
}

}  // namespace flume

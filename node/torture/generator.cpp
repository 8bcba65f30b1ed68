#include "node/torture/generator.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/torture/line.h"

namespace flume::torture {
namespace {

constexpr size_t kPoolBytes = 4U << 20;
constexpr uint64_t kBurstLines = 64;
constexpr std::array<std::pair<std::string_view, Rotation>, 4> kRotations = {{{"rename", Rotation::kRename},
                                                                              {"copytruncate", Rotation::kCopyTruncate},
                                                                              {"truncate", Rotation::kTruncate},
                                                                              {"recreate", Rotation::kRecreate}}};

uint64_t below(Random& random, uint64_t n) { return n == 0 ? 0 : random() % n; }

std::string make_pool(Random& random, size_t bytes, bool binary) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _";
  std::string pool(bytes, '\0');
  for (char& c : pool) {
    c = binary ? static_cast<char>(random()) : kLetters[random() % kLetters.size()];
    if (c == '\n' || c == '~') {  // neither an end nor the mark of a line
      c = '\r';
    }
  }
  return pool;
}

}  // namespace

std::optional<Rotation> rotation_named(std::string_view name) {
  for (const auto& [text, rotation] : kRotations) {
    if (text == name) {
      return rotation;
    }
  }
  return std::nullopt;
}

std::string_view name_of(Rotation rotation) { return kRotations[static_cast<size_t>(rotation)].first; }

uint32_t run_of_seed(uint64_t seed) {
  Random random(seed ^ 0x466c756d65ULL);
  return static_cast<uint32_t>(random());
}

Generator::Generator(GeneratorOptions options, Delivered delivered)
    : options_(std::move(options)),
      delivered_(std::move(delivered)),
      run_(run_of_seed(options_.seed)),
      random_(options_.seed),
      pool_(make_pool(random_, kPoolBytes + options_.longest_payload, options_.binary && options_.delimiter == "\n")) {
  expectation_.seed = options_.seed;
  expectation_.run = run_;
  for (uint32_t i = 0; i < options_.files; ++i) {
    File file;
    file.path = str_cat(options_.folder, "/", options_.name, "-", i, ".log");
    expectation_.sources.push_back({i, file.path, 0});
    files_.push_back(std::move(file));
  }
}

Status Generator::open() {
  FLUME_RETURN_IF_ERROR(make_folders(options_.folder));
  for (File& file : files_) {
    FLUME_RETURN_IF_ERROR(create(file));
    plan_life(file);
  }
  return {};
}

Status Generator::create(File& file) {
  FLUME_ASSIGN_OR_RETURN(file.fd, open_file(file.path, O_WRONLY | O_APPEND | O_CREAT));
  return {};
}

void Generator::plan_life(File& file) {
  const uint64_t mean = std::max<uint64_t>(options_.lines_per_life, 1);
  file.life_ends = file.next + mean / 2 + below(random_, mean) + 1;
}

std::string_view Generator::payload() {
  const uint64_t kind = below(random_, 100);
  const uint64_t limit = kind < 90 ? 400 : kind < 99 ? 4000 : options_.longest_payload;
  const uint64_t size = below(random_, std::min<uint64_t>(limit, options_.longest_payload) + 1);
  return std::string_view(pool_).substr(below(random_, kPoolBytes), size);
}

// In pieces that end anywhere, so that a reader sees unfinished lines.
Status Generator::write_buffer(File& file) {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const size_t piece = below(random_, 4) == 0 ? 1 + below(random_, rest.size()) : rest.size();
    FLUME_RETURN_IF_ERROR(write_all(file.fd.fd(), rest.substr(0, piece), file.path));
    rest.remove_prefix(piece);
  }
  bytes_.fetch_add(buffer_.size(), std::memory_order_relaxed);
  return {};
}

Status Generator::write_lines(uint32_t index, uint64_t count) {
  File& file = files_[index];
  buffer_.clear();
  for (uint64_t i = 0; i < count; ++i) {
    append_line(buffer_, {run_, index, file.life, file.next + i}, payload());
    buffer_.append(options_.delimiter);
  }
  {
    // Before the write: what is in the file must never be unknown to the oracle.
    const MutexLock lock(mutex_);
    expectation_.sources[index].lines += count;
    expectation_.bytes += buffer_.size() - count * (options_.delimiter.size() - 1);
  }
  file.next += count;
  lines_.fetch_add(count, std::memory_order_relaxed);
  return write_buffer(file);
}

Status Generator::shift_kept(File& file) {
  for (uint32_t i = file.kept; i > 0; --i) {
    const std::string from = str_cat(file.path, ".", i);
    const std::string to = str_cat(file.path, ".", i + 1);
    if (std::rename(from.c_str(), to.c_str()) != 0) {
      return Status::from_errno(errno, str_cat("rename ", quoted(from)));
    }
  }
  ++file.kept;
  return {};
}

Status Generator::copy_to_first(const File& file) {
  std::error_code error;
  std::filesystem::copy_file(file.path, file.path + ".1", error);
  return error ? Status::from_errno(error.value(), str_cat("copy ", quoted(file.path))) : Status();
}

Status Generator::rotate(uint32_t index, Rotation rotation, const Wait& wait) {
  File& file = files_[index];
  const bool destroys = rotation == Rotation::kTruncate || rotation == Rotation::kRecreate;
  if (destroys && delivered_) {
    FLUME_RETURN_IF_ERROR(delivered_(wait).with_context(str_cat("before ", name_of(rotation), " of ", file.path)));
  }
  switch (rotation) {
    case Rotation::kRename:
      FLUME_RETURN_IF_ERROR(shift_kept(file));
      if (std::rename(file.path.c_str(), (file.path + ".1").c_str()) != 0) {
        return Status::from_errno(errno, str_cat("rename ", quoted(file.path)));
      }
      FLUME_RETURN_IF_ERROR(create(file));
      break;
    case Rotation::kCopyTruncate:
      FLUME_RETURN_IF_ERROR(shift_kept(file));
      FLUME_RETURN_IF_ERROR(copy_to_first(file));
      FLUME_RETURN_IF_ERROR(truncate_file(file.fd.fd(), 0, file.path));
      break;
    case Rotation::kTruncate: FLUME_RETURN_IF_ERROR(truncate_file(file.fd.fd(), 0, file.path)); break;
    case Rotation::kRecreate:
      file.fd.reset();  // or the number of its inode stays taken
      if (::unlink(file.path.c_str()) != 0) {
        return Status::from_errno(errno, str_cat("remove ", quoted(file.path)));
      }
      FLUME_RETURN_IF_ERROR(create(file));
      break;
  }
  ++file.life;
  rotations_.fetch_add(1, std::memory_order_relaxed);
  plan_life(file);
  return {};
}

Status Generator::remove_oldest(uint32_t index) {
  File& file = files_[index];
  const std::string oldest = str_cat(file.path, ".", file.kept);
  if (file.kept == 0 || ::unlink(oldest.c_str()) != 0) {
    return Status::from_errno(file.kept == 0 ? ENOENT : errno, str_cat("remove ", quoted(oldest)));
  }
  --file.kept;
  return {};
}

Status Generator::rotate_when_due(uint32_t index, const Wait& wait) {
  if (options_.rotations.empty() || files_[index].next < files_[index].life_ends) {
    return {};
  }
  return rotate(index, options_.rotations[below(random_, options_.rotations.size())], wait);
}

Status Generator::run(const Wait& wait) {
  SystemClock clock;
  const TimePoint started = clock.now();
  const uint64_t before = bytes();
  while (!wait.over()) {
    uint64_t count = 1 + below(random_, kBurstLines);
    if (options_.lines > 0) {
      count = std::min(count, options_.lines - std::min(lines(), options_.lines));
      if (count == 0) {
        break;
      }
    }
    const auto file = static_cast<uint32_t>(below(random_, files_.size()));
    FLUME_RETURN_IF_ERROR(write_lines(file, count));
    if (const Status status = rotate_when_due(file, wait); !status.ok()) {
      return wait.stop.stop_requested() ? Status() : status;
    }
    if (options_.bytes_per_second > 0) {
      const double seconds = static_cast<double>(bytes() - before) / static_cast<double>(options_.bytes_per_second);
      const TimePoint due = started + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
      pollfd stop{wait.stop.fd(), POLLIN, 0};
      if (due > clock.now() + std::chrono::milliseconds(1)) {
        (void)::poll(&stop, 1, wait.at_most(due).poll_millis());
      }
    }
  }
  return {};
}

Expectation Generator::expectation() const {
  const MutexLock lock(mutex_);
  return expectation_;
}

std::vector<std::string> Generator::paths() const {
  std::vector<std::string> paths;
  paths.reserve(files_.size());
  for (const File& file : files_) {
    paths.push_back(file.path);
  }
  return paths;
}

}  // namespace flume::torture

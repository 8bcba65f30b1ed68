// Generator: writes numbered lines of random sizes into files, and rotates the files as log daemons do. What it writes,
// and when it rotates, follows from the seed alone (but for how its output is cut by time).
//
// Thread: one writer; expectation(), lines() and bytes() may be asked from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/stop.h"
#include "common/base/sync.h"
#include "node/torture/expectation.h"

namespace flume::torture {

enum class Rotation : uint8_t {
  kRename,        // NAME -> NAME.1 -> NAME.2 ..., a new NAME
  kCopyTruncate,  // NAME copied to NAME.1, then emptied
  kTruncate,      // emptied; only after all of it was delivered
  kRecreate,      // removed, a new one made; only after all of it was delivered
};
std::optional<Rotation> rotation_named(std::string_view name);  // rename, copytruncate, truncate, recreate
std::string_view name_of(Rotation rotation);

struct GeneratorOptions {
  uint64_t seed = 1;
  std::string folder;
  std::string name = "app";  // the files are NAME-0.log, NAME-1.log ...
  uint32_t files = 1;
  uint64_t lines = 0;             // in all; 0 = until it is stopped
  uint64_t bytes_per_second = 0;  // 0 = as fast as it can
  uint32_t longest_payload = 64U << 10;
  bool binary = true;               // payloads of any byte but the newline; else of letters and digits
  std::string delimiter = "\n";     // another one: payloads are letters and digits
  std::vector<Rotation> rotations;  // to choose from; none = the files only grow
  uint64_t lines_per_life = 20'000;
};

class Generator {
 public:
  // Returns once all that was written so far has been delivered. Called before something is destroyed that a stopped
  // reader would never see.
  using Delivered = std::function<Status(const Wait&)>;

  explicit Generator(GeneratorOptions options, Delivered delivered = nullptr);
  Status open();                 // makes the files
  Status run(const Wait& wait);  // until stop, deadline, or all lines are written; none of these is an error
  Status write_lines(uint32_t file, uint64_t count);
  Status rotate(uint32_t file, Rotation rotation, const Wait& wait);

  Status remove_oldest(uint32_t file);  // of the files that were rotated away

  Expectation expectation() const;
  std::vector<std::string> paths() const;
  uint64_t lines() const { return lines_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t rotations() const { return rotations_.load(std::memory_order_relaxed); }
  const GeneratorOptions& options() const { return options_; }

 private:
  struct File {
    std::string path;
    UniqueFd fd;
    uint32_t life = 0;
    uint64_t next = 0;       // number of the next line
    uint64_t life_ends = 0;  // number at which it is rotated
    uint32_t kept = 0;       // rotated files NAME.1 to NAME.<kept>
  };

  std::string_view payload();
  Status write_buffer(File& file);
  Status create(File& file);
  Status shift_kept(File& file);
  Status copy_to_first(const File& file);
  Status rotate_when_due(uint32_t file, const Wait& wait);
  void plan_life(File& file);

  const GeneratorOptions options_;
  const Delivered delivered_;
  const uint32_t run_;
  Random random_;
  std::string pool_;  // payloads are pieces of it
  std::vector<File> files_;
  std::string buffer_;
  std::atomic<uint64_t> lines_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> rotations_{0};
  mutable Mutex mutex_;
  Expectation expectation_ FLUME_GUARDED_BY(mutex_);
};

uint32_t run_of_seed(uint64_t seed);

}  // namespace flume::torture

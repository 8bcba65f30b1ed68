// DirStore: a ConfigStore in a local directory, the default of a single master. A commit is one record appended to the
// log and synced before it returns. Files: LOCK (held by flock while open), snapshot.N and log.N (N = generation; the
// state is the newest snapshot that is whole plus all later records of all logs), damaged/ (bytes that failed their
// checks, kept for a human). A new generation begins at every start, when the log has grown large, and after a failed
// write or sync; the one before it is kept as a second leg.
//
// A crash at any point loses nothing that was acknowledged. Damage never keeps the store from opening: what is whole is
// used, the rest is set aside and reported, and revisions jump ahead so that no number is given out twice.
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "master/store/local_store.h"
#include "master/store/store_format.h"

namespace flume::master {

class DirStore final : public LocalStore {
 public:
  struct Options {
    uint64_t log_bytes = 1U << 20;  // a new generation when the log is larger than this and than the last snapshot
  };

  // Makes the directory if it is missing. kBusy: another process has it open. What was found damaged is appended to
  // `reports`, one sentence each.
  static Result<std::unique_ptr<DirStore>> open(const std::string& directory, std::vector<std::string>& reports,
                                                const Options& options);
  static Result<std::unique_ptr<DirStore>> open(const std::string& directory, std::vector<std::string>& reports) {
    return open(directory, reports, Options{});
  }

 private:
  struct Loaded;
  DirStore(std::string directory, Options options, UniqueFd lock, Loaded loaded);

  static Result<Loaded> load(const std::string& directory, std::vector<std::string>& reports);
  Status persist(std::span<const Change> changes, Revision at) override;
  Status begin_generation(Revision as_of);
  Status append(std::string_view record);

  const std::string directory_;
  const Options options_;
  UniqueFd lock_;
  // Touched by open() and then by one commit at a time.
  UniqueFd log_;  // closed after a failure that left the file in doubt: the next commit begins a generation
  uint64_t generation_ = 0;
  uint64_t log_bytes_ = 0;
  uint64_t snapshot_bytes_ = 0;
};

}  // namespace flume::master

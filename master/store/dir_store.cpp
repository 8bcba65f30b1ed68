#include "master/store/dir_store.h"

#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>

#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "master/store/store_files.h"

namespace flume::master {

namespace {

// After damage nobody knows which numbers were given out: the next ones begin this far ahead.
constexpr Revision kRevisionJump = 1'000'000;

constexpr std::string_view kSnapshotPrefix = "snapshot.";
constexpr std::string_view kLogPrefix = "log.";

std::string numbered(std::string_view prefix, uint64_t generation) {
  std::string digits = str_cat(generation);
  return str_cat(prefix, std::string(10 - std::min<size_t>(10, digits.size()), '0'), digits);
}

std::optional<uint64_t> number_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) {
    return std::nullopt;
  }
  return parse_number<uint64_t>(name.substr(prefix.size()));
}

// Keeps bytes that failed their checks. A failure here is reported too, and nothing else changes.
void keep_damaged(const std::string& directory, std::string_view name, std::string_view bytes,
                  const std::string& report, std::vector<std::string>& reports) {
  const std::string folder = directory + "/damaged";
  const std::string path = str_cat(folder, "/", name);
  Status kept = make_directories(folder);
  if (kept.ok()) {
    kept = replace_file(path, bytes);
  }
  reports.push_back(kept.ok() ? str_cat(report, "; its bytes are kept in ", quoted(path))
                              : str_cat(report, "; its bytes could not be kept: ", kept.message()));
}

}  // namespace

struct DirStore::Loaded {
  Id128 store_id{};
  StoreState state;
  uint64_t generation = 0;  // the highest number in use
  bool has_id = false;
  bool is_damaged = false;
};

Result<std::unique_ptr<DirStore>> DirStore::open(const std::string& directory, std::vector<std::string>& reports,
                                                 const Options& options) {
  const std::string clause = str_cat("open the store in ", quoted(directory));
  if (const Status made = make_directories(directory); !made.ok()) {
    return made.with_context(clause);
  }
  auto lock = lock_file(directory + "/LOCK");
  if (!lock.ok()) {
    return lock.status().with_context(clause);
  }
  auto loaded = load(directory, reports);
  if (!loaded.ok()) {
    return loaded.status().with_context(clause);
  }
  const bool is_new = loaded->generation == 0;
  std::unique_ptr<DirStore> store(
      new DirStore(directory, options, std::move(*lock), std::move(*loaded)));  // NOLINT: private constructor
  Revision revision = 0;
  store->read_state([&revision](const StoreState& state) { revision = state.revision(); });
  // Everything kept moves into files of this process: what a crashed one had not synced may look whole in the cache
  // only.
  if (const Status begun = store->begin_generation(revision); !begun.ok()) {
    if (is_new || !begun.is_temporary()) {
      return begun.with_context(clause);
    }
    reports.push_back(str_cat("the store cannot be written now: ", begun.message(), "; it can be read"));
  }
  return store;
}

DirStore::DirStore(std::string directory, Options options, UniqueFd lock, Loaded loaded)
    : LocalStore(loaded.store_id, std::move(loaded.state)),
      directory_(std::move(directory)),
      options_(options),
      lock_(std::move(lock)),
      generation_(loaded.generation) {}

Result<DirStore::Loaded> DirStore::load(const std::string& directory, std::vector<std::string>& reports) {
  FLUME_ASSIGN_OR_RETURN(const auto names, file_names(directory));
  std::map<uint64_t, std::string> snapshots;
  std::map<uint64_t, std::string> logs;
  Loaded loaded;
  for (const std::string& name : names) {
    if (const auto snapshot = number_of(name, kSnapshotPrefix)) {
      snapshots.emplace(*snapshot, name);
      loaded.generation = std::max(loaded.generation, *snapshot);
    } else if (const auto log = number_of(name, kLogPrefix)) {
      logs.emplace(*log, name);
      loaded.generation = std::max(loaded.generation, *log);
    } else if (name.ends_with(".tmp")) {
      FLUME_RETURN_IF_ERROR(remove_file(str_cat(directory, "/", name)));
    }
  }
  for (auto it = snapshots.rbegin(); it != snapshots.rend() && !loaded.has_id; ++it) {
    FLUME_ASSIGN_OR_RETURN(const std::string bytes, read_whole_file(str_cat(directory, "/", it->second)));
    auto snapshot = decode_snapshot(bytes);
    if (snapshot.ok()) {
      loaded.store_id = snapshot->store_id;
      loaded.state = std::move(snapshot->state);
      loaded.has_id = true;
    } else if (snapshot.status().code() == Code::kUnsupported) {
      return snapshot.status().with_context(str_cat("read ", quoted(it->second)));
    } else {
      loaded.is_damaged = true;
      keep_damaged(directory, it->second, bytes,
                   str_cat("snapshot ", quoted(it->second), " is damaged: ", snapshot.status().message()), reports);
    }
  }
  for (const auto& [number, name] : logs) {
    FLUME_ASSIGN_OR_RETURN(const std::string bytes, read_whole_file(str_cat(directory, "/", name)));
    const LogScan scan = scan_log(bytes);
    if (scan.header_ok && !loaded.has_id) {
      loaded.store_id = scan.store_id;
      loaded.has_id = true;
    }
    for (const LogRecord& record : scan.records) {
      if (record.revision > loaded.state.revision()) {
        loaded.state.apply(record.changes, record.revision);
      }
    }
    for (const LogDamage& damage : scan.damage) {
      loaded.is_damaged = true;
      keep_damaged(directory, str_cat(name, ".", damage.offset),
                   std::string_view(bytes).substr(damage.offset, damage.length),
                   str_cat("log ", quoted(name), " is damaged at byte ", damage.offset, " (", damage.length, " bytes)"),
                   reports);
    }
  }
  if (!loaded.has_id) {
    loaded.store_id = random_id();
  }
  if (loaded.is_damaged) {
    loaded.state.skip_to(loaded.state.revision() + kRevisionJump);
  }
  return loaded;
}

Status DirStore::begin_generation(Revision as_of) {
  std::string snapshot;
  read_state(
      [this, as_of, &snapshot](const StoreState& state) { snapshot = encode_snapshot(store_id(), state, as_of); });
  const uint64_t next = generation_ + 1;
  const std::string log_path = str_cat(directory_, "/", numbered(kLogPrefix, next));
  FLUME_RETURN_IF_ERROR(replace_file(str_cat(directory_, "/", numbered(kSnapshotPrefix, next)), snapshot));
  generation_ = next;  // used up, whatever follows
  FLUME_ASSIGN_OR_RETURN(log_, create_synced_file(log_path, encode_log_header(store_id())));
  if (Status synced = sync_directory(directory_); !synced.ok()) {
    log_.reset();  // a file that a crash may lose promises nothing
    return synced;
  }
  log_bytes_ = kLogHeaderBytes;
  snapshot_bytes_ = snapshot.size();
  // The generation before this one stays; older ones go. Failing to remove them costs room only.
  const auto names = file_names(directory_);
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
    auto number = number_of(name, kSnapshotPrefix);
    if (!number) {
      number = number_of(name, kLogPrefix);
    }
    if (number && *number + 1 < next) {
      if (const Status removed = remove_file(str_cat(directory_, "/", name)); !removed.ok()) {
        FLUME_LOG(kWarn, "old store file stays", kv("error", removed));
      }
    }
  }
  return {};
}

Status DirStore::append(std::string_view record) {
  const std::string path = str_cat(directory_, "/", numbered(kLogPrefix, generation_));
  Status status = write_all(log_.fd(), record, path);
  if (status.ok()) {
    status = sync_file(log_.fd(), path);
    if (status.ok()) {
      log_bytes_ += record.size();
      return {};
    }
  } else if (::ftruncate(log_.fd(), static_cast<off_t>(log_bytes_)) == 0 && sync_file(log_.fd(), path).ok()) {
    return status;  // as if it had never been tried
  }
  // After a failed sync nobody knows what the file holds: it is never written again.
  log_.reset();
  return status;
}

Status DirStore::persist(std::span<const Change> changes, Revision at) {
  const std::string clause = "commit to the store";
  const bool is_large = log_bytes_ > options_.log_bytes && log_bytes_ > snapshot_bytes_;
  if (!log_.is_open() || is_large) {
    if (const Status begun = begin_generation(at - 1); !begun.ok()) {
      if (!log_.is_open()) {
        return begun.with_context(clause);
      }
      FLUME_LOG_EVERY(60'000, kWarn, "store log cannot be compacted", kv("error", begun));
    }
  }
  const Status appended = append(encode_record(changes, at));
  if (appended.ok() || log_.is_open()) {
    return appended.with_context(clause);
  }
  // A new generation whose snapshot already counts this revision as used makes the doubtful record void.
  if (const Status begun = begin_generation(at); begun.ok()) {
    return appended.with_context(clause);
  }
  return {Code::kUnknown, str_cat(clause, ": it may be stored or not: ", appended.message()), appended.os_error()};
}

}  // namespace flume::master

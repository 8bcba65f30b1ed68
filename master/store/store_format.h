// The bytes of the directory store: snapshots and logs. Pure functions over bytes, so that a test can cut and flip
// every one. Little-endian; every header, record and snapshot has a CRC32C. docs/formats/store.md describes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "master/store/config_store.h"
#include "master/store/store_state.h"

namespace flume::master {

inline constexpr uint32_t kStoreFormat = 1;
inline constexpr size_t kLogHeaderBytes = 32;

struct LogRecord {
  Revision revision = 0;
  std::vector<Change> changes;  // without conditions
};

// A stretch of a log that is not records: skipped, kept aside, reported.
struct LogDamage {
  size_t offset = 0;
  size_t length = 0;
};

struct LogScan {
  bool header_ok = false;
  Id128 store_id{};  // valid when header_ok
  std::vector<LogRecord> records;
  std::vector<LogDamage> damage;
  size_t torn_bytes = 0;  // at the end: a record that a crash cut short. The normal end of a log, never acknowledged
};

std::string encode_log_header(const Id128& store_id);
std::string encode_record(std::span<const Change> changes, Revision revision);
// Finds all records that are whole; never fails.
LogScan scan_log(std::string_view file);

struct Snapshot {
  Id128 store_id{};
  StoreState state;
};

std::string encode_snapshot(const Id128& store_id, const StoreState& state, Revision as_of);
Result<Snapshot> decode_snapshot(std::string_view file);  // kCorrupt, or kUnsupported for another format number

}  // namespace flume::master

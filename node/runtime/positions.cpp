#include "node/runtime/positions.h"

#include <fcntl.h>

#include <array>
#include <cstring>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "common/io/posix.h"

namespace flume::node {

namespace {

// Record: u32 CRC32C of what follows, u32 key bytes, u32 value bytes or kErased, key, value. Little-endian.
constexpr std::string_view kMagic = "FLP1";
constexpr size_t kRecordHead = 12;
constexpr uint32_t kErased = 0xffffffff;
constexpr uint32_t kMaxPart = 64 << 10;     // of a key or a value
constexpr uint64_t kSmallFile = 256 << 10;  // not worth rewriting
constexpr size_t kLargestFile = 256U << 20;
constexpr mode_t kMode = 0600;

void append_record(std::string& out, std::string_view key, const std::string* value) {
  const std::array<uint32_t, 2> sizes{static_cast<uint32_t>(key.size()),
                                      value == nullptr ? kErased : static_cast<uint32_t>(value->size())};
  std::string body(reinterpret_cast<const char*>(sizes.data()), sizeof sizes);
  body += key;
  if (value != nullptr) {
    body += *value;
  }
  const uint32_t crc = crc32c(body);
  out.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  out += body;
}

// The record at the start of `bytes`; 0: there is no whole one.
size_t parse_record(std::string_view bytes, std::string_view& key, std::optional<std::string_view>& value) {
  std::array<uint32_t, 3> head;
  if (bytes.size() < kRecordHead) {
    return 0;
  }
  std::memcpy(head.data(), bytes.data(), kRecordHead);
  const auto [crc, key_bytes, value_bytes] = head;
  const bool erased = value_bytes == kErased;
  if (key_bytes > kMaxPart || (!erased && value_bytes > kMaxPart)) {
    return 0;
  }
  const size_t size = kRecordHead + key_bytes + (erased ? 0 : value_bytes);
  if (bytes.size() < size || crc32c(bytes.substr(4, size - 4)) != crc) {
    return 0;
  }
  key = bytes.substr(kRecordHead, key_bytes);
  value = erased ? std::nullopt : std::optional(bytes.substr(kRecordHead + key_bytes, value_bytes));
  return size;
}

// What the records of a file say, the newest last.
struct Scan {
  std::map<std::string, std::string, std::less<>> values;
  size_t good = 0;       // bytes up to the first record that is not whole
  bool damaged = false;  // whole records follow behind that
};

Scan scan_records(std::string_view file) {
  Scan scan;
  size_t at = file.substr(0, kMagic.size()) == kMagic ? kMagic.size() : 0;
  scan.good = at;
  bool in_order = at > 0;
  while (at < file.size()) {
    std::string_view key;
    std::optional<std::string_view> value;
    const size_t size = parse_record(file.substr(at), key, value);
    if (size == 0) {
      in_order = false;
      ++at;
      continue;
    }
    if (value) {
      scan.values[std::string(key)] = *value;
    } else if (const auto old = scan.values.find(key); old != scan.values.end()) {
      scan.values.erase(old);
    }
    at += size;
    scan.damaged = scan.damaged || !in_order;
    scan.good = in_order ? at : scan.good;
  }
  return scan;
}

}  // namespace

Result<std::unique_ptr<Positions>> Positions::open(const std::string& file) {
  std::unique_ptr<Positions> positions(new Positions());
  positions->path_ = file;
  FLUME_RETURN_IF_ERROR(make_folders(parent_folder(file)));
  const MutexLock lock(positions->mutex_);
  FLUME_RETURN_IF_ERROR(positions->load());
  return positions;
}

std::unique_ptr<Positions> Positions::in_memory() { return std::unique_ptr<Positions>(new Positions()); }

Status Positions::load() {
  auto opened = open_file(path_, O_RDWR | O_APPEND);
  if (opened.status().code() == Code::kNotFound) {
    return {};  // made by the first sync()
  }
  FLUME_RETURN_IF_ERROR(opened.status());
  FLUME_ASSIGN_OR_RETURN(const std::string bytes, read_file(path_, kLargestFile));
  Scan scan = scan_records(bytes);
  values_ = std::move(scan.values);
  if (scan.damaged || (scan.good == 0 && bytes.size() >= kMagic.size())) {
    return set_aside();
  }
  if (scan.good == 0) {
    return {};  // a crash while it was made
  }
  if (scan.good < bytes.size()) {
    FLUME_RETURN_IF_ERROR(truncate_file(opened->fd(), scan.good, path_));
    FLUME_RETURN_IF_ERROR(sync_file(opened->fd(), path_));
  }
  file_ = std::move(opened).value();
  file_bytes_ = scan.good;
  return {};
}

// Damage elsewhere than at the end: the bytes are kept under another name, what is whole is written anew.
Status Positions::set_aside() {
  std::string name;
  for (int i = 0;; ++i) {
    name = str_cat(path_, ".damaged", i == 0 ? "" : str_cat(".", i));
    Status status = rename_to_free_name(path_, name);
    if (status.ok()) {
      break;
    }
    if (status.code() != Code::kExists) {
      return status;
    }
  }
  FLUME_LOG(kError, "the file of read positions is damaged: set aside; some rows may be read again",
            kv("file", quoted(path_)), kv("set_aside_as", quoted(name)), kv("positions_kept", values_.size()));
  return rewrite();
}

std::optional<std::string> Positions::find(std::string_view key) const {
  const MutexLock lock(mutex_);
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::pair<std::string, std::string>> Positions::list(std::string_view prefix) const {
  const MutexLock lock(mutex_);
  std::vector<std::pair<std::string, std::string>> out;
  for (auto it = values_.lower_bound(prefix); it != values_.end() && it->first.compare(0, prefix.size(), prefix) == 0;
       ++it) {
    out.emplace_back(*it);
  }
  return out;
}

void Positions::set_logged(std::map<Id128, std::string> notes) {
  const MutexLock lock(mutex_);
  logged_ = std::move(notes);
  has_log_.store(true, std::memory_order_relaxed);
}

std::optional<std::string> Positions::logged(const Id128& stream) const {
  const MutexLock lock(mutex_);
  const auto found = logged_.find(stream);
  return found == logged_.end() ? std::nullopt : std::optional(found->second);
}

void Positions::set(std::string_view key, std::string_view value) {
  FLUME_CHECK(key.size() <= kMaxPart && value.size() <= kMaxPart, "a position of at most 64 KiB");
  const MutexLock lock(mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) {
    values_.emplace(key, value);
  } else if (found->second != value) {
    found->second = value;
  } else {
    return;
  }
  changed_.emplace(key);
}

void Positions::erase(std::string_view key) {
  const MutexLock lock(mutex_);
  if (const auto found = values_.find(key); found != values_.end()) {
    values_.erase(found);
    changed_.emplace(key);
  }
}

bool Positions::is_durable(std::string_view key) const {
  const MutexLock lock(mutex_);
  return values_.find(key) != values_.end() && changed_.find(key) == changed_.end();
}

Status Positions::sync() {
  const MutexLock lock(mutex_);
  if (path_.empty() || changed_.empty()) {
    changed_.clear();
    return {};
  }
  uint64_t live = 0;
  for (const auto& [key, value] : values_) {
    live += kRecordHead + key.size() + value.size();
  }
  const bool mostly_old = file_bytes_ > kSmallFile && file_bytes_ > 4 * live;
  Status status = file_.is_open() && !mostly_old ? append_changes() : rewrite();
  if (status.ok()) {
    changed_.clear();
  }
  return status;
}

Status Positions::append_changes() {
  std::string out;
  for (const std::string& key : changed_) {
    const auto found = values_.find(key);
    append_record(out, key, found == values_.end() ? nullptr : &found->second);
  }
  Status status = write_all(file_.fd(), out, path_);
  if (status.ok()) {
    status = sync_data(file_.fd(), path_);
  }
  if (!status.ok()) {
    file_.reset();  // it may end in half a record, or in pages that will never reach the disk: the next one is a new
                    // file
    return status;
  }
  file_bytes_ += out.size();
  return {};
}

Status Positions::rewrite() {
  std::string out(kMagic);
  for (const auto& [key, value] : values_) {
    append_record(out, key, &value);
  }
  FLUME_RETURN_IF_ERROR(replace_file(path_, out, kMode));
  FLUME_ASSIGN_OR_RETURN(file_, open_file(path_, O_WRONLY | O_APPEND));
  file_bytes_ = out.size();
  return {};
}

}  // namespace flume::node

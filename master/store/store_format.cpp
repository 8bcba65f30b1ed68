#include "master/store/store_format.h"

#include <cstring>
#include <optional>

#include "common/base/text.h"
#include "common/io/crc32c.h"

namespace flume::master {

namespace {

constexpr std::string_view kLogMagic = "FLUMELOG";
constexpr std::string_view kSnapshotMagic = "FLUMESNP";
constexpr std::string_view kRecordMagic = "\xf1REC";
constexpr size_t kRecordHeaderBytes = 4 + 4 + 8 + 4 + 4;  // magic, payload length, revision, payload crc, header crc
constexpr size_t kSnapshotHeaderBytes = 8 + 4 + 4 + 16 + 8 + 8;  // magic, crc, format, id, revision, entries
constexpr size_t kMaxRecordPayload = kMaxCommitBytes + (kMaxCommitBytes / 4);  // keys, values and their lengths

void put_u32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

void put_u64(std::string& out, uint64_t value) {
  put_u32(out, static_cast<uint32_t>(value));
  put_u32(out, static_cast<uint32_t>(value >> 32));
}

void put_text(std::string& out, std::string_view text) {
  put_u32(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

// Reads from a view; after the first read past the end everything is zero and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

  std::string_view take(size_t n) {
    if (n > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }
  uint64_t number(size_t n) {
    uint64_t value = 0;
    const auto taken = take(n);
    for (size_t i = 0; i < taken.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(taken[i])) << (8 * i);
    }
    return value;
  }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  std::string_view text() { return take(u32()); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

Id128 to_id(std::string_view bytes) {
  Id128 id{};
  if (bytes.size() == id.size()) {
    std::memcpy(id.data(), bytes.data(), id.size());
  }
  return id;
}

std::string_view as_text(const Id128& id) { return {reinterpret_cast<const char*>(id.data()), id.size()}; }

bool is_zeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

struct FoundRecord {
  LogRecord record;
  size_t bytes = 0;
};

// The record at the start of `bytes`. kCorrupt: it is none; kUnavailable: it goes on past the end.
Result<FoundRecord> read_record(std::string_view bytes) {
  const auto head = bytes.substr(0, kRecordHeaderBytes);
  if (!kRecordMagic.starts_with(head.substr(0, kRecordMagic.size()))) {
    return Status(Code::kCorrupt, "no record");
  }
  if (head.size() < kRecordHeaderBytes) {
    return unavailable("cut short");
  }
  Reader reader(head.substr(kRecordMagic.size()));
  const uint32_t length = reader.u32();
  FoundRecord found;
  found.record.revision = reader.u64();
  found.bytes = kRecordHeaderBytes + length;
  const uint32_t payload_crc = reader.u32();
  // The header has a checksum of its own: a length that goes past the end is then a cut record, not a wrong length.
  if (reader.u32() != crc32c(head.substr(0, kRecordHeaderBytes - 4)) || length > kMaxRecordPayload) {
    return Status(Code::kCorrupt, "the header's checksum is wrong");
  }
  if (found.bytes > bytes.size()) {
    return unavailable("cut short");
  }
  const auto payload = bytes.substr(kRecordHeaderBytes, length);
  if (crc32c(payload) != payload_crc) {
    return Status(Code::kCorrupt, "the checksum is wrong");
  }
  Reader body(payload);
  for (uint32_t left = body.u32(); left > 0 && body.ok(); --left) {
    Change change;
    const bool has_value = body.number(1) != 0;
    change.key = body.text();
    if (has_value) {
      change.value = body.text();
    }
    found.record.changes.push_back(std::move(change));
  }
  if (!body.at_end()) {
    return Status(Code::kCorrupt, "the contents do not fit their length");
  }
  return found;
}

}  // namespace

std::string encode_log_header(const Id128& store_id) {
  std::string out(kLogMagic);
  put_u32(out, kStoreFormat);
  out.append(as_text(store_id));
  put_u32(out, crc32c(out));
  return out;
}

std::string encode_record(std::span<const Change> changes, Revision revision) {
  std::string payload;
  put_u32(payload, static_cast<uint32_t>(changes.size()));
  for (const Change& change : changes) {
    payload.push_back(change.value ? '\1' : '\0');
    put_text(payload, change.key);
    if (change.value) {
      put_text(payload, *change.value);
    }
  }
  std::string out(kRecordMagic);
  put_u32(out, static_cast<uint32_t>(payload.size()));
  put_u64(out, revision);
  put_u32(out, crc32c(payload));
  put_u32(out, crc32c(out));
  out.append(payload);
  return out;
}

LogScan scan_log(std::string_view file) {
  LogScan scan;
  if (file.size() < kLogHeaderBytes) {  // a crash before the first sync: nothing was ever acknowledged from it
    scan.torn_bytes = file.size();
    return scan;
  }
  Reader header(file.substr(0, kLogHeaderBytes));
  const bool magic_ok = header.take(kLogMagic.size()) == kLogMagic;
  const bool format_ok = header.u32() == kStoreFormat;
  scan.store_id = to_id(header.take(16));
  scan.header_ok = magic_ok && format_ok && header.u32() == crc32c(file.substr(0, kLogHeaderBytes - 4));
  if (!scan.header_ok) {
    scan.damage.push_back({0, kLogHeaderBytes});
  }
  for (size_t at = kLogHeaderBytes; at < file.size();) {
    auto found = read_record(file.substr(at));
    if (found.ok()) {
      at += found->bytes;
      scan.records.push_back(std::move(found->record));
      continue;
    }
    // Look for the next whole record. None: if this one is merely short, or was never written over the zeros that the
    // file system had put there, it is the torn end.
    size_t next = file.find(kRecordMagic, at + 1);
    while (next != std::string_view::npos && !read_record(file.substr(next)).ok()) {
      next = file.find(kRecordMagic, next + 1);
    }
    const size_t end = next == std::string_view::npos ? file.size() : next;
    const bool is_short = found.status().code() == Code::kUnavailable || is_zeros(file.substr(at, end - at));
    if (next == std::string_view::npos && is_short) {
      scan.torn_bytes = end - at;
    } else {
      scan.damage.push_back({at, end - at});
    }
    at = end;
  }
  return scan;
}

std::string encode_snapshot(const Id128& store_id, const StoreState& state, Revision as_of) {
  std::string covered;
  put_u32(covered, kStoreFormat);
  covered.append(as_text(store_id));
  put_u64(covered, as_of);
  put_u64(covered, state.values().size());
  for (const auto& [key, value] : state.values()) {
    put_u64(covered, value.modified);
    put_text(covered, key);
    put_text(covered, value.text);
  }
  std::string out(kSnapshotMagic);
  put_u32(out, crc32c(covered));
  out.append(covered);
  return out;
}

Result<Snapshot> decode_snapshot(std::string_view file) {
  if (file.size() < kSnapshotHeaderBytes || !file.starts_with(kSnapshotMagic)) {
    return Status(Code::kCorrupt, "not a snapshot");
  }
  Reader reader(file.substr(kSnapshotMagic.size()));
  if (reader.u32() != crc32c(file.substr(kSnapshotMagic.size() + 4))) {
    return Status(Code::kCorrupt, "the checksum is wrong");
  }
  const uint32_t format = reader.u32();
  if (format != kStoreFormat) {
    return Status(Code::kUnsupported, str_cat("format ", format, ", this program reads format ", kStoreFormat));
  }
  Snapshot snapshot;
  snapshot.store_id = to_id(reader.take(16));
  const Revision revision = reader.u64();
  for (uint64_t left = reader.u64(); left > 0 && reader.ok(); --left) {
    const Revision modified = reader.u64();
    std::string key(reader.text());
    std::string value(reader.text());
    snapshot.state.restore(std::move(key), std::move(value), modified);
  }
  if (!reader.at_end()) {
    return Status(Code::kCorrupt, "the contents do not fit their length");
  }
  snapshot.state.restore_revision(revision);
  return snapshot;
}

}  // namespace flume::master

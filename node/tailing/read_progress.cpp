#include "node/tailing/read_progress.h"

#include <algorithm>
#include <cstring>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr uint8_t kVersion = 2;

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_print(std::string& out, const Fingerprint& print) {
  put(out, print.offset);
  put(out, print.head);
  put(out, print.recent);
}

template <class T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) {
    return false;
  }
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

bool take_print(std::string_view& in, Fingerprint& print) {
  return take(in, print.offset) && take(in, print.head) && take(in, print.recent);
}

}  // namespace

std::string ReadPoint::encoded() const {
  std::string out;
  put(out, kVersion);
  put(out, static_cast<uint8_t>(mark.skipping));
  put(out, identity.device);
  put(out, identity.inode);
  put(out, identity.birth_nanos);
  put(out, stream);
  put_print(out, mark.print);
  put_print(out, last_known());
  put(out, mark.rows);
  put(out, order);
  out += path;
  return out;
}

Result<ReadPoint> ReadPoint::decode(std::string_view bytes) {
  ReadPoint point;
  uint8_t version = 0;
  uint8_t skipping = 0;
  Fingerprint seen;
  const bool whole = take(bytes, version) && take(bytes, skipping) && take(bytes, point.identity.device) &&
                     take(bytes, point.identity.inode) && take(bytes, point.identity.birth_nanos) &&
                     take(bytes, point.stream) && take_print(bytes, point.mark.print) && take_print(bytes, seen) &&
                     take(bytes, point.mark.rows) && take(bytes, point.order);
  if (!whole || skipping > 1) {
    return Status(Code::kCorrupt, "read position: not whole");
  }
  if (version != kVersion) {
    return Status(Code::kUnsupported, str_cat("read position: version ", version, " is unknown"));
  }
  point.mark.skipping = skipping == 1;
  point.seen = seen;
  point.path = bytes;
  return point;
}

ReadProgress::ReadProgress(Positions& positions, std::string prefix)
    : positions_(positions), prefix_(std::move(prefix) + "/") {
  for (const ReadPoint& point : saved()) {
    order_ = std::max(order_, point.order);
  }
}

bool ReadProgress::is_first_time() {
  const std::string begun = prefix_.substr(0, prefix_.size() - 1) + "#begun";
  const bool first = !positions_.find(begun).has_value();
  positions_.set(begun, "1");
  return first;
}

std::vector<ReadPoint> ReadProgress::saved() const {
  std::vector<ReadPoint> points;
  for (const auto& [key, value] : positions_.list(prefix_)) {
    auto point = ReadPoint::decode(value);
    if (point.ok()) {
      if (const auto note = positions_.logged(point->stream)) {
        const auto logged = ReadPoint::decode(*note);
        if (logged.ok() && logged->stream == point->stream && logged->mark.print.offset > point->last_known().offset) {
          point->seen = logged->mark.print;
        }
      }
      points.push_back(std::move(*point));
    } else {
      FLUME_LOG(kWarn, "a saved read position is ignored", kv("key", quoted(key)), kv("error", point.status()));
      positions_.erase(key);
    }
  }
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
  return points;
}

std::string ReadProgress::key(const Id128& stream) const { return prefix_ + to_hex(stream); }

Result<ReadPoint> ReadProgress::new_point(const std::string& path, const FileIdentity& identity, int fd,
                                          uint64_t offset) {
  ReadPoint point;
  point.path = path;
  point.identity = identity;
  point.stream = random_id();
  point.mark.print = {0, kEmptyHash, kEmptyHash};
  point.order = ++order_;
  if (offset > 0) {
    FLUME_ASSIGN_OR_RETURN(point.mark.print, fingerprint_of(fd, offset));
  }
  return point;
}

void ReadProgress::begin(ReadPoint point) {
  if (const auto known = files_.find(point.stream); known != files_.end()) {
    // Its content goes on in another file: rows that are under way stay so.
    File& file = known->second;
    file.settled.path = std::move(point.path);
    file.settled.identity = point.identity;
    file.ended = false;
    file.dirty = true;
    return;
  }
  const Id128 stream = point.stream;
  const bool known = point.last_known().offset > 0 && positions_.is_durable(key(stream));
  files_[stream] = File{std::move(point), 0, false, true, known};
}

AckToken ReadProgress::issue(const Id128& stream, const ReadMark& after, uint32_t rows, uint64_t bytes) {
  const auto found = files_.find(stream);
  FLUME_CHECK(found != files_.end(), "rows of a file that was not begun");
  collect();  // so that the list stays as short as what is under way
  issued_rows_ += rows;
  File& file = found->second;
  file.under_way += 1;
  file.settled.seen = after.print;
  file.dirty = true;
  issued_.push_back({issued_rows_, stream, after});
  if (!file.known) {
    save_beginning(file);
  }
  std::shared_ptr<const std::string> note;
  if (positions_.has_log()) {
    ReadPoint point = file.settled;
    point.mark = after;
    note = std::make_shared<const std::string>(point.encoded());
  }
  return tracker_->issue(issued_rows_, rows, bytes, std::move(note));
}

void ReadProgress::save_beginning(const File& file) {
  if (const Status status = checkpoint(); !status.ok()) {
    FLUME_LOG_EVERY(60'000, kError,
                    "a new file could not be noted: after a kill it is read from its start, and not known in a copy",
                    kv("file", quoted(file.settled.path)), kv("error", status));
  }
}

void ReadProgress::collect() {
  const uint64_t settled = tracker_->settled();
  while (!issued_.empty() && issued_.front().end <= settled) {
    const Issued& done = issued_.front();
    File& file = files_.at(done.stream);
    file.under_way -= 1;
    file.settled.mark = done.after;
    file.dirty = true;
    issued_.pop_front();
  }
}

void ReadProgress::end(const Id128& stream) {
  if (const auto file = files_.find(stream); file != files_.end()) {
    file->second.ended = true;
  }
}

bool ReadProgress::is_settled(const Id128& stream) {
  collect();
  const auto file = files_.find(stream);
  return file == files_.end() || file->second.under_way == 0;
}

void ReadProgress::moved(const Id128& stream, const std::string& path) {
  if (const auto file = files_.find(stream); file != files_.end() && file->second.settled.path != path) {
    file->second.settled.path = path;
    file->second.dirty = true;
  }
}

Status ReadProgress::checkpoint() {
  collect();
  for (auto it = files_.begin(); it != files_.end();) {
    File& file = it->second;
    if (file.ended && file.under_way == 0) {
      positions_.erase(key(it->first));
      it = files_.erase(it);
      continue;
    }
    if (std::exchange(file.dirty, false)) {
      positions_.set(key(it->first), file.settled.encoded());
    }
    ++it;
  }
  FLUME_RETURN_IF_ERROR(positions_.sync());
  for (auto& [stream, file] : files_) {
    file.known = file.settled.last_known().offset > 0;
  }
  return {};
}

std::vector<ReadPoint> ReadProgress::rewind() {
  collect();
  std::vector<ReadPoint> points;
  for (auto& [stream, file] : files_) {
    if (std::exchange(file.under_way, 0) > 0) {
      file.ended = false;
      points.push_back(file.settled);
    }
  }
  issued_.clear();
  issued_rows_ = tracker_->settled();
  tracker_->rewound();
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
  return points;
}

}  // namespace flume::node

// The log's thread: groups of batches are written to segments and synced, segments begun and sealed.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/wal/wal.h"

namespace flume::wal {

namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(2);
constexpr uint64_t kGroupsApart = 1U << 20;
constexpr std::string_view kZeros{"\0\0\0\0\0\0\0", 7};

}  // namespace

void Wal::run() {
  while (true) {
    const std::vector<Queued> group = next_group();
    if (group.empty()) {
      break;
    }
    const bool has_rows = std::any_of(group.begin(), group.end(), [](const Queued& item) { return item.bytes > 0; });
    if (has_rows && !write(group).ok()) {
      return;  // stopped meanwhile: nothing of it was promised
    }
    synced(group);
  }
  if (!stop_.stop_requested()) {
    seal();
  }
}

// What has come together; nothing when the log is closed.
std::vector<Wal::Queued> Wal::next_group() {
  std::vector<Queued> group;
  const MutexLock lock(mutex_);
  while (queue_.empty() && !closing_) {
    if (!queued_.wait(mutex_, {TimePoint::max(), stop_.token()})) {
      return group;
    }
  }
  const Wait together{first_queued_ + options_.group_time, stop_.token()};
  while (!queue_.empty() && queued_bytes_ < options_.group_bytes && !closing_ && queued_.wait(mutex_, together)) {
  }
  if (stop_.stop_requested()) {
    return group;
  }
  while (!queue_.empty()) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

// Until it is synced, however often the disk fails; an error only when the log is stopped.
Status Wal::write(const std::vector<Queued>& group) {
  Duration pause = kFirstPause;
  while (true) {
    const Status status = try_write(group);
    {
      const MutexLock lock(mutex_);
      status_.error = std::string(status.message());
    }
    if (status.ok()) {
      return {};
    }
    FLUME_LOG_EVERY(60'000, kError, "the write-ahead log cannot be written; its source waits", kv("error", status));
    end_file();
    const Wait wait = Wait::for_duration(pause, stop_.token());
    const MutexLock lock(mutex_);
    while (queued_.wait(mutex_, wait)) {
    }
    if (stop_.stop_requested()) {
      return stopped();
    }
    pause = std::min(kLongestPause, 2 * pause);
  }
}

Status Wal::try_write(const std::vector<Queued>& group) {
  FLUME_ASSIGN_OR_RETURN(const uint64_t free, files_.free_bytes(options_.folder));
  if (free < options_.free_bytes) {
    return {Code::kNoSpace, str_cat("the disk of ", quoted(options_.folder), " has ", free, " bytes left; ",
                                    options_.free_bytes, " are kept for others")};
  }
  if (file_ != nullptr && file_bytes_ >= options_.segment_bytes) {
    seal();
  }
  const auto first = std::find_if(group.begin(), group.end(), [](const Queued& item) { return item.bytes > 0; });
  if (file_ == nullptr) {
    FLUME_RETURN_IF_ERROR(begin_segment(first->batch.hop().ordinal));
  }
  const std::string places = encode_places(announced(group));
  group_places_ = places.size();
  std::vector<std::string> heads;
  heads.reserve(group.size());
  std::vector<iovec> pieces;
  pieces.reserve(1 + group.size() * 4);
  pieces.push_back({const_cast<char*>(places.data()), places.size()});
  for (const Queued& item : group) {
    if (item.bytes == 0) {
      continue;
    }
    const size_t size = item.encoded.size();
    const std::string& head = heads.emplace_back(encode_record_head(static_cast<uint32_t>(size)));
    pieces.push_back({const_cast<char*>(head.data()), head.size()});
    pieces.insert(pieces.end(), item.encoded.pieces.begin(), item.encoded.pieces.end());
    pieces.push_back({const_cast<char*>(kZeros.data()), padding_after(size)});
  }
  FLUME_RETURN_IF_ERROR(file_->append(pieces));
  return file_->sync();
}

// Stands before the batches that it is about, so that a note is there whenever its rows are.
Places Wal::announced(const std::vector<Queued>& group) const {
  std::map<Id128, Place> last;
  for (const Queued& item : group) {
    const auto note = item.bytes > 0 ? item.batch.token().note() : nullptr;
    if (note != nullptr) {
      const Origin& origin = item.batch.origin();
      last[origin.stream] = {origin.stream, origin.end_position, *note};
    }
  }
  Places places;
  for (auto& [stream, place] : last) {
    places.all.push_back(std::move(place));
  }
  const MutexLock lock(mutex_);
  places.released = status_.released;
  return places;
}

Status Wal::begin_segment(uint64_t first_ordinal) {
  const std::string path = str_cat(options_.folder, '/', SegmentName{first_ordinal, SegmentState::kOpen}.text());
  // A file of that name is one whose first group never was synced.
  if (Status gone = files_.remove(path); !gone.ok() && gone.code() != Code::kNotFound) {
    return gone;
  }
  FLUME_ASSIGN_OR_RETURN(std::shared_ptr<LogFile> file, files_.create(path));
  const int64_t created = clock_.wall_millis();
  std::string start = encode_header({stream_, first_ordinal, created});
  start += encode_places(held());
  const iovec piece{const_cast<char*>(start.data()), start.size()};
  FLUME_RETURN_IF_ERROR(file->append({&piece, 1}));
  FLUME_RETURN_IF_ERROR(files_.sync_folder(options_.folder));  // the name, before anything in it is promised (R3)
  file_ = std::move(file);
  file_bytes_ = start.size();
  totals_ = {};
  const MutexLock lock(mutex_);
  segments_.push_back({file_, path, first_ordinal, first_ordinal, start.size(), created, true});
  status_.bytes += start.size();
  status_.segments = segments_.size();
  return {};
}

Places Wal::held() const {
  Places places;
  places.held = true;
  places.all = held_.all();
  const MutexLock lock(mutex_);
  places.released = status_.released;
  return places;
}

// The open file's life is over; what is synced in it stays readable.
void Wal::end_file() {
  file_.reset();
  const MutexLock lock(mutex_);
  if (segments_.empty() || !segments_.back().is_open) {
    return;
  }
  segments_.back().is_open = false;
  segments_.back().file.reset();
  if (segments_.back().end_ordinal == segments_.back().first_ordinal) {  // nothing in it was promised
    status_.bytes -= segments_.back().end_offset;
    segments_.pop_back();
    status_.segments = segments_.size();
  }
}

// House-keeping: a segment that cannot be sealed is found open at the next start, and all its rows with it.
void Wal::seal() {
  if (file_ == nullptr) {
    return;
  }
  const std::string from = file_->path();
  Places released;  // so that a log that was closed with nothing left to send has nothing to send
  {
    const MutexLock lock(mutex_);
    released.released = status_.released;
  }
  std::string end = encode_places(released);
  end += encode_footer(totals_);
  const iovec piece{const_cast<char*>(end.data()), end.size()};
  Status status = file_->append({&piece, 1});
  if (status.ok()) {
    status = file_->sync();
  }
  const auto name = SegmentName::parse(from.substr(from.rfind('/') + 1));
  const std::string to = str_cat(options_.folder, '/', SegmentName{name->first_ordinal, SegmentState::kSealed}.text());
  if (status.ok()) {
    status = files_.rename(from, to);
  }
  {
    const MutexLock lock(mutex_);
    Segment& sealed = segments_.back();
    sealed.is_open = false;
    sealed.file.reset();
    if (status.ok()) {
      sealed.path = to;
    }
  }
  file_.reset();
  if (status.ok()) {
    status = files_.sync_folder(options_.folder);
  }
  if (!status.ok()) {
    FLUME_LOG_EVERY(60'000, kWarn, "a segment could not be sealed", kv("segment", from), kv("error", status));
  }
}

void Wal::synced(const std::vector<Queued>& group) {
  uint64_t bytes = 0;
  uint64_t rows = 0;
  uint64_t numbers = 0;
  uint64_t repeated = 0;
  uint64_t body_bytes = 0;
  for (const Queued& item : group) {
    if (item.bytes == 0) {
      repeated += item.batch.rows();
      continue;
    }
    bytes += item.bytes;
    body_bytes += item.batch.body_bytes();
    rows += item.batch.rows();
    numbers += item.batch.hop().span;
    totals_.body_bytes += item.batch.codec() == BlobCodec::kNone ? item.batch.body_bytes() : 0;
    if (has_identity(item.batch)) {
      const auto note = item.batch.token().note();
      held_.advance(item.batch.origin().stream, item.batch.origin().end_position, note ? *note : std::string());
    }
  }
  bool is_dropped = false;
  if (rows > 0) {
    totals_.rows += rows;
    totals_.skipped += static_cast<uint32_t>(numbers - rows);
    const uint64_t written = bytes + group_places_;
    file_bytes_ += written;
    const MutexLock lock(mutex_);
    Segment& segment = segments_.back();
    if (segment.groups.empty() || segment.end_offset >= segment.groups.back().second + kGroupsApart) {
      segment.groups.emplace_back(segment.end_ordinal, segment.end_offset);
    }
    segment.end_ordinal += numbers;
    segment.end_offset += written;
    status_.bytes += written;
    status_.synced += numbers;
    status_.accepted += rows;
    status_.settling = rows;
    status_.accepted_bytes += body_bytes;
    times_.synced(status_.synced, clock_.now(), clock_.wall_millis());
    queued_bytes_ -= bytes;
    is_dropped = drop_released();
  }
  changed_.notify_all();  // readers
  for (const Queued& item : group) {
    item.batch.settle(Outcome::kDelivered);
  }
  {
    const MutexLock lock(mutex_);
    settled_ = group.back().call;
    status_.repeated_settled += repeated;
    status_.settling = 0;
  }
  changed_.notify_all();  // flush()
  if (is_dropped) {
    remove_unwanted();
  }
}

}  // namespace flume::wal

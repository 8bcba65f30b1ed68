#include "common/wal/wal.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/wal/recovery.h"

namespace flume::wal {

namespace {

constexpr size_t kHeadCrcAt = 124;  // in a batch's header
constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(2);
constexpr uint64_t kGroupsApart = 1U << 20;
constexpr std::string_view kZeros{"\0\0\0\0\0\0\0", 7};

// The running hash over what a stream numbered, with these rows: two logs that gave the same numbers to other rows
// differ in it (R6). Never 0, which means none.
uint64_t chained(uint64_t chain, const EventBatch::Encoded& encoded) {
  uint32_t head_crc;
  std::memcpy(&head_crc, static_cast<const char*>(encoded.pieces[0].iov_base) + kHeadCrcAt, sizeof head_crc);
  uint64_t mixed = chain + 0x9E3779B97F4A7C15ULL + head_crc;  // splitmix64's steps
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return (mixed ^ (mixed >> 31)) | 1;
}

// Rows of the batch that begin before this position of their origin stream.
uint32_t rows_before(const EventBatch& batch, uint64_t position) {
  if (batch.origin().position >= position) {
    return 0;
  }
  uint32_t low = 1;
  uint32_t high = batch.rows();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (batch.origin_position(middle) < position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Has its origin a place by which rows that come again are known?
bool has_identity(const EventBatch& batch) { return batch.origin().stream != Id128{} && !batch.multiplied(); }

}  // namespace

Wal::Wal(WalOptions options, FileSystem& files, Clock& clock)
    : options_(sound(std::move(options))),
      files_(files),
      clock_(clock),
      stream_(options_.stream == Id128{} ? random_id() : options_.stream),
      names_(files, options_.folder) {}  // at each opening: numbers that were lost may be given out again (R2)

WalOptions Wal::sound(WalOptions options) {
  // The newest segment always stays, so several of them have to fit below the limit.
  options.segment_bytes = std::max<uint64_t>(1, std::min(options.segment_bytes, options.max_bytes / 4));
  return options;
}

Result<std::unique_ptr<Wal>> Wal::open(WalOptions options, FileSystem& files, Clock& clock, Recovered& recovered) {
  std::unique_ptr<Wal> wal(new Wal(std::move(options), files, clock));
  FLUME_RETURN_IF_ERROR(
      wal->recover(recovered).with_context(str_cat("open the log in ", quoted(wal->options_.folder))));
  wal->thread_ = Thread("wal", [log = wal.get()] { log->run(); });
  return wal;
}

Wal::~Wal() {
  stop_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Status Wal::recover(Recovered& recovered) {
  FLUME_ASSIGN_OR_RETURN(const std::vector<FoundSegment> found, recover_folder(options_, files_, recovered));
  const MutexLock lock(mutex_);
  FLUME_RETURN_IF_ERROR(names_.load());
  for (const FoundSegment& segment : found) {
    segments_.push_back({nullptr, segment.path, segment.first_ordinal, segment.end_ordinal, segment.bytes,
                         segment.created_millis, false});
    status_.bytes += segment.bytes;
    status_.next_ordinal = segment.end_ordinal;
  }
  status_.synced = status_.next_ordinal;
  status_.first_ordinal = status_.next_ordinal;
  const uint64_t oldest = segments_.empty() ? status_.next_ordinal : segments_.front().first_ordinal;
  status_.released = std::clamp(recovered.released, oldest, status_.next_ordinal);
  times_.found(status_.released, status_.next_ordinal, segments_.empty() ? 0 : segments_.front().created_millis);
  missing_ = recovered.missing;
  for (const auto& [stream, place] : recovered.places) {
    held_.advance(stream, place.position, place.note);
    accepted_.advance(stream, place.position, {});
  }
  status_.segments = segments_.size();
  return {};
}

Status Wal::append(const EventBatch& batch) {
  const MutexLock lock(mutex_);
  if (closing_) {
    return stopped();
  }
  FLUME_RETURN_IF_ERROR(room());
  // What a relay's senders send again is known by where it came from, which stands in the same group as the rows (R15).
  const auto held = has_identity(batch) ? accepted_.position(batch.origin().stream) : std::nullopt;
  const uint32_t repeated = held ? rows_before(batch, *held) : 0;
  FLUME_ASSIGN_OR_RETURN(const EventBatch fresh, batch.from(repeated).encodable(options_.limits));
  ++appended_;
  if (queue_.empty()) {
    first_queued_ = std::chrono::steady_clock::now();
  }
  if (has_identity(batch)) {
    accepted_.advance(batch.origin().stream, batch.origin().end_position, {});
  }
  if (repeated > 0) {
    status_.repeated += repeated;
    queue_.push_back({batch.slice(0, repeated), {}, 0, appended_});
  }
  if (repeated < batch.rows()) {
    Queued item;
    const uint32_t span = fresh.hop().span;  // rows that were filtered out have numbers too
    chain_ = chained(chain_, fresh.encoded());
    item.batch = fresh.with_hop({stream_, status_.next_ordinal, chain_, span});
    item.encoded = item.batch.encoded();
    item.bytes = kRecordHeadBytes + item.encoded.size() + padding_after(item.encoded.size());
    status_.next_ordinal += span;
    item.call = appended_;
    queued_bytes_ += item.bytes;
    queue_.push_back(std::move(item));
  }
  changed_.notify_all();
  return {};
}

Status Wal::room() const {
  if (!queue_.empty() && queued_bytes_ >= options_.queue_bytes) {
    return {Code::kBusy, "the disk of the log does not keep up"};
  }
  // With nothing left to send there is always room: the newest segment stays, however large one group has made it,
  // until the next one has rows.
  const bool is_all_sent = status_.released == status_.next_ordinal;
  if (status_.bytes + queued_bytes_ >= options_.max_bytes && !is_all_sent) {
    return {Code::kBusy, str_cat("the log holds its limit of ", options_.max_bytes, " bytes")};
  }
  return {};
}

Status Wal::wait_for_room(const Wait& wait) {
  const MutexLock lock(mutex_);
  for (;;) {
    Status status = room();
    if (status.ok() || closing_) {
      return status;
    }
    if (!changed_.wait(mutex_, wait)) {
      return {wait.stop.stop_requested() ? Code::kStopped : Code::kTimeout, std::string(status.message())};
    }
  }
}

Status Wal::wait_for(uint64_t ordinal, const Wait& wait) {
  const MutexLock lock(mutex_);
  while (status_.synced <= ordinal) {
    if (!changed_.wait(mutex_, wait)) {
      return {wait.stop.stop_requested() ? Code::kStopped : Code::kTimeout, "nothing more is in the log"};
    }
  }
  return {};
}

Status Wal::flush(const Wait& wait) {
  const MutexLock lock(mutex_);
  const uint64_t until = appended_;
  while (settled_ < until) {
    if (!changed_.wait(mutex_, wait)) {
      return {wait.stop.stop_requested() ? Code::kStopped : Code::kTimeout,
              str_cat("sync the log: ", status_.error.empty() ? "not done in time" : status_.error)};
    }
  }
  return {};
}

WalStatus Wal::status() const {
  const MutexLock lock(mutex_);
  WalStatus status = status_;
  status.oldest_millis = times_.oldest_millis();
  return status;
}

Status Wal::close(const Wait& wait) {
  Status flushed = flush(wait);
  {
    const MutexLock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  if (!flushed.ok()) {
    stop_.request_stop();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
  return flushed;
}

Status Wal::wait_released(const Wait& wait) {
  const MutexLock lock(mutex_);
  while (status_.released < status_.synced) {
    if (!changed_.wait(mutex_, wait)) {
      return {wait.stop.stop_requested() ? Code::kStopped : Code::kTimeout, "the log holds rows"};
    }
  }
  return {};
}

void Wal::release(uint64_t ordinal) {
  bool has_unwanted = false;
  {
    const MutexLock lock(mutex_);
    status_.released = std::max(status_.released, std::min(ordinal, status_.synced));
    const bool is_dropped = drop_released();
    if (is_dropped || status_.released >= status_.synced) {
      changed_.notify_all();  // there is room again, or nothing left
    }
    has_unwanted = !unwanted_.empty();
  }
  if (has_unwanted) {
    remove_unwanted();
  }
}

// Segments of which nothing is wanted, behind which there is one that says how far the log held its streams (R4). True:
// there were any.
bool Wal::drop_released() {
  bool is_dropped = false;
  while (segments_.size() > 1 && segments_[0].end_ordinal <= status_.released &&
         segments_[1].end_ordinal > segments_[1].first_ordinal) {
    unwanted_.push_back(segments_.front().path);
    status_.bytes -= segments_.front().end_offset;
    segments_.pop_front();
    is_dropped = true;
  }
  status_.segments = segments_.size();
  return is_dropped;
}

std::optional<std::string> Wal::first_unwanted() const {
  const MutexLock lock(mutex_);
  return unwanted_.empty() ? std::nullopt : std::optional(unwanted_.front());
}

// In order: with one that stays before others that are gone, a start would find a hole. What cannot be removed is tried
// again with the next release.
void Wal::remove_unwanted() {
  const MutexLock one_at_a_time(removing_);
  while (const auto path = first_unwanted()) {
    if (const Status status = files_.remove(*path); !status.ok() && status.code() != Code::kNotFound) {
      FLUME_LOG_EVERY(60'000, kWarn, "a segment that is not needed stays; its removal is tried again",
                      kv("segment", *path), kv("error", status));
      return;
    }
    const MutexLock lock(mutex_);
    unwanted_.pop_front();
  }
}

// ---- the log's thread

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
    if (!changed_.wait(mutex_, {TimePoint::max(), stop_.token()})) {
      return group;
    }
  }
  const Wait together{first_queued_ + options_.group_time, stop_.token()};
  while (!queue_.empty() && queued_bytes_ < options_.group_bytes && !closing_ && changed_.wait(mutex_, together)) {
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
    while (changed_.wait(mutex_, wait)) {
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

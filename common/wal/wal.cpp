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
  const bool begins_group = queue_.empty();
  if (begins_group) {
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
  if (begins_group || queued_bytes_ >= options_.group_bytes) {
    queued_.notify_one();
  }
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
    queued_.notify_one();
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

}  // namespace flume::wal

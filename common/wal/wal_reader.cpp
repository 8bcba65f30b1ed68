// Reading what a log holds while it is written: for its chain, and to compare it with what a far end has.
#include <algorithm>
#include <span>
#include <utility>

#include "common/base/text.h"
#include "common/wal/wal.h"

namespace flume::wal {

namespace {

constexpr size_t kRecordBytes = 320 << 10;  // of most records at full speed: sources read 256 KiB at a time
constexpr size_t kRecordsKept = 8;

}  // namespace

// ---- the far end's word on what it has

Id128 Wal::sent_as(const Id128& stream) const {
  const MutexLock lock(mutex_);
  return names_.name(stream);
}

Result<std::vector<Id128>> Wal::unreleased_streams() {
  std::vector<uint64_t> starts;  // of segments, which hold rows of one stream each
  {
    const MutexLock lock(mutex_);
    for (const Segment& segment : segments_) {
      if (segment.end_ordinal > std::max(segment.first_ordinal, status_.released)) {
        starts.push_back(std::max(segment.first_ordinal, status_.released));
      }
    }
  }
  std::vector<Id128> streams;
  FLUME_RETURN_IF_ERROR(streams_from(starts, streams));
  if (streams.empty() || streams.back() != stream_) {
    streams.push_back(stream_);
  }
  return streams;
}

// Segments of a stream follow each other, so what lies between two of the same stream is not looked at.
Status Wal::streams_from(std::span<const uint64_t> starts, std::vector<Id128>& out) {
  if (starts.empty()) {
    return {};
  }
  FLUME_ASSIGN_OR_RETURN(const Id128 first, stream_at(starts.front()));
  if (out.empty() || out.back() != first) {
    out.push_back(first);
  }
  FLUME_ASSIGN_OR_RETURN(const Id128 last, stream_at(starts.back()));
  if (last == first) {
    return {};
  }
  const size_t half = (starts.size() + 1) / 2;
  FLUME_RETURN_IF_ERROR(streams_from(starts.subspan(1, half - 1), out));
  return streams_from(starts.subspan(half), out);
}

// Of the first row from this one on that can be read.
Result<Id128> Wal::stream_at(uint64_t ordinal) {
  WalReader reader(*this, ordinal);
  FLUME_ASSIGN_OR_RETURN(const auto item, reader.next());
  return item ? item->batch.hop().stream : stream_;
}

Result<Wal::History> Wal::compare(const Id128& stream, uint64_t below, uint64_t chain) {
  uint64_t oldest = 0;
  {
    const MutexLock lock(mutex_);
    if (below > status_.synced) {
      return History::kOther;  // rows are sent when they are synced (R1): somebody else's are there
    }
    oldest = segments_.empty() ? status_.next_ordinal : segments_.front().first_ordinal;
  }
  if (chain == 0 || below <= oldest) {
    return History::kUnknown;
  }
  WalReader reader(*this, below - 1);
  FLUME_ASSIGN_OR_RETURN(const auto item, reader.next());
  if (!item || !item->hole.empty()) {
    return History::kUnknown;
  }
  const Hop hop = item->batch.hop();
  const bool is_same = hop.stream == stream && hop.ordinal + hop.span == below && hop.chain == chain;
  return is_same ? History::kSame : History::kOther;
}

Status Wal::rename_stream(const Id128& stream) {
  const MutexLock lock(mutex_);
  return names_.rename(stream);
}

// ---- reading

std::unique_ptr<WalReader> Wal::reader() {
  const MutexLock lock(mutex_);
  return std::make_unique<WalReader>(*this, status_.released);
}

WalReader::WalReader(Wal& wal, uint64_t from)
    : wal_(wal), pool_(BlobPool::create(kRecordBytes, kRecordsKept)), at_(from), expected_(from) {}

void WalReader::seek(uint64_t ordinal) {
  at_ = ordinal;
  expected_ = ordinal;
  hole_.clear();
  place_.reset();
  damaged_ = 0;
  reader_.reset();
  file_.reset();
}

// Finds the segment that holds row at_, or the next one there is. False: nothing more is synced.
Result<bool> WalReader::find_segment() {
  std::string path;
  uint64_t start_offset = kHeaderBytes;
  uint64_t end_offset = 0;
  {
    const MutexLock lock(wal_.mutex_);
    const auto found = std::find_if(wal_.segments_.begin(), wal_.segments_.end(),
                                    [this](const Wal::Segment& segment) { return at_ < segment.end_ordinal; });
    if (found == wal_.segments_.end()) {
      return false;
    }
    if (at_ < found->first_ordinal) {
      hole_ = str_cat("rows ", at_, " to ", found->first_ordinal - 1, " are not in the log");
      place_ = Missing{0, 0, found->path, kHeaderBytes, 0, std::string(kNoSegment)};
      at_ = found->first_ordinal;
    }
    end_offset = found->end_offset;  // as far as it is synced: nothing else is sent (R1)
    path = found->path;
    if (reader_ && first_ == found->first_ordinal) {
      reader_->set_limit(end_offset);
      return true;
    }
    first_ = found->first_ordinal;
    file_ = found->file;
    for (const auto& [ordinal, offset] : found->groups) {
      start_offset = ordinal <= at_ ? offset : start_offset;
    }
  }
  if (file_ == nullptr) {
    FLUME_ASSIGN_OR_RETURN(file_, wal_.files_.open(path));
  }
  reader_ = std::make_unique<SegmentReader>(*file_, wal_.options_.limits, end_offset, pool_);
  reader_->seek(start_offset);
  return true;
}

Result<std::optional<WalReader::Item>> WalReader::next() {
  while (true) {
    FLUME_ASSIGN_OR_RETURN(const bool is_there, find_segment());
    if (!is_there) {
      return std::optional<Item>();
    }
    FLUME_ASSIGN_OR_RETURN(const SegmentReader::Item record, reader_->next());
    if (record.kind == SegmentReader::Kind::kDamaged) {
      hole_ = str_cat(record.end_offset - record.offset, " bytes at ", record.offset, " of ", quoted(file_->path()),
                      ": ", record.why);
      place_ = Missing{0, 0, file_->path(), record.offset, record.end_offset - record.offset, record.why};
      damaged_ += record.end_offset - record.offset;
      continue;
    }
    if (record.kind == SegmentReader::Kind::kPlaces) {
      continue;
    }
    if (record.kind != SegmentReader::Kind::kBatch) {
      end_segment(record);
      continue;
    }
    const Hop hop = record.batch.hop();
    const uint64_t end = hop.ordinal + hop.span;
    if (end <= at_) {
      continue;
    }
    uint32_t skip = 0;
    while (skip < record.batch.rows() && record.batch.hop_ordinal(skip) < at_) {
      ++skip;
    }
    at_ = end;
    if (skip == record.batch.rows()) {
      continue;
    }
    Item item{record.batch.from(skip), std::exchange(hole_, {}), missing_before(hop.ordinal, record.offset),
              std::exchange(damaged_, 0)};
    expected_ = end;
    return std::optional(std::move(item));
  }
}

// Whatever the segment should have had and has not is gone.
void WalReader::end_segment(const SegmentReader::Item& last) {
  damaged_ += last.kind == SegmentReader::Kind::kTorn ? last.end_offset - last.offset : 0;
  const MutexLock lock(wal_.mutex_);
  for (const Wal::Segment& segment : wal_.segments_) {
    if (segment.first_ordinal == first_ && at_ < segment.end_ordinal) {
      hole_ = str_cat("rows ", at_, " to ", segment.end_ordinal - 1, " are not in ", quoted(segment.path));
      if (!place_) {
        place_ = Missing{0, 0, segment.path, last.offset, 0, std::string(kNoRecord)};
      }
      at_ = segment.end_ordinal;
    }
  }
  reader_.reset();
}

// What is known of the rows between those that were given out and row `ordinal`, whose record is at `offset`.
std::optional<Missing> WalReader::missing_before(uint64_t ordinal, uint64_t offset) {
  std::optional<Missing> place = std::exchange(place_, {});
  if (ordinal <= expected_) {
    return std::nullopt;
  }
  // What recovery found to be damaged it left out.
  const auto found = std::find_if(wal_.missing_.begin(), wal_.missing_.end(), [&](const Missing& missing) {
    return missing.first < ordinal && expected_ < missing.end;
  });
  if (found != wal_.missing_.end()) {
    place = *found;
  } else if (!place) {
    place = Missing{0, 0, file_->path(), offset, 0, std::string(kNoRecord)};
  }
  place->first = expected_;
  place->end = ordinal;
  return place;
}

}  // namespace flume::wal

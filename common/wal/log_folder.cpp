#include "common/wal/log_folder.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"

namespace flume::wal {

namespace {

constexpr std::string_view kErrorFolder = "error";
constexpr std::string_view kNoFooter = "a sealed segment without its footer";

std::string joined(std::string_view folder, std::string_view name) {
  return str_cat(folder, folder.ends_with('/') ? "" : "/", name);
}

Result<std::vector<KeptBytes>> kept_in(const std::string& folder, FileSystem& files, bool& is_there) {
  std::vector<KeptBytes> kept;
  const auto names = files.list(folder);
  is_there = names.ok();
  if (!names.ok()) {
    return names.status().os_error() == ENOENT || names.status().code() == Code::kNotFound
               ? Result<std::vector<KeptBytes>>(kept)
               : names.status();
  }
  for (const std::string& name : *names) {
    const std::string path = joined(folder, name);
    FLUME_ASSIGN_OR_RETURN(const std::unique_ptr<LogFile> file, files.open(path));
    FLUME_ASSIGN_OR_RETURN(const uint64_t bytes, file->size());
    kept.push_back({path, bytes});
  }
  return kept;
}

bool is_gone(const Status& status) { return status.code() == Code::kNotFound || status.os_error() == ENOENT; }

// A segment under the name it was listed by, or the other one, which it got when it was sealed meanwhile or while a
// recovery replaces it. Null: it is gone.
Result<std::unique_ptr<LogFile>> open_any(const LogSegment& segment, FileSystem& files) {
  auto file = files.open(segment.path);
  if (file.ok() || !is_gone(file.status())) {
    return file;
  }
  const std::string folder = segment.path.substr(0, segment.path.rfind('/') + 1);
  const bool was_open = segment.name.state == SegmentState::kOpen;
  const SegmentState other = was_open ? SegmentState::kSealed : SegmentState::kOpen;
  file = files.open(folder + SegmentName{segment.name.first_ordinal, other}.text());
  return file.ok() || !is_gone(file.status()) ? std::move(file) : std::unique_ptr<LogFile>();
}

SegmentState state_of(const LogFile& file) {
  return file.path().ends_with(".sealed") ? SegmentState::kSealed : SegmentState::kOpen;
}

// What is wrong with the start of a segment; nothing: the header is good.
Result<std::optional<Finding>> look_at_header(const LogFile& file, const SegmentReader& reader, const SegmentName& name,
                                              std::optional<SegmentHeader>& header) {
  auto read = reader.header();
  if (read.ok() && read->first_ordinal == name.first_ordinal) {
    header = *read;
    return std::optional<Finding>();
  }
  if (!read.ok() && read.status().code() != Code::kCorrupt) {
    return read.status();
  }
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, file.size());
  Finding finding{Finding::Kind::kDamage, file.path(), 0, std::min<uint64_t>(size, kHeaderBytes), ""};
  if (read.ok()) {
    finding.why = str_cat("its header says that the first row is ", read->first_ordinal);
    return std::optional(finding);
  }
  finding.why = read.status().message();
  std::string head(static_cast<size_t>(finding.bytes), '\0');
  FLUME_RETURN_IF_ERROR(file.read_at(0, std::span(head.data(), head.size())).status());
  if (state_of(file) == SegmentState::kOpen && size <= kHeaderBytes &&
      (size < kHeaderBytes || head.find_first_not_of('\0') == std::string::npos)) {
    finding.kind = Finding::Kind::kTorn;  // its writer ended before the first sync
  }
  return std::optional(finding);
}

}  // namespace

Result<LogFolder> look_at_folder(const std::string& folder, FileSystem& files) {
  FLUME_ASSIGN_OR_RETURN(const std::vector<std::string> listed, files.list(folder));
  std::vector<SegmentName> names;
  bool is_log = false;
  for (const std::string& name : listed) {
    if (const auto segment = SegmentName::parse(name)) {
      names.push_back(*segment);
    }
  }
  std::sort(names.begin(), names.end(), [](const SegmentName& a, const SegmentName& b) {
    return std::pair(a.first_ordinal, a.state == SegmentState::kOpen) <
           std::pair(b.first_ordinal, b.state == SegmentState::kOpen);
  });
  LogFolder found;
  FLUME_ASSIGN_OR_RETURN(found.kept, kept_in(joined(folder, kErrorFolder), files, is_log));
  for (const SegmentName& name : names) {
    if (!found.segments.empty() && found.segments.back().name.first_ordinal == name.first_ordinal) {
      continue;  // the open file that the sealed one was made from
    }
    if (!found.segments.empty()) {
      found.segments.back().rows_below = name.first_ordinal;
    }
    found.segments.push_back({joined(folder, name.text()), name, UINT64_MAX});
  }
  if (found.segments.empty() && !is_log) {
    return Status(Code::kNotFound, str_cat("look for a log in ", quoted(folder), ": it has no segments"));
  }
  return found;
}

std::string Finding::text() const {
  if (kind == Kind::kHole) {
    return str_cat(quoted(path), ": ", why);
  }
  return str_cat(quoted(path), ", byte ", offset, ", ", bytes, bytes == 1 ? " byte: " : " bytes: ", why);
}

LogWalk::LogWalk(LogFolder folder, FileSystem& files, const BatchLimits& limits)
    : folder_(std::move(folder)), files_(files), limits_(limits) {}

void LogWalk::seek(uint64_t ordinal) {
  from_ = ordinal;
  at_ = 0;
  while (at_ + 1 < folder_.segments.size() && segment().rows_below <= ordinal) {
    ++at_;
  }
  expected_.reset();
  found_.clear();
  reader_.reset();
  file_.reset();
}

Result<LogWalk::Item> LogWalk::next() {
  for (;;) {
    if (!found_.empty()) {
      Item item = std::move(found_.front());
      found_.pop_front();
      return item;
    }
    if (at_ == folder_.segments.size()) {
      return Item{};
    }
    if (reader_ == nullptr) {
      FLUME_RETURN_IF_ERROR(open_segment());
      continue;
    }
    FLUME_ASSIGN_OR_RETURN(SegmentReader::Item item, reader_->next());
    switch (item.kind) {
      case SegmentReader::Kind::kBatch: take(std::move(item)); break;
      case SegmentReader::Kind::kPlaces:
        if (has_footer_) {
          find(Finding::Kind::kDamage, item.offset, item.end_offset - item.offset, "a record behind the footer");
        }
        break;
      case SegmentReader::Kind::kFooter: take_footer(item); break;
      case SegmentReader::Kind::kDamaged:
        find(Finding::Kind::kDamage, item.offset, item.end_offset - item.offset, std::move(item.why));
        break;
      case SegmentReader::Kind::kTorn:
      case SegmentReader::Kind::kEnd: end_segment(item); break;
    }
  }
}

Status LogWalk::open_segment() {
  FLUME_ASSIGN_OR_RETURN(file_, open_any(segment(), files_));
  if (file_ == nullptr) {  // its rows are at the far end
    expected_.reset();
    ++at_;
    return {};
  }
  reader_ = std::make_unique<SegmentReader>(*file_, limits_);
  totals_ = {};
  has_footer_ = false;
  is_damaged_ = false;
  const uint64_t first = segment().name.first_ordinal;
  if (expected_ && *expected_ < first && first > from_) {
    find(Finding::Kind::kHole, 0, 0, str_cat("rows ", *expected_, " to ", first - 1, " are missing before it"));
  }
  expected_ = std::max(expected_.value_or(first), first);
  std::optional<SegmentHeader> header;
  FLUME_ASSIGN_OR_RETURN(const auto finding, look_at_header(*file_, *reader_, segment().name, header));
  if (finding) {
    find(finding->kind, finding->offset, finding->bytes, finding->why);
  }
  return {};
}

void LogWalk::end_segment(const SegmentReader::Item& item) {
  const bool is_sealed = state_of(*file_) == SegmentState::kSealed;
  if (item.kind == SegmentReader::Kind::kTorn) {
    find(is_sealed || has_footer_ ? Finding::Kind::kDamage : Finding::Kind::kTorn, item.offset,
         item.end_offset - item.offset, item.why);
  } else if (is_sealed && !has_footer_) {
    const auto size = file_->size();
    find(Finding::Kind::kDamage, size.ok() ? std::min(item.offset, *size) : item.offset, 0, std::string(kNoFooter));
  }
  reader_.reset();
  file_.reset();
  ++at_;
}

void LogWalk::take_footer(const SegmentReader::Item& item) {
  if (has_footer_) {
    find(Finding::Kind::kDamage, item.offset, item.end_offset - item.offset, "a second footer");
  } else if (!is_damaged_ && item.totals != totals_) {
    find(Finding::Kind::kDamage, item.offset, item.end_offset - item.offset,
         str_cat("the footer tells of ", item.totals.rows, " rows with ", item.totals.body_bytes,
                 " bytes of bodies, the records of ", totals_.rows, " with ", totals_.body_bytes));
  }
  has_footer_ = true;
}

void LogWalk::take(SegmentReader::Item item) {
  const Hop hop = item.batch.hop();
  const uint64_t end = hop.ordinal + hop.span;
  totals_.rows += item.batch.rows();
  totals_.skipped += item.batch.hop().span - item.batch.rows();
  totals_.body_bytes += item.batch.codec() == BlobCodec::kNone ? item.batch.body_bytes() : 0;
  if (has_footer_) {
    find(Finding::Kind::kDamage, item.offset, item.end_offset - item.offset, "a record behind the footer");
  }
  if (end > segment().rows_below) {
    return;  // not synced when this file's life ended, and written again in the next
  }
  if (hop.ordinal < *expected_ && !has_footer_) {
    find(Finding::Kind::kDamage, item.offset, item.end_offset - item.offset,
         str_cat("its rows are ", hop.ordinal, " to ", end - 1, ", and those before ", *expected_, " were there"));
  } else if (hop.ordinal > *expected_ && hop.ordinal > from_) {
    find(Finding::Kind::kHole, item.offset, 0,
         str_cat("rows ", *expected_, " to ", hop.ordinal - 1, " are missing before byte ", item.offset));
  }
  const uint64_t first_wanted = std::max(from_, std::min(*expected_, end));
  expected_ = std::max(*expected_, end);
  uint32_t skipped = 0;
  while (skipped < item.batch.rows() && item.batch.hop_ordinal(skipped) < first_wanted) {
    ++skipped;
  }
  if (skipped == item.batch.rows()) {
    return;
  }
  Item rows;
  rows.kind = Kind::kRows;
  rows.segment = at_;
  rows.end_offset = item.end_offset;
  rows.batch = skipped == 0 ? std::move(item.batch) : item.batch.from(skipped);
  found_.push_back(std::move(rows));
}

void LogWalk::find(Finding::Kind kind, uint64_t offset, uint64_t bytes, std::string why) {
  is_damaged_ = is_damaged_ || kind == Finding::Kind::kDamage;
  Item item;
  item.kind = Kind::kFinding;
  item.segment = at_;
  item.finding = {kind, file_->path(), offset, bytes, std::move(why)};
  found_.push_back(std::move(item));
}

Result<std::optional<SegmentSummary>> summarize(const LogSegment& segment, FileSystem& files,
                                                const BatchLimits& limits) {
  FLUME_ASSIGN_OR_RETURN(const std::unique_ptr<LogFile> file, open_any(segment, files));
  if (file == nullptr) {
    return std::optional<SegmentSummary>();
  }
  SegmentSummary summary;
  summary.path = file->path();
  summary.name = {segment.name.first_ordinal, state_of(*file)};
  summary.end_ordinal = segment.name.first_ordinal;
  FLUME_ASSIGN_OR_RETURN(summary.bytes, file->size());
  SegmentReader reader(*file, limits);
  FLUME_ASSIGN_OR_RETURN(const auto finding, look_at_header(*file, reader, segment.name, summary.header));
  if (finding) {
    summary.findings.push_back(*finding);
  }
  if (summary.name.state == SegmentState::kSealed && summary.bytes >= kHeaderBytes + kFooterBytes) {
    reader.seek(summary.bytes - kFooterBytes);
    FLUME_ASSIGN_OR_RETURN(const SegmentReader::Item item, reader.next());
    if (item.kind == SegmentReader::Kind::kFooter) {
      summary.rows = item.totals.rows;
      summary.end_ordinal += item.totals.numbers();
      return std::optional(std::move(summary));
    }
  }
  LogFolder alone;
  alone.segments.push_back(segment);
  summary.findings.clear();
  LogWalk walk(std::move(alone), files, limits);
  for (;;) {
    FLUME_ASSIGN_OR_RETURN(LogWalk::Item item, walk.next());
    if (item.kind == LogWalk::Kind::kEnd) {
      return std::optional(std::move(summary));
    }
    if (item.kind == LogWalk::Kind::kFinding) {
      summary.findings.push_back(std::move(item.finding));
      continue;
    }
    summary.rows += item.batch.rows();
    summary.end_ordinal = item.batch.hop().ordinal + item.batch.hop().span;
  }
}

}  // namespace flume::wal

#include "node/tailing/file_reader.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/fault.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kLeastRead = 64 << 10;      // when most of a batch is an unfinished line already
constexpr size_t kKeptWhileSkipping = 1024;  // a delimiter may lie across two reads
// So many equal first bytes make a shorter file what is left of the old one, not a new one.
constexpr uint64_t kSurelyTheSame = 256;
constexpr char kNewline = '\n';

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void FileReader::Recent::append(std::string_view bytes) {
  if (bytes.size() >= bytes_.size()) {
    std::memcpy(bytes_.data(), bytes.data() + bytes.size() - bytes_.size(), bytes_.size());
    size_ = bytes_.size();
    return;
  }
  const size_t keep = std::min(size_, bytes_.size() - bytes.size());
  std::memmove(bytes_.data(), bytes_.data() + size_ - keep, keep);
  std::memcpy(bytes_.data() + keep, bytes.data(), bytes.size());
  size_ = keep + bytes.size();
}

FileReader::FileReader(const ReaderOptions& options, ReadProgress& progress, UniqueFd fd, ReadPoint point)
    : options_(options), progress_(progress), fd_(std::move(fd)), point_(std::move(point)) {}

Result<std::unique_ptr<FileReader>> FileReader::open(const ReaderOptions& options, ReadProgress& progress, UniqueFd fd,
                                                     ReadPoint point) {
  const ReadMark mark = point.mark;
  std::unique_ptr<FileReader> reader(new FileReader(options, progress, std::move(fd), std::move(point)));
  FLUME_RETURN_IF_ERROR(reader->go_to(mark));
  return reader;
}

Status FileReader::go_to(const ReadMark& mark) {
  const uint64_t offset = mark.print.offset;
  FLUME_ASSIGN_OR_RETURN(head_, read_at(fd_.fd(), 0, std::min<uint64_t>(offset, kHeadBytes)));
  const size_t recent_bytes = std::min<uint64_t>(offset, kRecentBytes);
  FLUME_ASSIGN_OR_RETURN(const std::string recent, read_at(fd_.fd(), offset - recent_bytes, recent_bytes));
  row_recent_.clear();
  row_recent_.append(recent);
  read_recent_ = row_recent_;
  point_.mark = mark;
  read_to_ = offset;
  held_.clear();
  cut_to_ = 0;
  builder_.reset();
  skip_first_ = mark.skipping && !options_.cutter;
  return {};
}

void FileReader::set_path(const std::string& path) {
  if (path != point_.path) {
    point_.path = path;
    if (builder_) {
      builder_->set_constant("tailSrcFile", base_name(path));
    }
    progress_.moved(point_.stream, path);
  }
}

BatchBuilder& FileReader::builder() {
  if (!builder_) {
    BuilderOptions made;
    made.origin.node = options_.node;
    made.origin.stream = point_.stream;
    made.origin.boot_epoch = options_.boot_epoch;
    made.origin.counts_bytes = !options_.cutter;
    made.origin.position = options_.cutter ? point_.mark.rows : point_.mark.print.offset;
    made.host = options_.host;
    made.limits = options_.limits;
    made.oversize = options_.oversize;
    made.pool = options_.pool;
    oversized_rows_ = discarded_bytes_ = 0;
    builder_.emplace(std::move(made));
    builder_->set_constant("tailSrcFile", base_name(point_.path));
  }
  return *builder_;
}

uint64_t FileReader::head_hash(uint64_t offset) const {
  return hash_bytes(std::string_view(head_).substr(0, std::min<uint64_t>(offset, kHeadBytes)));
}

Result<uint64_t> FileReader::known_part(uint64_t size) const {
  if (size < kSurelyTheSame || size >= read_to_) {
    return uint64_t{0};
  }
  FLUME_ASSIGN_OR_RETURN(const Fingerprint print, fingerprint_of(fd_.fd(), size));
  return print.head == head_hash(size) ? size : uint64_t{0};
}

Fingerprint FileReader::read_print() const { return {read_to_, head_hash(read_to_), hash_bytes(read_recent_.view())}; }

Result<FileReader::Fill> FileReader::fill(char* to, size_t want, size_t& got) {
  FLUME_RETURN_IF_ERROR(fault_point("tail.read"));
  std::array<char, kRecentBytes> before;
  const std::string_view expected = read_recent_.view();
  const std::array<iovec, 2> pieces{iovec{before.data(), expected.size()}, iovec{to, want}};
  ssize_t n = 0;
  do {
    n = ::preadv(fd_.fd(), pieces.data(), pieces.size(), static_cast<off_t>(read_to_ - expected.size()));
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return Status::from_errno(errno, str_cat("read ", quoted(point_.path)));
  }
  const auto bytes = static_cast<size_t>(n);
  if (bytes < expected.size() || std::memcmp(before.data(), expected.data(), expected.size()) != 0) {
    return Fill::kReplaced;
  }
  got = bytes - expected.size();
  if (got == 0) {
    return Fill::kEnd;
  }
  const std::string_view fresh(to, got);
  if (head_.size() < kHeadBytes) {
    head_.append(fresh.substr(0, kHeadBytes - head_.size()));
  }
  read_recent_.append(fresh);
  read_to_ += got;
  return Fill::kBytes;
}

Result<FileReader::State> FileReader::read(EventBatch& out) {
  if (skip_first_) {
    FLUME_ASSIGN_OR_RETURN(const State state, skip_rest());
    if (state != State::kRows) {
      return state;
    }
  }
  return options_.cutter ? read_records(out) : read_lines(out);
}

Result<FileReader::State> FileReader::read_lines(EventBatch& out) {
  for (;;) {
    if (builder().has_uncut() && commit(0) > 0) {
      hand_out_lines(out);
      return State::kRows;
    }
    const std::span<char> space = builder().space(kLeastRead);
    size_t got = 0;
    FLUME_ASSIGN_OR_RETURN(const Fill filled, fill(space.data(), std::min(space.size(), kReadBytes), got));
    if (filled == Fill::kReplaced) {
      return State::kReplaced;
    }
    if (filled == Fill::kEnd) {
      if (builder().unfinished_bytes() == 0 && !point_.mark.skipping) {
        builder_.reset();  // an idle file holds no buffer
      } else {
        commit(0);
      }
      return State::kEnd;
    }
    if (commit(got) > 0) {
      hand_out_lines(out);
      return State::kRows;
    }
  }
}

uint32_t FileReader::commit(size_t bytes) {
  const uint32_t rows = builder_->commit_lines(bytes, options_.clock->wall_millis(), options_.clock->monotonic_nanos());
  const uint64_t discarded = builder_->discarded_bytes();
  options_.cut_bytes->add(discarded - std::exchange(discarded_bytes_, discarded));
  return rows;
}

// After a restart: the rest of a line that was cut, up to and with its newline. kRows: it is behind us.
Result<FileReader::State> FileReader::skip_rest() {
  std::string buffer(kLeastRead, '\0');
  for (;;) {
    size_t got = 0;
    FLUME_ASSIGN_OR_RETURN(const Fill filled, fill(buffer.data(), buffer.size(), got));
    if (filled != Fill::kBytes) {
      return filled == Fill::kEnd ? State::kEnd : State::kReplaced;
    }
    const std::string_view fresh(buffer.data(), got);
    const size_t newline = fresh.find(kNewline);
    const std::string_view skipped = fresh.substr(0, newline == std::string_view::npos ? got : newline + 1);
    options_.cut_bytes->add(skipped.size());
    pass_over(skipped);
    if (newline != std::string_view::npos) {
      ReadMark mark = point_.mark;
      mark.skipping = false;
      FLUME_RETURN_IF_ERROR(go_to(mark));
      return State::kRows;
    }
  }
}

// The place moves behind these bytes, which follow it in the file.
void FileReader::pass_over(std::string_view bytes) {
  ReadMark& mark = point_.mark;
  row_recent_.append(bytes);
  if (mark.print.offset < kHeadBytes) {
    mark.print.head = head_hash(mark.print.offset + bytes.size());
  }
  mark.print.offset += bytes.size();
  mark.print.recent = hash_bytes(row_recent_.view());
}

void FileReader::issue(EventBatch& out, const EventBatch& batch) {
  point_.mark.rows += batch.rows();
  out = batch.with_token(progress_.issue(point_.stream, point_.mark, batch.rows(), batch.body_bytes()));
}

// What the builder holds becomes a batch; the place moves behind it.
void FileReader::hand_out_lines(EventBatch& out) {
  const EventBatch batch = builder().seal({});
  const uint64_t oversized = builder().oversized_rows();
  const bool too_long = oversized != std::exchange(oversized_rows_, oversized);
  options_.long_lines->add(too_long ? 1 : 0);
  ReadMark& mark = point_.mark;
  if (batch.origin().position == mark.print.offset) {
    pass_over(batch.blob());
  } else {  // behind the rest of a line that was cut, which nobody has any more
    mark.print.offset = batch.origin().end_position;
    mark.print.head = head_hash(mark.print.offset);
    const size_t recent = std::min<uint64_t>(mark.print.offset, kRecentBytes);
    const auto bytes = read_at(fd_.fd(), mark.print.offset - recent, recent);
    row_recent_.clear();
    row_recent_.append(bytes.ok() ? std::string_view(*bytes) : batch.blob());
    mark.print.recent = hash_bytes(row_recent_.view());
  }
  mark.skipping = too_long && options_.oversize == Oversize::kCut;
  issue(out, batch);
}

void FileReader::hand_out_records(EventBatch& out) {
  const EventBatch batch = builder().seal({});
  drop_cut_records();
  issue(out, batch);
}

void FileReader::drop_cut_records() {
  pass_over(std::string_view(held_).substr(0, cut_to_));
  held_.erase(0, cut_to_);
  cut_to_ = 0;
}

bool FileReader::finish(EventBatch& out) {
  if (options_.cutter) {
    if (!cut_records(true)) {
      return false;
    }
    hand_out_records(out);
    return true;
  }
  if (skip_first_ || !builder_) {
    return false;
  }
  if (commit(0) == 0) {
    builder_->finish_line(options_.clock->wall_millis(), options_.clock->monotonic_nanos());
  }
  if (builder_->rows() == 0) {
    return false;
  }
  hand_out_lines(out);
  return true;
}

Result<FileReader::State> FileReader::read_records(EventBatch& out) {
  for (;;) {
    if (cut_records(false)) {
      hand_out_records(out);
      return State::kRows;
    }
    drop_cut_records();  // of a record that is cut
    const size_t have = held_.size();
    held_.resize(have + kReadBytes);
    size_t got = 0;
    auto filled = fill(held_.data() + have, kReadBytes, got);
    held_.resize(have + (filled.ok() && *filled == Fill::kBytes ? got : 0));
    if (!filled.ok()) {
      return filled.status();
    }
    if (*filled != Fill::kBytes) {
      return *filled == Fill::kEnd ? State::kEnd : State::kReplaced;
    }
  }
}

// Moves whole records from held_ into the builder, until it is full. True: it has rows.
bool FileReader::cut_records(bool at_end) {
  const size_t limit = options_.limits.event_bytes;
  bool& skipping = point_.mark.skipping;
  while (!builder().full()) {
    const std::string_view text = std::string_view(held_).substr(cut_to_);
    const auto record = options_.cutter->first(text, at_end);
    if (record && skipping) {
      options_.cut_bytes->add(record->end);
      cut_to_ += record->consumed;
      skipping = false;
      continue;
    }
    if (record && record->end - record->begin <= limit) {
      if (!add_record(text.substr(record->begin, record->end - record->begin), record->consumed)) {
        break;
      }
      continue;
    }
    if (skipping) {
      const size_t drop = text.size() - std::min(text.size(), kKeptWhileSkipping);
      options_.cut_bytes->add(drop);
      cut_to_ += drop;
    } else if (text.size() > limit) {
      if (!add_record(text.substr(0, limit), limit)) {
        break;
      }
      options_.long_lines->add(1);
      skipping = options_.oversize == Oversize::kCut;
      continue;
    } else if (at_end && !text.empty()) {
      if (!add_record(text, text.size())) {
        break;
      }
      continue;
    }
    break;
  }
  return builder().rows() > 0;
}

bool FileReader::add_record(std::string_view body, size_t consumed) {
  Event event;
  event.timestamp = options_.clock->wall_millis();
  event.nanos = options_.clock->monotonic_nanos();
  event.host = options_.host;
  event.body = body;
  if (!builder().add(event)) {
    return false;
  }
  cut_to_ += consumed;
  return true;
}

}  // namespace flume::node

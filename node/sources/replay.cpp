// replay(file[, format]) — events from a file that an output format wrote, with all their metadata, so that a captured
// stream can be run again. A line that is no event is counted and left out, not read as something else.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/event/format_reader.h"
#include "common/io/posix.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr size_t kChunk = 256 << 10;
// A byte can become six characters of JSON, and an event may have many attributes; a longer line is none.
constexpr size_t kMaxLineFactor = 16;

// The lines of a file with their places, read in chunks.
class LineReader {
 public:
  struct Line {
    std::string_view text;  // without its end; valid until the next call
    uint64_t end = 0;       // offset behind its end
    bool too_long = false;  // text is only its start
  };
  LineReader(std::string path, size_t max_line) : path_(std::move(path)), max_line_(max_line) {}

  Status open() {
    FLUME_ASSIGN_OR_RETURN(fd_, open_file(path_, O_RDONLY));
    struct stat info {};
    if (fstat(fd_.fd(), &info) != 0) {
      return Status::from_errno(errno, str_cat("open ", quoted(path_)));
    }
    return S_ISDIR(info.st_mode) ? Status::from_errno(EISDIR, str_cat("open ", quoted(path_))) : Status();
  }
  void close() { fd_.reset(); }

  Status seek(uint64_t offset) {
    if (lseek(fd_.fd(), static_cast<off_t>(offset), SEEK_SET) < 0) {
      return Status::from_errno(errno, str_cat("go back in ", quoted(path_)));
    }
    offset_ = offset;
    buffer_.clear();
    at_ = 0;
    at_end_ = false;
    return {};
  }

  // Nothing at the end of the file. A last line without its end is one too.
  Result<std::optional<Line>> next() {
    bool too_long = false;
    for (;;) {
      const std::string_view rest = std::string_view(buffer_).substr(at_);
      const size_t size = rest.find('\n');
      if (size != std::string_view::npos || (at_end_ && !rest.empty())) {
        const size_t taken = size == std::string_view::npos ? rest.size() : size + 1;
        at_ += taken;
        offset_ += taken;
        return std::optional(Line{rest.substr(0, std::min(size, rest.size())), offset_, too_long});
      }
      if (at_end_) {
        return too_long ? std::optional(Line{{}, offset_, true}) : std::optional<Line>();
      }
      if (rest.size() > max_line_) {  // goes on without keeping it
        too_long = true;
        offset_ += rest.size();
        at_ = buffer_.size();
      }
      FLUME_RETURN_IF_ERROR(fill());
    }
  }

 private:
  Status fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t had = buffer_.size();
    buffer_.resize(had + kChunk);
    ssize_t got = 0;
    do {
      got = read(fd_.fd(), buffer_.data() + had, kChunk);
    } while (got < 0 && errno == EINTR);
    const int error = errno;
    buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    at_end_ = got == 0;
    return got < 0 ? Status::from_errno(error, str_cat("read ", quoted(path_))) : Status();
  }

  const std::string path_;
  const size_t max_line_;
  UniqueFd fd_;
  std::string buffer_;
  size_t at_ = 0;        // in buffer_
  uint64_t offset_ = 0;  // in the file, of at_
  bool at_end_ = false;
};

class ReplaySource final : public Source {
 public:
  ReplaySource(std::string path, ReplayFormat format) : path_(std::move(path)), format_(format) {}

  Status open(Context& context, const Wait&) override {
    context_ = &context;
    unreadable_ = &context.metrics.counter("flume_lines_unreadable_total");
    reader_.emplace(path_, kMaxLineFactor * context.limits.event_bytes);
    FLUME_RETURN_IF_ERROR(reader_->open());
    tracker_ = AckTracker::create(0);
    origin_ = new_origin(context);
    next_event_.reset();
    read_to_ = 0;
    marks_.clear();
    start(0, 0);
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    Status failure;
    bool at_end = false;
    while (!builder_->full() && !wait.stop.stop_requested()) {
      failure = read_event();
      if (!failure.ok()) {
        break;
      }
      at_end = !next_event_.has_value();
      if (at_end || !builder_->add(*next_event_)) {
        break;
      }
      next_event_.reset();
      filled_to_ = read_to_;
    }
    if (builder_->rows() > 0) {
      out = seal();
      return Next::kBatch;
    }
    if (!failure.ok()) {
      return failure;
    }
    if (at_end && filled_to_ < read_to_) {
      filled_to_ = read_to_;  // unreadable lines at the end
      issue(0, 0);
    }
    return at_end ? Next::kEnd : Next::kNothingYet;
  }

  Result<bool> rewind() override {
    const uint64_t settled = tracker_->settled();
    FLUME_RETURN_IF_ERROR(reader_->seek(settled));
    tracker_->rewound();
    next_event_.reset();
    read_to_ = settled;
    forget_settled_marks();
    start(settled, marks_.empty() ? 0 : marks_.front().row);
    marks_.resize(std::min<size_t>(marks_.size(), 1));
    return true;
  }

  Status close(const Wait&) override {
    if (reader_) {
      reader_->close();
    }
    return {};
  }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ == nullptr ? std::vector<std::shared_ptr<AckTracker>>() : std::vector{tracker_};
  }

 private:
  // Rows are numbered in their stream, tokens carry offsets in the file.
  void start(uint64_t offset, uint64_t row) {
    BuilderOptions options;
    options.origin = origin_;
    options.origin.position = row;
    options.origin.end_position = row;
    options.limits = context_->limits;
    builder_.emplace(std::move(options));
    filled_to_ = offset;
  }

  // Reads lines until one is an event, into next_event_; nothing in it: the end of the file.
  Status read_event() {
    while (!next_event_) {
      FLUME_ASSIGN_OR_RETURN(const auto line, reader_->next());
      if (!line) {
        return {};
      }
      read_to_ = line->end;
      if (!line->too_long && trim(line->text).empty()) {
        continue;
      }
      Result<Event> event = line->too_long ? Status(Code::kNoSpace, "event: the line is too long for one")
                                           : read_event_line(format_, line->text, context_->limits);
      const Status usable = event.ok() ? BatchBuilder::check(*event, context_->limits) : event.status();
      if (usable.ok()) {
        next_event_ = std::move(*event);
        return {};
      }
      unreadable_->add(1);
      FLUME_LOG_EVERY(60'000, kWarn, "a line is no event and was left out", kv("file", path_),
                      kv("before_offset", line->end), kv("reason", usable));
    }
    return {};
  }

  EventBatch seal() {
    const EventBatch batch = builder_->seal({});
    return batch.with_token(issue(batch.rows(), batch.body_bytes()));
  }

  AckToken issue(uint32_t rows, uint64_t bytes) {
    forget_settled_marks();
    marks_.push_back({filled_to_, builder_->end_position()});
    return tracker_->issue(filled_to_, rows, bytes);
  }

  // The first mark is where settled() is, if that is not the start of the file.
  void forget_settled_marks() {
    const uint64_t settled = tracker_->settled();
    while (!marks_.empty() && marks_.front().offset < settled) {
      marks_.pop_front();
    }
  }

  const std::string path_;
  const ReplayFormat format_;
  Context* context_ = nullptr;
  Counter* unreadable_ = nullptr;
  Origin origin_;
  std::shared_ptr<AckTracker> tracker_;  // positions are offsets in the file
  std::optional<LineReader> reader_;
  std::optional<BatchBuilder> builder_;
  std::optional<Event> next_event_;  // read, not in the builder yet
  struct Mark {
    uint64_t offset, row;
  };
  std::deque<Mark> marks_;  // the ends of batches that are not settled, and the last one that is
  uint64_t read_to_ = 0;    // offset behind the last line read
  uint64_t filled_to_ = 0;  // offset behind the last line in the builder
};

}  // namespace

void register_source_replay(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "replay";
  spec.summary = "Reads events back, with all their metadata, from a file that an output format wrote.";
  spec.doc =
      "`avrojson` keeps every byte; in `json`, bytes that were no UTF-8 had been replaced when it was written. Files "
      "of the classic system are read too. Lines that are no events are left out and counted in "
      "`flume_lines_unreadable_total`. Reads the file once, from start to end.";
  spec.args = {{.name = "file", .doc = "File to read.", .type = lang::ArgType::kText, .required = true},
               {.name = "format",
                .doc = "The format that wrote it.",
                .default_text = "\"avrojson\"",
                .type = lang::ArgType::kText,
                .one_of = {"avrojson", "json"}}};
  spec.replayable = true;
  spec.examples = {{R"(replay("/data/capture.json"))", "What `text(\"/data/capture.json\", avrojson)` wrote."},
                   {R"(replay("/data/old.json", format="json"))", "The same for the json format."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<ReplaySource>(plan.args.text("file"),
                                          parse_replay_format(plan.args.text("format")).value());
  });
}

}  // namespace flume::node

// seqfile(file) — the events of a Hadoop SequenceFile, once, from its start to its end, over restarts. What is damaged
// or no event is counted and left out.
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/event_sequence.h"
#include "node/runtime/positions.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr uint8_t kVersion = 1;

// How far a file was read. `records` counts what is no event too, so it grows with every step.
struct Mark {
  uint64_t records = 0;
  uint64_t events = 0;
  SequenceReader::Place place;
};

// What is kept in the node's positions. The mark between a file's records is random, so it tells that file from any
// other under the same name.
struct SavedMark {
  std::array<uint8_t, 16> sync{};
  Id128 stream{};
  Mark mark;

  std::string encoded() const;
  static std::optional<SavedMark> decode(std::string_view bytes);
};

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
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

std::string SavedMark::encoded() const {
  std::string out;
  put(out, kVersion);
  put(out, sync);
  put(out, stream);
  put(out, mark.records);
  put(out, mark.events);
  put(out, mark.place.offset);
  put(out, mark.place.in_block);
  return out;
}

std::optional<SavedMark> SavedMark::decode(std::string_view bytes) {
  SavedMark saved;
  uint8_t version = 0;
  const bool whole = take(bytes, version) && take(bytes, saved.sync) && take(bytes, saved.stream) &&
                     take(bytes, saved.mark.records) && take(bytes, saved.mark.events) &&
                     take(bytes, saved.mark.place.offset) && take(bytes, saved.mark.place.in_block) && bytes.empty();
  return whole && version == kVersion ? std::optional(saved) : std::nullopt;
}

class SequenceFileSource final : public Source {
 public:
  explicit SequenceFileSource(std::string path) : path_(std::move(path)), key_("seqfile/" + path_) {}

  Status open(Context& context, const Wait&) override {
    context_ = &context;
    unreadable_ = &context.metrics.counter("flume_records_unreadable_total");
    FLUME_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, local_files().open(path_));
    FLUME_ASSIGN_OR_RETURN(const uint64_t size, file->size());
    auto reader = EventSequenceReader::open(sequence_input(std::move(file)), context.limits);
    if (!reader.ok()) {
      return reader.status().with_context(str_cat("open ", quoted(path_)));
    }
    reader_.emplace(std::move(*reader));
    origin_ = new_origin(context);
    Mark start{0, 0, reader_->place()};
    if (const auto saved = saved_mark(size)) {
      start = saved->mark;
      origin_.stream = saved->stream;
    }
    tracker_ = AckTracker::create(start.records);
    saved_records_.reset();
    marks_.clear();
    go_to(start);
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    Status failure;
    bool at_end = false;
    while (!builder_->full() && !wait.stop.stop_requested()) {
      failure = read_event();
      at_end = failure.ok() && !next_event_;
      if (!failure.ok() || at_end || !builder_->add(*next_event_)) {
        break;
      }
      next_event_.reset();
      ++read_.events;
      filled_ = read_;
    }
    if (builder_->rows() > 0) {
      const EventBatch batch = builder_->seal({});
      out = batch.with_token(issue(batch.rows(), batch.body_bytes()));
      return Next::kBatch;
    }
    if (!failure.ok()) {
      return failure;
    }
    if (at_end && filled_.records < read_.records) {
      filled_ = read_;  // no events at the end
      issue(0, 0);
    }
    return at_end ? Next::kEnd : Next::kNothingYet;
  }

  Result<bool> rewind() override {
    forget_settled_marks();
    const Mark settled = marks_.front();
    tracker_->rewound();
    marks_.clear();
    go_to(settled);
    return true;
  }

  Status checkpoint() override {
    if (tracker_ == nullptr) {
      return {};
    }
    forget_settled_marks();
    const Mark& settled = marks_.front();
    if (saved_records_ != settled.records) {
      context_->positions.set(key_, SavedMark{reader_->header().sync, origin_.stream, settled}.encoded());
      saved_records_ = settled.records;
    }
    return context_->positions.sync();
  }

  Status close(const Wait&) override {
    if (!reader_) {
      return {};
    }
    Status status = checkpoint();
    reader_.reset();
    next_event_.reset();
    return status;
  }

  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ == nullptr ? std::vector<std::shared_ptr<AckTracker>>() : std::vector{tracker_};
  }

 private:
  std::optional<SavedMark> saved_mark(uint64_t size) const {
    const auto bytes = context_->positions.find(key_);
    if (!bytes) {
      return std::nullopt;
    }
    auto saved = SavedMark::decode(*bytes);
    if (!saved || saved->sync != reader_->header().sync || saved->mark.place.offset > size ||
        saved->mark.place.offset < reader_->header().size) {
      FLUME_LOG(kInfo, "another file than the one that was read before is read from its start", kv("file", path_));
      return std::nullopt;
    }
    return saved;
  }

  void go_to(const Mark& mark) {
    BuilderOptions options;
    options.origin = origin_;
    options.origin.position = mark.events;
    options.origin.end_position = mark.events;
    options.limits = context_->limits;
    builder_.emplace(std::move(options));
    reader_->seek(mark.place);
    next_event_.reset();
    read_ = filled_ = mark;
    marks_.push_back(mark);
  }

  // Reads until there is an event in next_event_; nothing in it: the end of the file.
  Status read_event() {
    while (!next_event_) {
      FLUME_ASSIGN_OR_RETURN(EventSequenceReader::Item item, reader_->next());
      if (item.kind == EventSequenceReader::Kind::kEnd) {
        return {};
      }
      ++read_.records;
      read_.place = reader_->place();
      if (item.kind == EventSequenceReader::Kind::kEvent) {
        next_event_ = std::move(item.event);
        return {};
      }
      unreadable_->add(1);
      FLUME_LOG_EVERY(60'000, kWarn, "bytes of a sequence file are no event and were left out", kv("file", path_),
                      kv("offset", item.offset), kv("bytes", item.end_offset - item.offset), kv("reason", item.why));
    }
    return {};
  }

  AckToken issue(uint32_t rows, uint64_t bytes) {
    forget_settled_marks();
    marks_.push_back(filled_);
    return tracker_->issue(filled_.records, rows, bytes);
  }

  // The first mark is then the one up to which all is settled.
  void forget_settled_marks() {
    const uint64_t settled = tracker_->settled();
    while (marks_.size() > 1 && marks_[1].records <= settled) {
      marks_.pop_front();
    }
  }

  const std::string path_;
  const std::string key_;  // in the positions
  Context* context_ = nullptr;
  Counter* unreadable_ = nullptr;
  Origin origin_;
  std::shared_ptr<AckTracker> tracker_;  // positions count records; tokens hold it
  std::optional<EventSequenceReader> reader_;
  std::optional<BatchBuilder> builder_;
  std::optional<Event> next_event_;  // read, not in the builder yet
  Mark read_;                        // behind what was read last
  Mark filled_;                      // behind the last event in the builder
  std::deque<Mark> marks_;           // the ends of batches that are not settled, and of the last that is
  std::optional<uint64_t> saved_records_;
};

}  // namespace

void register_source_seqfile(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "seqfile";
  spec.summary = "Reads the events of a Hadoop SequenceFile, with all their metadata.";
  spec.doc =
      "What the sinks `seqfile` and `dfs` write, here and in the classic system, and the classic system's logs: plain, "
      "compressed record by record or in blocks, with deflate, gzip or bzip2. Reads the file once, from start to end; "
      "after a restart it goes on behind the last event that was delivered. What is damaged or no event is left out "
      "and counted in `flume_records_unreadable_total`.";
  spec.args = {{.name = "file", .doc = "File to read.", .type = lang::ArgType::kText, .required = true}};
  spec.replayable = true;
  spec.examples = {{R"(seqfile("/data/web.seq"))", "Every event of a file."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<SequenceFileSource>(plan.args.text("file"));
  });
}

}  // namespace flume::node

// text(file[, format]) — appends events to one local file, under its own name, for readers that follow it.
#include <algorithm>

#include "common/io/file_storage.h"
#include "node/runtime/formats.h"
#include "node/runtime/registry.h"
#include "node/storing/known_rows.h"
#include "node/storing/output_file.h"

namespace flume::node {

namespace {

class TextSink final : public Sink {
 public:
  TextSink(std::string path, std::function<std::unique_ptr<OutputFormat>()> format)
      : path_(std::move(path)), format_(std::move(format)) {}

  Status open(Context& context, const Wait& wait) override {
    clock_ = &context.clock;
    if (!account_) {
      account_.emplace(context.metrics);
    }
    FLUME_ASSIGN_OR_RETURN(const StorageSet::Place place, context.storage.find(path_));
    FLUME_RETURN_IF_ERROR(known_.open(context));
    file_.reset();
    const OutputFile::Options options{.sync_every = context.settings.millis("flume.storage.sync.millis"),
                                      .ack_every = context.settings.millis("flume.storage.ack.millis"),
                                      .journal = {context.journal, context.instance, clock_}};
    FLUME_ASSIGN_OR_RETURN(file_,
                           OutputFile::append_to(place.storage, place.path, format_(), options, *account_, wait));
    return {};
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    const TimePoint now = clock_->now();
    return known_.append(batch, *account_, now, [this, now, &wait](const EventBatch& rows) {
      Status status = file_->append(rows, now, wait);
      const uint32_t taken = status.ok() ? rows.rows() : 0;
      return AppendResult{std::move(status), taken};
    });
  }
  TimePoint due() const override { return file_ == nullptr ? TimePoint::max() : std::min(known_.due(), file_->due()); }
  Status tick(TimePoint now) override {
    if (file_ == nullptr) {
      return {};
    }
    known_.tick(now, *account_);
    return file_->tick(now);
  }
  Status flush(const Wait& wait) override {
    if (file_ == nullptr) {
      return {};
    }
    const Status status = file_->flush(wait);
    const Status known = known_.flush(wait, *account_);
    return status.ok() ? known : status;
  }
  std::vector<EventBatch> take_back() override {
    if (file_ == nullptr) {
      return {};
    }
    std::vector<EventBatch> rows = file_->take_back();
    known_.take_back(rows, *account_);
    return rows;
  }
  Status close(const Wait& wait) override {
    if (file_ == nullptr) {
      return {};
    }
    const Status status = file_->close(wait);
    const Status known = known_.flush(wait, *account_);
    return status.ok() ? known : status;
  }

 private:
  const std::string path_;
  const std::function<std::unique_ptr<OutputFormat>()> format_;
  Clock* clock_ = nullptr;
  std::optional<RowAccount> account_;  // before the file that uses it
  KnownRows known_;
  std::unique_ptr<OutputFile> file_;  // kept after close(), for take_back()
};

}  // namespace

void register_sink_text(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "text";
  spec.summary = "Appends events to one local file.";
  spec.doc =
      "The file keeps its name while it grows, so it can be followed. What is in it already stays (the classic system "
      "emptied it). Rows count as delivered once they are synced to disk, at most `flume.storage.sync.millis` after "
      "they were written. When the disk is full, reading stops until there is room again.";
  spec.args = {
      {.name = "file", .doc = "File to append to; made if missing.", .type = lang::ArgType::kText, .required = true},
      {.name = "format",
       .doc = "How an event becomes bytes.",
       .default_text = "debug",
       .type = lang::ArgType::kFormat}};
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kJournal;
  spec.examples = {{R"(text("/var/log/all.txt"))", "A readable line for each event."},
                   {R"(text("/var/log/all.log", raw))", "Bodies only, one per line."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<TextSink>(plan.args.text("file"), format_maker(plan.args.function("format")));
  });
}

}  // namespace flume::node

// tail(file[, startFromEnd]), multitail(file...) — the lines of files as they are written, over rotations.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/registry.h"
#include "node/tailing/followed_file.h"
#include "node/tailing/tail_options.h"

namespace flume::node {

namespace {

class TailSource final : public Source {
 public:
  TailSource(std::vector<std::string> paths, bool from_end, LineArguments lines)
      : paths_(std::move(paths)), from_end_(from_end), lines_(std::move(lines)) {}

  Status open(Context& context, const Wait&) override {
    FLUME_ASSIGN_OR_RETURN(ReaderOptions options, reader_options(lines_, context));
    files_.clear();
    options_ = std::move(options);
    clock_ = &context.clock;
    poll_period_ = context.settings.millis("flume.tail.pollperiod");
    watcher_ = context.watch.watcher();
    for (const std::string& path : paths_) {
      files_.push_back(std::make_unique<FollowedFile>(path, from_end_, options_, context.positions, *watcher_));
      if (Status status = files_.back()->open(); !status.ok()) {
        release();
        return status;
      }
    }
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    for (;;) {
      (void)watcher_->take();  // what it told of is read now
      for (size_t i = 0; i < files_.size(); ++i) {
        // A file that always has more must not starve the others.
        const size_t at = (turn_ + i) % files_.size();
        FLUME_ASSIGN_OR_RETURN(const bool rows, files_[at]->read(out));
        if (rows) {
          turn_ = (at + 1) % files_.size();
          return Next::kBatch;
        }
      }
      (void)watcher_->wait(wait.at_most(real_time(*clock_, next_look())));
      if (wait.over()) {
        return Next::kNothingYet;
      }
    }
  }

  Result<bool> rewind() override {
    for (const auto& file : files_) {
      FLUME_RETURN_IF_ERROR(file->rewind());
    }
    return true;
  }

  Status checkpoint() override {
    for (const auto& file : files_) {
      FLUME_RETURN_IF_ERROR(file->checkpoint());
    }
    return {};
  }

  Status close(const Wait&) override {
    Status status = checkpoint();
    release();
    return status;
  }

  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    std::vector<std::shared_ptr<AckTracker>> all;
    for (const auto& file : files_) {
      all.push_back(file->tracker());
    }
    return all;
  }

 private:
  TimePoint next_look() const {
    TimePoint first = TimePoint::max();
    for (const auto& file : files_) {
      first = std::min(first, file->due());
      if (!file->is_watched()) {
        first = std::min(first, clock_->now() + poll_period_);
      }
    }
    return first;
  }

  void release() {
    for (const auto& file : files_) {
      file->close();
    }
    files_.clear();
    watcher_.reset();
  }

  const std::vector<std::string> paths_;
  const bool from_end_;
  const LineArguments lines_;
  ReaderOptions options_;
  Clock* clock_ = nullptr;
  Duration poll_period_{};
  std::unique_ptr<FileWatch::Watcher> watcher_;
  std::vector<std::unique_ptr<FollowedFile>> files_;  // after watcher_, which they use
  size_t turn_ = 0;
};

void add(Registry& registry, lang::ComponentSpec spec) {
  spec.replayable = true;
  spec.doc = kLineArgumentsDoc;
  for (lang::ArgSpec& arg : line_argument_specs()) {
    spec.args.push_back(std::move(arg));
  }
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    const bool from_end = plan.args.has("startFromEnd") && plan.args.boolean("startFromEnd");
    return std::make_unique<TailSource>(plan.args.texts("file"), from_end, line_arguments(plan.args));
  });
}

}  // namespace

void register_source_tail(Registry& registry) {
  lang::ComponentSpec tail;
  tail.name = "tail";
  tail.summary = "Follows a file by name and gives an event for each line, over rotations and restarts.";
  tail.args = {{.name = "file", .doc = "The file. It need not exist yet.", .required = true},
               {.name = "startFromEnd",
                .doc = "At the very first start begin at the file's end, not at its start.",
                .default_text = "false",
                .type = lang::ArgType::kBool}};
  tail.examples = {{R"(tail("/var/log/syslog"))", "Every line, the ones that are there already too."},
                   {R"(tail("/var/log/app.log", true))", "Only what is written from now on."},
                   {R"(tail("/var/log/app.log", delim="\n\n+"))", "Paragraphs as events."}};
  add(registry, std::move(tail));

  lang::ComponentSpec multitail;
  multitail.name = "multitail";
  multitail.summary = "Follows several files, each from its start, in one source.";
  multitail.args = {{.name = "file", .doc = "The files.", .required = true, .repeated = true}};
  multitail.examples = {{R"(multitail("/var/log/syslog", "/var/log/kern.log"))", "The lines of both files."}};
  add(registry, std::move(multitail));
}

}  // namespace flume::node

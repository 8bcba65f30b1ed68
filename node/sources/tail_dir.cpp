// tailDir(dir[, fileregex[, startFromEnd[, recurseDepth]]]) — the lines of all files of a folder as they are written.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "node/runtime/registry.h"
#include "node/tailing/followed_folder.h"
#include "node/tailing/tail_options.h"

namespace flume::node {

namespace {

constexpr int64_t kMaxDepth = 4;

struct TailDirOptions {
  std::string folder;
  std::string names;
  bool from_end = false;
  int64_t depth = 0;
  LineArguments lines;
};

class TailDirSource final : public Source {
 public:
  explicit TailDirSource(TailDirOptions options) : options_(std::move(options)) {}

  Status open(Context& context, const Wait&) override {
    FLUME_ASSIGN_OR_RETURN(reader_options_, reader_options(options_.lines, context));
    FLUME_ASSIGN_OR_RETURN(Regex names, Regex::compile(str_cat("\\A(?:", options_.names, ")\\z"), {.bytes = true}));
    clock_ = &context.clock;
    poll_period_ = context.settings.millis("flume.tail.pollperiod");
    folder_.reset();
    watcher_ = context.watch.watcher();
    FolderOptions folder{options_.folder, std::move(names), options_.from_end, options_.depth};
    folder_ = std::make_unique<FollowedFolder>(std::move(folder), reader_options_, context.positions, *watcher_,
                                               context.metrics);
    if (Status status = folder_->open(); !status.ok()) {
      release();
      return status;
    }
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    for (;;) {
      const FileWatch::Changes changes = watcher_->take();
      if (changes.any() || (!folder_->is_watched() && clock_->now() >= next_poll_)) {
        folder_->look(changes);
        next_poll_ = clock_->now() + poll_period_;
      }
      FLUME_ASSIGN_OR_RETURN(const bool rows, folder_->read(out));
      if (rows) {
        return Next::kBatch;
      }
      const TimePoint poll = folder_->is_watched() ? TimePoint::max() : next_poll_;
      (void)watcher_->wait(wait.at_most(real_time(*clock_, std::min(poll, folder_->due()))));
      if (wait.over()) {
        return Next::kNothingYet;
      }
    }
  }

  Result<bool> rewind() override {
    FLUME_RETURN_IF_ERROR(folder_->rewind());
    return true;
  }
  Status checkpoint() override { return folder_ == nullptr ? Status() : folder_->checkpoint(); }

  Status close(const Wait&) override {
    Status status = checkpoint();
    release();
    return status;
  }

  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return folder_ ? std::vector{folder_->tracker()} : std::vector<std::shared_ptr<AckTracker>>();
  }

 private:
  void release() {
    folder_.reset();
    watcher_.reset();
  }

  const TailDirOptions options_;
  ReaderOptions reader_options_;
  Clock* clock_ = nullptr;
  Duration poll_period_{};
  TimePoint next_poll_{};
  std::unique_ptr<FileWatch::Watcher> watcher_;
  std::unique_ptr<FollowedFolder> folder_;  // after watcher_, which it uses
};

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

}  // namespace

void register_source_tail_dir(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "tailDir";
  spec.summary = "Follows all files of a folder, those that come later too; an event for each line.";
  spec.doc = str_cat(
      "A file that cannot be read is logged and counted, the others go on. A new file that begins as one we follow and "
      "is named like a rotated one of it is a copy: what was delivered is not read again.\n\n",
      kLineArgumentsDoc);
  spec.replayable = true;
  spec.args = {
      {.name = "dir", .doc = "The folder. It need not exist yet.", .required = true},
      {.name = "fileregex",
       .doc = "Names of the files that are followed, without their folder: the whole name has to match.",
       .default_text = "\".*\"",
       .type = lang::ArgType::kRegex},
      {.name = "startFromEnd",
       .doc = "At the very first start begin at the end of the files that are there. Files that come later are "
              "read whole.",
       .default_text = "false",
       .type = lang::ArgType::kBool},
      {.name = "recurseDepth",
       .doc = "How many levels of folders below it are followed too.",
       .default_text = "0",
       .type = lang::ArgType::kInteger,
       .min = 0,
       .max = kMaxDepth}};
  for (lang::ArgSpec& arg : line_argument_specs()) {
    spec.args.push_back(std::move(arg));
  }
  spec.examples = {
      {R"(tailDir("/var/log/app"))", "Every file of a folder."},
      {R"(tailDir("/var/log", ".*\\.log", true, 2))", "What is written from now on to logs up to two folders down."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    TailDirOptions options;
    options.folder = without_slash(plan.args.text("dir"));
    options.names = plan.args.text("fileregex");
    options.from_end = plan.args.boolean("startFromEnd");
    options.depth = plan.args.integer("recurseDepth");
    options.lines = line_arguments(plan.args);
    return std::make_unique<TailDirSource>(std::move(options));
  });
}

}  // namespace flume::node

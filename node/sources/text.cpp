// text(file) — the lines of a file, once, from its start to its end.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "node/runtime/line_input.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class TextSource final : public Source {
 public:
  explicit TextSource(std::string path) : path_(std::move(path)) {}

  Status open(Context& context, const Wait&) override {
    const std::string what = quoted(path_);
    UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) {
      return Status::from_errno(errno, str_cat("open ", what));
    }
    struct stat info {};
    if (fstat(fd.fd(), &info) != 0) {
      return Status::from_errno(errno, str_cat("open ", what));
    }
    if (S_ISDIR(info.st_mode)) {
      return Status::from_errno(EISDIR, str_cat("open ", what));
    }
    fd_ = std::move(fd);
    input_.emplace(context, fd_.fd(), what);
    return {};
  }
  Result<Next> next(EventBatch& out, const Wait& wait) override { return input_->next(out, wait); }
  Result<bool> rewind() override {
    FLUME_RETURN_IF_ERROR(input_->rewind());
    return true;
  }
  Status close(const Wait&) override {
    fd_.reset();
    return {};
  }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return input_ ? std::vector{input_->tracker()} : std::vector<std::shared_ptr<AckTracker>>();
  }

 private:
  const std::string path_;
  UniqueFd fd_;
  std::optional<LineInput> input_;
};

}  // namespace

void register_source_text(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "text";
  spec.summary = "Reads a text file once from start to end, one event for each line.";
  spec.doc =
      "Lines end at `\\n`, `\\r\\n` or `\\r`; a last line without an end counts too. Bytes are kept as they are. Use "
      "`tail` for a file that grows.";
  spec.args = {{.name = "file", .doc = "File to read.", .type = lang::ArgType::kText, .required = true}};
  spec.replayable = true;
  spec.examples = {{R"(text("/etc/services"))", "Every line of a file."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<TextSource>(plan.args.text("file"));
  });
}

}  // namespace flume::node

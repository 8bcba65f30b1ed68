// stdin, console — rows from the lines of standard input. `console` is the name for people at a terminal; line editing
// is the terminal's own.
#include <unistd.h>

#include <optional>

#include "node/runtime/line_input.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class StdinSource final : public Source {
 public:
  Status open(Context& context, const Wait&) override {
    input_.emplace(context, STDIN_FILENO, "standard input");
    return {};
  }
  Result<Next> next(EventBatch& out, const Wait& wait) override { return input_->next(out, wait); }
  Status close(const Wait&) override { return {}; }  // the descriptor is the process's, not ours
  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return input_ ? std::vector{input_->tracker()} : std::vector<std::shared_ptr<AckTracker>>();
  }

 private:
  std::optional<LineInput> input_;
};

void add(Registry& registry, const char* name, const char* summary, const char* example) {
  lang::ComponentSpec spec;
  spec.name = name;
  spec.summary = summary;
  spec.examples = {{name, example}};
  registry.add_source(std::move(spec), [](const lang::Plan&, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<StdinSource>();
  });
}

}  // namespace

void register_source_stdin(Registry& registry) {
  add(registry, "stdin", "One event for each line of standard input, until its end.",
      "Whatever is piped into the program.");
  add(registry, "console", "One event for each line typed at the terminal, until Ctrl-D.",
      "Type events by hand; needs node_nowatch or nodei, which keep standard input.");
}

}  // namespace flume::node

// null — a source that is at its end at once.
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class NullSource final : public Source {
 public:
  Status open(Context&, const Wait&) override { return {}; }
  Result<Next> next(EventBatch&, const Wait&) override { return Next::kEnd; }
  Result<bool> rewind() override { return true; }
  Status close(const Wait&) override { return {}; }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override { return {}; }
};

}  // namespace

void register_source_null(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "null";
  spec.summary = "Gives no events: the node is IDLE at once.";
  spec.replayable = true;
  spec.examples = {{"null", "A logical node that does nothing."}};
  registry.add_source(std::move(spec), [](const lang::Plan&, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<NullSource>();
  });
}

}  // namespace flume::node

// logicalSource — stands for "wherever senders to this logical node are to find it". A master puts rpcSource( port ) in
// its place; what is here runs only where no master did.
#include "common/base/text.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class LogicalSource final : public Source {
 public:
  Status open(Context&, const Wait&) override { return untranslated(); }
  Result<Next> next(EventBatch&, const Wait&) override { return untranslated(); }
  Result<bool> rewind() override { return false; }
  Status close(const Wait&) override { return {}; }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override { return {}; }

 private:
  static Status untranslated() {
    return invalid("open logicalSource: only a master can tell its port; without one, use rpcSource( port )");
  }
};

}  // namespace

void register_source_logical(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "logicalSource";
  spec.summary = "Receives events from logicalSink: a port that the master chooses.";
  spec.doc =
      "The master gives each logical node with this source a port of its own on its host, from "
      "flume.collector.event.port "
      "on, and keeps it. Without a master it does not open.";
  spec.examples = {{"logicalSource", R"(Receives what others send with logicalSink and this node's name.)"}};
  registry.add_source(std::move(spec), [](const lang::Plan&, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<LogicalSource>();
  });
}

}  // namespace flume::node

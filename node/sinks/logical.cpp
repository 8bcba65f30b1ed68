// logicalSink("node") — stands for the address of another logical node's logicalSource. A master puts rpcSink( host,
// port ) in its place; what is here runs only where no master did.
#include "common/base/text.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class LogicalSink final : public Sink {
 public:
  explicit LogicalSink(std::string target) : target_(std::move(target)) {}

  Status open(Context&, const Wait&) override { return untranslated(); }
  AppendResult append(const EventBatch&, const Wait&) override { return {untranslated(), 0}; }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }

 private:
  Status untranslated() const {
    return invalid(str_cat("open logicalSink( ", quoted(target_),
                           " ): only a master knows where that node is; without one, use rpcSink( host, port )"));
  }
  const std::string target_;
};

}  // namespace

void register_sink_logical(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "logicalSink";
  spec.summary = "Sends events to the logicalSource of another logical node, wherever that runs.";
  spec.doc =
      "The master puts the host and port of that node in its place, and does so again when the node moves. As long as "
      "the node is mapped to no machine, the sink fails and says why. Without a master it does not open.";
  spec.args = {{.name = "node", .doc = "Logical node whose source is logicalSource.", .required = true}};
  spec.examples = {{R"(logicalSink("collector"))", "To the node called collector."},
                   {R"(< logicalSink("c1") ? logicalSink("c2") >)", "To c2 while c1 does not answer."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<LogicalSink>(plan.args.text("node"));
  });
}

}  // namespace flume::node

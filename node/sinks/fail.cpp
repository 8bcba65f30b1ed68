// fail([why...]) — never opens and never takes an event. Stands for a sink that cannot be reached, in tests of failover
// and in configurations whose names could not be resolved.
#include "common/base/text.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class FailSink final : public Sink {
 public:
  explicit FailSink(std::vector<std::string> why) : why_(std::move(why)) {}

  Status open(Context&, const Wait&) override { return failure("open"); }
  AppendResult append(const EventBatch&, const Wait&) override { return {failure("append to"), 0}; }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }

 private:
  Status failure(std::string_view what) const {
    const std::string why = why_.empty() ? std::string("it always fails") : join(why_, ", ");
    return unavailable(str_cat(what, " the sink fail: ", why));
  }
  const std::vector<std::string> why_;
};

}  // namespace

void register_sink_fail(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "fail";
  spec.summary = "Never opens and never takes an event.";
  spec.args = {{.name = "why", .doc = "Text for the error message.", .type = lang::ArgType::kText, .repeated = true}};
  spec.examples = {{R"(fail("no such collector"))", "Fails with this text."},
                   {"< fail ? null >", "Everything goes to the second sink."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<FailSink>(plan.args.has("why") ? plan.args.texts("why") : std::vector<std::string>());
  });
}

}  // namespace flume::node

// collector([rollmillis]) { sink } — what collectorSink does, around any sink.
#include "node/runtime/collector_plan.h"
#include "node/runtime/registry.h"

namespace flume::node {

void register_compose_collector(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "collector";
  spec.summary = "Unpacks what classic agents packed and builds its sink anew each period.";
  spec.doc =
      "The same as `gunzip unbatch ackChecker roll(rollmillis) { sink }`. Every event gets the attribute `rolltag`, "
      "the name of the period; use `%{rolltag}` in file names.";
  spec.args = {{.name = "rollmillis",
                .doc = "How long a period lasts.",
                .default_text = "30000",
                .setting = "flume.collector.roll.millis",
                .unit = "ms",
                .type = lang::ArgType::kDuration,
                .min = 1}};
  spec.examples = {{R"(collector(60000) { escapedFormatDfs("/data", "web-%{rolltag}", raw) })",
                    "A file each minute, with the period in its name."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return build.sink(collector_plan(plan.path, plan.args.duration("rollmillis"), plan.children[0]));
  });
}

}  // namespace flume::node

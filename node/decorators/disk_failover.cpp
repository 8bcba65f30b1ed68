// diskFailover([maxmillis]) sink — stores events on this machine and sends them from there.
#include <memory>

#include "node/runtime/registry.h"
#include "node/spooling/disk_failover_sink.h"

namespace flume::node {

void register_decorator_disk_failover(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "diskFailover";
  spec.summary = "Stores events on this machine's disk and sends them from there, in order, until they are delivered.";
  spec.doc =
      "Made for the second branch of a failover: `< a ? diskFailover b >`. Rows count as delivered once they are "
      "synced to a log here, and are fed from it to the sink, by a thread of its own, again and again until that takes "
      "them, also after a restart. `agentDFOSink` does the same and keeps the order over changes between the branches, "
      "too.";
  spec.args = {{.name = "maxmillis",
                .doc =
                    "Taken as the classic system did, which sent a file of its log when it was so old. Here rows are "
                    "sent while their file is written, so it changes nothing.",
                .default_text = "10000",
                .setting = "flume.agent.logdir.maxage",
                .unit = "ms",
                .type = lang::ArgType::kDuration}};
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kFailoverLog;
  spec.needs_logical_node = true;
  spec.examples = {{R"(diskFailover rpcSink("collector1", 35853))", "Events wait here while collector1 is away."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<WriteAheadSink>(build.with_spool().again(plan.children[0]), plan.text,
                                            DiskFailoverSink::kFolder);
  });
}

}  // namespace flume::node

// agentBESink([host[, port]]) — sends events to a collector, best effort.
#include <memory>

#include "node/net/link_sink.h"
#include "node/runtime/agent_options.h"
#include "node/runtime/best_effort.h"
#include "node/runtime/collector_address.h"
#include "node/runtime/registry.h"

namespace flume::node {

void register_sink_agent_be(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "agentBESink";
  spec.aliases = {"agentBestEffortSink"};
  spec.summary = "Sends events to a collector, best effort.";
  spec.doc =
      "Rows are delivered once the collector's flow has taken them. While the collector takes nothing, or cannot be "
      "reached and the connection is tried again, the source is not read; after `wait` rows are dropped until it is "
      "back, reasons `slow` and `unreachable`. When a link dies, rows sent and not confirmed (at most "
      "`flume.link.window.bytes`) are not sent again: they are counted as dropped, reason `unconfirmed`. A silent "
      "collector is taken for dead after `flume.link.silence.millis`, one that does not answer when it is connected "
      "after 10 s. As a branch of a failover that is not the last, the sink drops nothing for being late: it fails, "
      "and the next branch gets the rows. Behind a log (`diskFailover`, `ackedWriteAhead`) it drops nothing at all.";
  spec.args = collector_arguments();
  spec.args.push_back(best_effort_argument());
  add_agent_options(spec.args);
  spec.keeps = lang::Keeps::kBestEffort;
  spec.examples = {{"agentBESink", "The collector of the settings."},
                   {"agentBESink(\"collector1\", 35853)", "This collector."},
                   {"agentBESink(\"collector1\", wait=0)", "Never holds up its source."},
                   {"agentBESink(\"collector1\", compression=\"zstd\")", "Over a line where bytes are dear."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    const HostPort to = collector_of(plan.args);
    auto link =
        std::make_unique<LinkSink>(to.host, to.port, LinkSink::Promise::kReceived,
                                   build.has_spool() ? LinkSink::Unconfirmed::kGiveBack : LinkSink::Unconfirmed::kDrop);
    return best_effort(compressing(std::move(link), plan.args), plan.args, build);
  });
}

}  // namespace flume::node

// agentDFOSink([host[, port]]) — sends events to a collector, and stores them here while that fails.
#include <memory>
#include <utility>

#include "node/net/link_sink.h"
#include "node/runtime/agent_options.h"
#include "node/runtime/collector_address.h"
#include "node/runtime/registry.h"
#include "node/spooling/disk_failover_sink.h"

namespace flume::node {

void register_sink_agent_dfo(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "agentDFOSink";
  spec.aliases = {"agentFailoverSink"};
  spec.summary = "Sends events to a collector, store on failure: while it is away they wait on this machine's disk.";
  spec.doc =
      "Rows are delivered once the collector's flow has taken them. When the link fails, what was not confirmed and "
      "all that follows is written to a log here and synced, and sent from there in order once the collector is back, "
      "also after a restart; when the log is empty rows go straight again. None is lost while this machine's disk "
      "lives and the collector keeps what it took; rows that were on their way when the link died may arrive twice. A "
      "log that holds `flume.wal.max.bytes` takes nothing, and the source is not read.";
  spec.args = collector_arguments();
  spec.args.push_back(ordered_argument());
  add_agent_options(spec.args);
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kFailoverLog;
  spec.needs_logical_node = true;
  spec.examples = {{"agentDFOSink", "The collector of the settings."},
                   {R"(agentDFOSink("collector1", 35853))", "This collector."},
                   {R"(agentDFOSink("collector1", ordered=false))", "New events do not wait behind stored ones."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    const HostPort to = collector_of(plan.args);
    const auto link = [to] {
      return std::make_unique<LinkSink>(to.host, to.port, LinkSink::Promise::kReceived,
                                        LinkSink::Unconfirmed::kGiveBack);
    };
    auto spool = std::make_unique<DiskFailoverSink>(link(), link, plan.text, order_of(plan.args));
    return compressing(std::move(spool), plan.args);
  });
}

}  // namespace flume::node

// agentSink([host[, port]]) — sends events to a collector, end to end.
#include <memory>
#include <utility>

#include "node/net/link_sink.h"
#include "node/runtime/agent_options.h"
#include "node/runtime/collector_address.h"
#include "node/runtime/registry.h"
#include "node/spooling/write_ahead_sink.h"

namespace flume::node {

void register_sink_agent_e2e(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "agentSink";
  spec.aliases = {"agentE2ESink"};
  spec.summary = "Sends events to a collector, end to end: none is lost, whatever is killed or cut.";
  spec.doc =
      "Rows are written to a log on this machine and synced (together, at most `flume.wal.group.millis` after the "
      "first); then the source's position moves. From the log they are sent, many at a time, and stay in it until the "
      "collector's sinks have taken responsibility for them: files synced, uploads completed. What is not confirmed is "
      "sent again on a new connection and after a restart; the collector knows rows that it has. While the collector "
      "is away the log grows up to `flume.wal.max.bytes`; then the source is not read.";
  spec.args = collector_arguments();
  add_agent_options(spec.args);
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kLog;
  spec.needs_logical_node = true;
  spec.examples = {{"agentSink", "The collector of the settings."},
                   {R"(agentSink("collector1", 35853))", "This collector."},
                   {R"(agentSink("collector1", compression="zstd"))", "Compressed in the log and on the wire."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    const HostPort to = collector_of(plan.args);
    auto log = std::make_unique<WriteAheadSink>(
        [to] { return std::make_unique<LinkSink>(to.host, to.port, LinkSink::Promise::kDurable); }, plan.text);
    return compressing(std::move(log), plan.args);
  });
}

}  // namespace flume::node

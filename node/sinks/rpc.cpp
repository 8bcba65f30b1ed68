// rpcSink([host[, port]]) — sends events to a collector, which answers for them.
#include <memory>

#include "node/net/link_sink.h"
#include "node/runtime/collector_address.h"
#include "node/runtime/registry.h"

namespace flume::node {

void register_sink_rpc(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "rpcSink";
  spec.summary = "Sends events to a collector and waits until its sinks have taken responsibility for them.";
  spec.doc =
      "Rows count as delivered once the collector's own sinks answer for them: files synced, the next hop's word. It "
      "keeps no rows of its own: what a link that died had not confirmed is read again by the source or sent again by "
      "the log in front of it (`ackedWriteAhead`), so behind a log rows arrive once, and without one those of a broken "
      "link may arrive twice. To a collector of the classic system send with `thriftSink`.";
  spec.args = collector_arguments();
  spec.keeps = lang::Keeps::kDurableLink;
  spec.examples = {{"rpcSink", "The collector of the settings."},
                   {"ackedWriteAhead rpcSink(\"collector1\", 35853)", "What agentSink(\"collector1\", 35853) is."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    const HostPort to = collector_of(plan.args);
    return std::make_unique<LinkSink>(to.host, to.port, LinkSink::Promise::kDurable);
  });
}

}  // namespace flume::node

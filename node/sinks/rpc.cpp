// rpcSink([host[, port]]) — sends events to a collector, which answers for them.
#include <memory>

#include "node/net/link_sink.h"
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
  spec.args = {{.name = "host",
                .doc = "The collector's host name or address.",
                .default_text = "\"localhost\"",
                .setting = "flume.collector.event.host",
                .type = lang::ArgType::kText},
               {.name = "port",
                .doc = "The collector's port.",
                .default_text = "35853",
                .setting = "flume.collector.event.port",
                .type = lang::ArgType::kPort}};
  spec.examples = {{"rpcSink", "The collector of the settings."},
                   {"ackedWriteAhead rpcSink(\"collector1\", 35853)", "What agentSink(\"collector1\", 35853) is."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<LinkSink>(plan.args.text("host"), static_cast<uint16_t>(plan.args.integer("port")),
                                      LinkSink::Promise::kDurable);
  });
}

}  // namespace flume::node

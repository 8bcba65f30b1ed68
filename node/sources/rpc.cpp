// rpcSource(port[, truncate=false]) — receives events from classic senders and from agents.
#include <memory>

#include "node/net/receiver.h"
#include "node/runtime/registry.h"

namespace flume::node {

void register_source_rpc(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "rpcSource";
  spec.aliases = {"thriftSource"};
  spec.summary = "Receives events from rpcSink, from classic senders and from agents.";
  spec.doc =
      "The same port as `collectorSource`, under the classic names. An event whose body is over "
      "`flume.event.max.size.bytes` is refused and counted, or cut with `truncate=true`.";
  spec.args = {{.name = "port",
                .doc = "Port to listen on; 0 takes any free one.",
                .type = lang::ArgType::kPort,
                .required = true},
               {.name = "truncate",
                .doc = "Cut bodies over the event limit instead of refusing the event.",
                .default_text = "false",
                .type = lang::ArgType::kBool,
                .keyword_only = true}};
  spec.replayable = true;
  spec.receives = true;
  spec.examples = {{"rpcSource(12345)", "Whatever a classic rpcSink sends to port 12345."},
                   {"thriftSource(12345, truncate=true)", "The same, with long bodies cut."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<ReceiverSource>(static_cast<uint16_t>(plan.args.integer("port")),
                                            plan.args.boolean("truncate"));
  });
}

}  // namespace flume::node

// collectorSource([port]) — receives what agents send.
#include <memory>

#include "node/net/receiver.h"
#include "node/runtime/registry.h"

namespace flume::node {

void register_source_collector(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "collectorSource";
  spec.summary = "Receives the events that agents send to this machine.";
  spec.doc =
      "Takes links of agents and classic senders (`ThriftFlumeEventServer`, unframed) on the same port. Batches keep "
      "the origin and times they came with. While the flow is slow the connections are not read, so that senders wait; "
      "a silent agent is given up after `flume.link.silence.millis`. Garbage closes its connection, counted and logged "
      "once a minute for each peer.";
  spec.args = {{.name = "port",
                .doc = "Port to listen on; 0 takes any free one.",
                .default_text = "35853",
                .setting = "flume.collector.event.port",
                .type = lang::ArgType::kPort}};
  spec.replayable = true;
  spec.receives = true;
  spec.examples = {{"collectorSource", "The usual port."}, {"collectorSource(35854)", "Another one."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<ReceiverSource>(static_cast<uint16_t>(plan.args.integer("port")), false);
  });
}

}  // namespace flume::node

// ackedWriteAhead([maxmillis[, walnode[, checkmillis]]]) sink — writes events to a log on this machine before it sends
// them.
#include <memory>

#include "node/runtime/registry.h"
#include "node/spooling/write_ahead_sink.h"

namespace flume::node {

void register_decorator_acked_write_ahead(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "ackedWriteAhead";
  spec.summary = "Keeps events in a log on this machine until they are delivered.";
  spec.doc =
      "Rows count as delivered once they are synced to the log (together, at most `flume.wal.group.millis` after the "
      "first). The sink is fed from there, in order, by a thread of its own; rows that it fails or does not deliver "
      "are sent again until it takes responsibility for them, also after a restart. So end to end is promised as far "
      "as that sink's own word goes: `agentSink` asks the collector for durable rows. A log that holds "
      "`flume.wal.max.bytes` takes nothing, and the source is not read, until rows are delivered.";
  spec.args = {max_millis_argument(),
               {.name = "walnode",
                .doc = "Taken and not used: a log belongs to its place in its node.",
                .default_text = "\"\"",
                .type = lang::ArgType::kText},
               {.name = "checkmillis",
                .doc = "Taken and not used, as `maxmillis`.",
                .default_text = "250",
                .unit = "ms",
                .type = lang::ArgType::kDuration}};
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kLog;
  spec.needs_logical_node = true;
  spec.examples = {
      {R"(ackedWriteAhead formatDfs("/data/all.log", raw))", "Events wait on this machine while /data is away."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<WriteAheadSink>(build.with_spool().again(plan.children[0]), plan.text);
  });
}

}  // namespace flume::node

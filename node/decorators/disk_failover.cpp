// diskFailover([maxmillis]) sink — stores events on this machine and sends them from there. As the last branch of a
// failover that keeps order it becomes part of that one (compose/failover.cpp).
#include <memory>

#include "node/runtime/registry.h"
#include "node/spooling/disk_failover_sink.h"

namespace flume::node {

void register_decorator_disk_failover(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "diskFailover";
  spec.summary = "Stores events on this machine's disk and sends them from there, in order, until they are delivered.";
  spec.doc =
      "Made for the last branch of a failover: `< a ? diskFailover b >`. Rows count as delivered once they are synced "
      "to a log here, and are fed from it to the sink, by a thread of its own, again and again until that takes them, "
      "also after a restart. Such a failover keeps order: what `a` had not confirmed and all that follows goes through "
      "the log until it is empty, as with `agentDFOSink`. With `ordered=false`, or elsewhere than as the last branch, "
      "rows go to `a` again as soon as it works, and those in the log are sent beside them. Behind nothing but a "
      "source all rows go through the log, in order.";
  spec.args = {max_millis_argument(), ordered_argument()};
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kFailoverLog;
  spec.needs_logical_node = true;
  spec.examples = {{R"(diskFailover rpcSink("collector1", 35853))", "Events wait here while collector1 is away."},
                   {R"(< rpcSink("old1") ? diskFailover(ordered=false) rpcSink("old1") >)",
                    "New events do not wait behind stored ones."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<WriteAheadSink>(build.with_spool().again(plan.children[0]), plan.text,
                                            DiskFailoverSink::kFolder);
  });
}

}  // namespace flume::node

// agentDFOChain and agentE2EChain("h1:p1", "h2:p2", ...) — a log on this machine in front of a failover over several
// collectors. How that chooses, waits and comes back stands in compose/failover.cpp, and for end to end in
// spooling/homed_chain.h.
#include <memory>
#include <utility>

#include "node/runtime/agent_options.h"
#include "node/runtime/chain_plan.h"
#include "node/runtime/registry.h"
#include "node/spooling/disk_failover_sink.h"
#include "node/spooling/write_ahead_sink.h"

namespace flume::node {

namespace {

lang::ComponentSpec chain_spec(std::string name, lang::Keeps keeps) {
  lang::ComponentSpec spec;
  spec.name = std::move(name);
  spec.args = chain_arguments();
  add_agent_options(spec.args);
  spec.takes_responsibility = true;
  spec.keeps = keeps;
  spec.needs_logical_node = true;
  return spec;
}

void register_agent_dfo_chain(Registry& registry) {
  lang::ComponentSpec spec = chain_spec("agentDFOChain", lang::Keeps::kFailoverLog);
  spec.args.push_back(ordered_argument());
  spec.summary = "Sends events to the first of several collectors that works, store on failure.";
  spec.doc =
      "As `agentDFOSink`, with several collectors: rows go to the first that can be reached, and only while none can "
      "be they wait on this machine's disk. What was on its way to a collector that failed is sent to the next and may "
      "arrive twice. How a collector is chosen, left alone and preferred again is as `agentBEChain` does it.";
  spec.examples = {{R"(agentDFOChain("collector1", "collector2:35854"))",
                    "The second while the first is away, the disk while both are."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    const auto chain = chain_plan(plan.path, chain_hosts(plan.args), [](const HostPort& host, std::string path) {
      return host_plan("agentBESink", host, std::move(path));
    });
    const Build spooled = build.with_spool();
    auto spool =
        std::make_unique<DiskFailoverSink>(spooled.sink(chain), spooled.again(chain), plan.text, order_of(plan.args));
    return compressing(std::move(spool), plan.args);
  });
}

void register_agent_e2e_chain(Registry& registry) {
  lang::ComponentSpec spec = chain_spec("agentE2EChain", lang::Keeps::kLogOfAChain);
  spec.summary = "Sends events to the first of several collectors that works, end to end.";
  spec.doc =
      "As `agentSink`, with several collectors: rows go from the log on this machine to the first that can be reached, "
      "and stay in the log until its sinks answer for them. What was on its way to a collector that failed waits for "
      "that one, which may have stored it, while new rows go to the next; when it is not back after "
      "`flume.wal.resend.elsewhere.millis` they go to the next too, are counted, and may be stored twice. How a "
      "collector is chosen, left alone and preferred again is as `agentBEChain` does it.";
  spec.examples = {{R"(agentE2EChain("collector1", "collector2:35854"))", "The second while the first is away."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    const auto chain = chain_plan(plan.path, chain_hosts(plan.args), [](const HostPort& host, std::string path) {
      return host_plan("rpcSink", host, std::move(path));
    });
    return compressing(std::make_unique<WriteAheadSink>(build.with_spool().again(chain), plan.text), plan.args);
  });
}

}  // namespace

void register_sink_agent_chains(Registry& registry) {
  register_agent_dfo_chain(registry);
  register_agent_e2e_chain(registry);
}

}  // namespace flume::node

// agentBEChain("h1:p1", "h2:p2", ...) and failChain("text with %s", a, b, ...): failovers over as many sinks as there
// are arguments. Both become < a ? b ? ... >; how that chooses, waits and comes back stands in failover.cpp.
#include <memory>
#include <utility>

#include "node/runtime/agent_options.h"
#include "node/runtime/best_effort.h"
#include "node/runtime/chain_plan.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

void register_fail_chain(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "failChain";
  spec.summary = "A failover over one sink for each of its arguments.";
  spec.doc =
      "`%s` in the text stands for the argument: `failChain(\"{ lazyOpen => %s }\", \"console\", \"null\")` is "
      "`< { lazyOpen => console } ? { lazyOpen => null } >`. Rows go to the first that works; one that failed is tried "
      "again with growing pauses of its own, and preferred again when it is back. The text of a failChain holds no "
      "other one.";
  spec.args = {{.name = "sink",
                .doc = "The sink that each argument makes; `%s` stands for the argument.",
                .type = lang::ArgType::kSinkTemplate,
                .required = true},
               {.name = "value",
                .doc = "What `%s` stands for, in order of preference.",
                .type = lang::ArgType::kText,
                .required = true,
                .repeated = true}};
  spec.examples = {{R"x(failChain("agentBESink(\"%s\")", "collector1", "collector2"))x",
                    "The second collector while the first cannot be reached."},
                   {R"x(failChain("{ lazyOpen => %s }", "rpcSink(\"old1\")", "null"))x",
                    "What a classic collector does not take is dropped."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    auto failover = std::make_shared<lang::Plan>();
    failover->kind = lang::Plan::Kind::kFailover;
    failover->path = plan.path;
    failover->children = plan.children;
    return build.sink(failover);
  });
}

void register_agent_be_chain(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "agentBEChain";
  spec.summary = "Sends events to the first of several collectors that works, best effort.";
  spec.doc =
      "The same as `< agentBESink(h1) ? agentBESink(h2) ? ... >`: rows go to the first collector that can be reached. "
      "One that failed is left alone for a pause that doubles with every failure (`flume.agent.failover.backoff.*`, "
      "for each collector its own, shortened at random), and preferred again when it is back. A collector that does "
      "not answer holds up the flow for no longer than its share of the time for opening, or a second while another "
      "one works. When none works for `wait`, or the one that works takes nothing for so long, rows are dropped until "
      "one does, reasons `unreachable` and `slow`.";
  spec.args = chain_arguments();
  spec.args.push_back(best_effort_argument());
  add_agent_options(spec.args);
  spec.keeps = lang::Keeps::kBestEffort;
  spec.examples = {{R"(agentBEChain("collector1", "collector2:35854"))", "The second while the first is away."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    const auto chain = chain_plan(plan.path, chain_hosts(plan.args), [](const HostPort& host, std::string path) {
      return host_plan("agentBESink", host, std::move(path));
    });
    return best_effort(compressing(build.with_backup().sink(chain), plan.args), plan.args, build);
  });
}

}  // namespace

void register_compose_chains(Registry& registry) {
  register_agent_be_chain(registry);
  register_fail_chain(registry);
}

}  // namespace flume::node

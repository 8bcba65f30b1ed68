// Agent -> relay -> collector, and kill -9 of any of them. The relay has a log of its own, or passes rows on with
// nothing but what it has in its hands.
#include <algorithm>
#include <vector>

#include "common/base/text.h"
#include "node/torture/kills.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

using Victims = std::vector<std::string>;

// Each kind once in each round, in an order of its own.
void kill_all(Rig& rig, const Victims& nodes, std::vector<Victims> kinds) {
  const uint64_t wanted = kills_wanted(rig.options());
  for (uint64_t times = 0; times < wanted && !rig.stop().stop_requested() && rig.report().passed(); ++times) {
    if (times % kinds.size() == 0) {
      std::shuffle(kinds.begin(), kinds.end(), rig.random());
    }
    rig.wait(until_next_kill(rig));
    rig.expect_running();
    for (const std::string& name : kinds[times % kinds.size()]) {
      rig.kill(name);
    }
    rig.wait(std::chrono::milliseconds(rig.below(4) == 0 ? rig.below(1000) : 0));
    for (const std::string& name : nodes) {
      rig.report().fail(rig.start(name));
    }
  }
  rig.report().fact("kills", str_cat("agent ", rig.kills("agent"), ", relay ", rig.kills("relay"), ", collector ",
                                     rig.kills("collector")));
}

void run(Rig& rig, std::string_view relay_sink, const std::vector<Victims>& kinds) {
  const auto ports = rig.free_ports(2);
  rig.report().fail(ports.status());
  if (!generate_for_kills(rig, 3)) {
    return;
  }
  const Victims nodes = {"agent", "relay", "collector"};
  rig.describe_node("agent", rig.agent_source(), rig.agent_sink((*ports)[0]));
  rig.describe_node("relay", str_cat("collectorSource(", (*ports)[0], ")"),
                    str_cat(relay_sink, "(\"127.0.0.1\", ", (*ports)[1], ")"));
  rig.describe_node("collector", str_cat("collectorSource(", (*ports)[1], ")"), rig.collector_sink());
  for (const std::string& name : nodes) {
    rig.report().fail(rig.start(name));
  }
  kill_all(rig, nodes, kinds);
  rig.finish(nodes, std::chrono::seconds(60));
}

}  // namespace

void run_relay(Rig& rig) {
  run(rig, "agentSink", {{"agent"}, {"relay"}, {"collector"}, {"agent", "relay"}, {"relay", "collector"}});
}

void run_relay_direct(Rig& rig) { run(rig, "rpcSink", {{"relay"}, {"collector"}, {"relay", "collector"}}); }

}  // namespace flume::torture

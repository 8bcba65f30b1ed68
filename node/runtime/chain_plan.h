// Chains: hosts in order of preference, and one sink for each of them behind a failover. What agentBEChain and its kin
// have in common: how the hosts are given, and the plan they become. Values.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/host_port.h"
#include "dataflow-lang/catalog.h"
#include "dataflow-lang/plan.h"

namespace flume::node {

// The arguments of every chain: "host" or "host:port", as many as there are, and port=, which counts for those without.
std::vector<lang::ArgSpec> chain_arguments();
// What chain_arguments() were given, in order; at least one.
std::vector<HostPort> chain_hosts(const lang::Args& args);

// An agent sink of this name for this host, without compression of its own. `path` is its place.
lang::PlanPtr host_plan(const std::string& sink, const HostPort& host, std::string path);

// < a ? b ? ... >: make() says what stands for a host at its place. `path` is the place of the whole.
using MakeHostPlan = std::function<lang::PlanPtr(const HostPort& host, std::string path)>;
lang::PlanPtr chain_plan(const std::string& path, const std::vector<HostPort>& hosts, const MakeHostPlan& make);

}  // namespace flume::node

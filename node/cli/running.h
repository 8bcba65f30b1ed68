// What the node's commands share: a physical node from start to end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/command.h"
#include "node/node.h"

namespace flume::node {

// Runs until a termination signal, or for a one-shot node until its logical node is done. The exit code. `at_end` of a
// one-shot node is called before it is stopped.
int run_physical_node(const PhysicalNodeOptions& options, const std::optional<LogicalConfig>& config,
                      const Settings& settings, const Registry& registry,
                      const std::function<void(const NodeSet&)>& at_end = {});

// One flow in the foreground with nothing kept, until its source ends: checked first, errors are on stderr.
int run_flow(const std::string& name, const std::string& source, const std::string& sink, const Settings& settings,
             const Registry& registry, const std::function<void(const NodeSet&)>& at_end = {});

std::vector<Command> node_run_commands(const Settings& settings, const Registry& registry,
                                       const std::vector<std::string>& overrides);
std::vector<Command> one_shot_commands(const Settings& settings, const Registry& registry);
Command torture_command(const Registry& registry);

}  // namespace flume::node

// The commands of a node: node, nodei, node_nowatch, dump, source, sink, torture.
#pragma once

#include <vector>

#include "common/base/command.h"
#include "common/config/settings.h"
#include "node/runtime/registry.h"

namespace flume::node {

// Settings and registry outlive the commands. `overrides` are the -D options as they were given, for the watchdog's
// child.
std::vector<Command> node_commands(const Settings& settings, const Registry& registry,
                                   const std::vector<std::string>& overrides);

}  // namespace flume::node

// What each command of the table does; see command.h for the rules. Used by command_table.cpp only.
#pragma once

#include "master/commands/command.h"

namespace flume::master {

// config_commands.cpp
CommandOutcome run_config(const CommandInput& input);
CommandOutcome run_multiconfig(const CommandInput& input);
CommandOutcome run_unconfig(const CommandInput& input);
CommandOutcome run_refresh(const CommandInput& input);
CommandOutcome run_refresh_all(const CommandInput& input);
CommandOutcome run_update_all(const CommandInput& input);
CommandOutcome run_noop(const CommandInput& input);

// node_commands.cpp
CommandOutcome run_adopt(const CommandInput& input);
CommandOutcome run_map(const CommandInput& input);
CommandOutcome run_unmap(const CommandInput& input);
CommandOutcome run_unmap_all(const CommandInput& input);
CommandOutcome run_decommission(const CommandInput& input);
CommandOutcome run_purge(const CommandInput& input);
CommandOutcome run_purge_all(const CommandInput& input);

// file_commands.cpp
CommandOutcome run_save(const CommandInput& input);
CommandOutcome run_load(const CommandInput& input);

// Sets one configuration, provided that it still is what the view has. Its node need not be stopped any more.
void set_config(const View& view, const std::string& node, NodeConfig config, std::vector<Change>& changes);
CommandOutcome refused(Status status);

}  // namespace flume::master

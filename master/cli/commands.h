// The commands of the master: flume master, flume master_nowatch.
#pragma once

#include <string>
#include <vector>

#include "common/base/command.h"
#include "common/config/settings.h"
#include "dataflow-lang/catalog.h"

namespace flume::master {

// Settings and catalog must outlive the commands. `overrides` are the -D options as they were given, for the watchdog's
// child.
std::vector<Command> master_commands(const Settings& settings, const lang::Catalog& catalog,
                                     std::vector<std::string> overrides);
// flume shell; one of them.
Command shell_command(const Settings& settings, const lang::Catalog& catalog);

}  // namespace flume::master

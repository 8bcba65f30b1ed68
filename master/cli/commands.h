// The commands of the master: flume master, flume master_nowatch.
#pragma once

#include <vector>

#include "common/base/command.h"
#include "common/config/settings.h"
#include "dataflow-lang/catalog.h"

namespace flume::master {

// Catalog and settings must outlive the commands; settings are read when a command runs.
std::vector<Command> master_commands(const lang::Catalog& catalog, const Settings& settings);

}  // namespace flume::master

// The commands of the language: flume check, flume fmt, flume help.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/command.h"
#include "dataflow-lang/catalog.h"
#include "dataflow-lang/checker.h"

namespace flume::lang {

// check and fmt. The catalog must outlive the commands.
std::vector<Command> lang_commands(const Catalog& catalog, CheckOptions options);

// help [NAME]; `commands` (read when it runs, so this command may be among them) and catalog must outlive it.
Command help_command(const Catalog& catalog, const std::vector<Command>& commands);

// One component as `flume help NAME` shows it.
std::string component_help(const ComponentSpec& spec);
// The whole catalogue as docs/reference.md.
std::string reference_markdown(const Catalog& catalog);

}  // namespace flume::lang

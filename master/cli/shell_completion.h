// What may stand at the end of a line of `flume shell`: commands of the shell and of the master, names of nodes, and
// within a specification whatever the dataflow language allows there. Pure function.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/catalog.h"

namespace flume::master {

struct ShellVocabulary {
  std::vector<std::string> shell_commands;
  std::vector<std::string> master_commands;
  std::function<std::vector<std::string>()> nodes;  // asked for when needed: it takes a call to the master
  const lang::Catalog* catalog = nullptr;           // null: no components
};

// `word` is the end of `line`, as the terminal cuts it; the answers replace it, and begin with it.
std::vector<std::string> complete_shell_line(std::string_view line, std::string_view word,
                                             const ShellVocabulary& vocabulary);

// The quote that is open at the end of the line, else 0.
char open_quote(std::string_view line);

}  // namespace flume::master

// Options of one command of the command line, over CLI11: declare them on a CLI::App, then parse. Errors are one line
// on stderr with the nearest known option, and a usage line. Main thread, before anything else runs.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>

namespace flume {

// An exit code when the command is over already: --help was asked for (0) or the arguments are wrong (2).
std::optional<int> parse_options(CLI::App& app, std::span<const std::string> args);

// What `flume help COMMAND` shows.
std::string usage_of(const CLI::App& app);

}  // namespace flume

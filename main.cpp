// flume: one program for masters, nodes and tools. Reads the settings, gathers the commands of all layers and runs one.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "common/base/command.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/config/settings.h"
#include "dataflow-lang/cli/commands.h"
#include "master/cli/commands.h"
#include "node/cli/commands.h"
#include "node/components.h"
#include "node/runtime/program.h"

namespace flume {
namespace {

struct CommandLine {
  std::vector<std::pair<std::string, std::string>> overrides;
  std::vector<std::string> override_words;  // as they were written
  std::vector<std::string> words;           // the command and its arguments
};

// Takes -D name=value and -Dname=value out, wherever they stand before a "--".
Result<CommandLine> read_command_line(std::vector<std::string> words) {
  CommandLine line;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      line.words.insert(line.words.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    if (!words[i].starts_with("-D")) {
      line.words.push_back(std::move(words[i]));
      continue;
    }
    std::string setting = words[i].substr(2);
    if (setting.empty() && i + 1 < words.size()) {
      setting = words[++i];
    }
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return invalid(str_cat("-D ", setting, ": expected name=value"));
    }
    line.override_words.push_back("-D" + setting);
    line.overrides.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return line;
}

Result<Settings> load_settings(const CommandLine& line) {
  std::vector<std::string> warnings;
  auto settings = Settings::load(find_conf_dir(), line.overrides, warnings);
  for (const std::string& warning : warnings) {
    std::fputs(str_cat("flume: ", warning, "\n").c_str(), stderr);
  }
  if (!settings.ok()) {
    return settings.status();
  }
  LogLevel level = LogLevel::kInfo;
  if (parse_log_level(settings->text("flume.log.level"), level)) {
    set_log_level(level);
  }
  FLUME_RETURN_IF_ERROR(set_log_file(settings->text("flume.log.file")));
  return settings;
}

Command version_command() {
  return {"version", "print the version", "flume version\n", [](std::span<const std::string>) {
            std::puts("flume " FLUME_VERSION);
            return kExitOk;
          }};
}

int unknown_command(const std::string& word, const std::vector<Command>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const Command& command : commands) {
    names.push_back(command.name);
  }
  const auto nearest = nearest_name(word, names);
  std::fputs(str_cat("flume: no command ", quoted(word), nearest ? str_cat("; did you mean ", *nearest, "?") : "",
                     "\nflume help lists them all\n")
                 .c_str(),
             stderr);
  return kExitUsage;
}

int usage_error(const Status& status) {
  std::fputs(str_cat("flume: ", status.message(), "\n").c_str(), stderr);
  return kExitUsage;
}

int run(std::vector<std::string> arguments) {
  auto line = read_command_line(std::move(arguments));
  if (!line.ok()) {
    return usage_error(line.status());
  }
  const auto settings = load_settings(*line);
  if (!settings.ok()) {
    return usage_error(settings.status());
  }
  arm_faults_from_environment();
  node::Registry registry;
  node::register_components(registry);
  std::vector<Command> commands = node::node_commands(*settings, registry, line->override_words);
  for (Command& command : lang::lang_commands(registry.catalog(), node::check_options(*settings))) {
    commands.push_back(std::move(command));
  }
  for (Command& command : master::master_commands(*settings, registry.catalog(), line->override_words)) {
    commands.push_back(std::move(command));
  }
  commands.push_back(version_command());
  commands.push_back(lang::help_command(registry.catalog(), commands));

  std::vector<std::string>& words = line->words;
  if (words.empty()) {
    (void)commands.back().run({});
    return kExitUsage;
  }
  if (words[0] == "-h" || words[0] == "--help" || words[0] == "-?") {
    words[0] = "help";
  } else if (words[0] == "-v" || words[0] == "--version") {
    words[0] = "version";
  }
  for (const Command& command : commands) {
    if (command.name == words[0]) {
      return command.run(std::span<const std::string>(words).subspan(1));
    }
  }
  return unknown_command(words[0], commands);
}

}  // namespace
}  // namespace flume

int main(int argc, char** argv) {
  // Batches are few and large: more heaps would only hold more memory.
  ::mallopt(M_ARENA_MAX, 2);
  return flume::run(std::vector<std::string>(argv + 1, argv + argc));
}

// flume shell: a terminal with history and completion, a script, or single commands.
#include <readline/history.h>
#include <readline/readline.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "master/cli/commands.h"
#include "master/cli/shell.h"
#include "master/cli/shell_completion.h"

namespace flume::master {
namespace {

constexpr int kHistoryLines = 1000;

struct ShellOptions {
  std::string connect;
  std::vector<std::string> commands;
  std::string script;
  bool quiet = false;
};

void declare(CLI::App& app, ShellOptions& options) {
  app.add_option("-c", options.connect, "connect to this master first")->type_name("HOST[:ADMINPORT[:REPORTPORT]]");
  app.add_option("-e", options.commands, "run this line and end; may be given many times")
      ->type_name("LINE")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("-s", options.script, "run the lines of this file and end")->type_name("FILE");
  app.add_flag("-q", options.quiet, "no banner and no prompt");
}

// Readline calls back without a pointer of ours.
Shell* completing = nullptr;  // main thread, while a line is read

char* next_completion(const char* text, int state) {
  static std::vector<std::string> found;
  static size_t next = 0;
  if (state == 0) {
    const std::string line(rl_line_buffer, static_cast<size_t>(rl_point));
    const bool goes_on = open_quote(line) != 0;           // a specification
    rl_completion_append_character = goes_on ? 0 : 0x20;  // a blank
    found = completing->completions(line, text);
    next = 0;
  }
  return next < found.size() ? ::strdup(found[next++].c_str()) : nullptr;
}

char** complete_word(const char* text, int, int) {
  rl_attempted_completion_over = 1;  // no file names
  return rl_completion_matches(text, next_completion);
}

std::string history_file() {
  const char* const home = std::getenv("HOME");
  return home == nullptr ? std::string() : str_cat(std::string(home), "/.flume_history");
}

int code_of(Shell::Outcome outcome) { return outcome == Shell::Outcome::kFailed ? kExitFailed : kExitOk; }

int run_terminal(Shell& shell) {
  completing = &shell;
  rl_readline_name = "flume";
  rl_attempted_completion_function = complete_word;
  const std::string history = history_file();
  ::read_history(history.c_str());
  ::stifle_history(kHistoryLines);
  while (true) {
    const std::unique_ptr<char, void (*)(void*)> line(::readline(shell.prompt().c_str()), std::free);
    if (line == nullptr) {
      break;
    }
    if (*line != '\0') {
      ::add_history(line.get());
    }
    if (shell.run_line(line.get()) == Shell::Outcome::kQuit) {
      break;
    }
  }
  if (!history.empty()) {
    ::write_history(history.c_str());
  }
  return kExitOk;
}

// Lines from a pipe: as a script, but -s reads a file.
int run_pipe(Shell& shell) {
  int code = kExitOk;
  for (std::string line; std::getline(std::cin, line);) {
    const Shell::Outcome outcome = shell.run_line(line);
    if (outcome == Shell::Outcome::kQuit) {
      break;
    }
    code = outcome == Shell::Outcome::kFailed ? kExitFailed : code;
  }
  return code;
}

int run_shell(const Settings& settings, const lang::Catalog& catalog, std::span<const std::string> args) {
  CLI::App app("Commands for a running master: a terminal with history and completion, or a script.", "shell");
  ShellOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  Shell::Options shell_options;
  shell_options.default_port = static_cast<uint16_t>(settings.integer("flume.config.admin.port"));
  shell_options.quiet = options.quiet || !options.commands.empty() || !options.script.empty();
  shell_options.catalog = &catalog;
  Shell shell(shell_options, stdout, stderr);
  if (!options.connect.empty() && shell.run_line("connect " + options.connect) != Shell::Outcome::kDone) {
    return kExitFailed;
  }
  if (!options.commands.empty()) {
    for (const std::string& line : options.commands) {
      if (const Shell::Outcome outcome = shell.run_line(line); outcome != Shell::Outcome::kDone) {
        return code_of(outcome);
      }
    }
    return kExitOk;
  }
  if (!options.script.empty()) {
    return code_of(shell.run_file(options.script));
  }
  if (::isatty(STDIN_FILENO) == 0) {
    return run_pipe(shell);
  }
  if (!options.quiet) {
    std::puts("flume shell; help lists the commands, Tab completes, quit ends.");
  }
  return run_terminal(shell);
}

}  // namespace

Command shell_command(const Settings& settings, const lang::Catalog& catalog) {
  CLI::App shown("Commands for a running master: a terminal with history and completion, or a script.", "shell");
  ShellOptions unused;
  declare(shown, unused);
  return {"shell", "talk to a master", usage_of(shown),
          [&settings, &catalog](std::span<const std::string> args) { return run_shell(settings, catalog, args); }};
}

}  // namespace flume::master

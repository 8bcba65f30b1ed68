#include "master/cli/shell.h"

#include <poll.h>

#include <algorithm>
#include <fstream>

#include "common/base/text.h"
#include "master/cli/shell_completion.h"
#include "master/commands/command.h"

namespace flume::master {
namespace {

constexpr int kMaxDepth = 8;
constexpr int kPollMillis = 50;

void pause() { ::poll(nullptr, 0, kPollMillis); }

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// Rows with columns as wide as their longest cell.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      str_append(out, i > 0 ? "\t" : "", i + 1 < row.size() ? padded(row[i], widths[i]) : row[i]);
    }
    out += '\n';
  }
  return out;
}

Result<Duration> millis_of(const std::string& text) {
  const auto millis = parse_number<int64_t>(text);
  if (!millis || *millis > INT32_MAX) {
    return invalid(str_cat(quoted(text), ": expected a number of milliseconds"));
  }
  return Duration(std::chrono::milliseconds(*millis));
}

// 0 and less: for ever.
Wait wait_of(Duration time) { return time <= Duration::zero() ? Wait() : Wait::for_duration(time); }

}  // namespace

struct Shell::Builtin {
  std::string name;
  std::string usage;
  std::string doc;
  size_t least_args;
  bool needs_master;
};

const std::vector<Shell::Builtin>& Shell::builtins() {
  static const std::vector<Builtin> all = {
      {"connect", "connect HOST[:PORT]", "talks to the master there", 1, false},
      {"exec", "exec COMMAND [ARGS]", "runs a command of the master and waits for its end (10 s)", 1, true},
      {"submit", "submit COMMAND [ARGS]", "hands in a command without waiting", 1, true},
      {"wait", "wait [MS [ID]]", "waits for the last (or that) command; 0 = for ever", 0, true},
      {"waitForNodesActive", "waitForNodesActive MS NODE...", "waits until all run; 0 = for ever", 2, true},
      {"waitForNodesDone", "waitForNodesDone MS NODE...", "waits until all have ended; 0 = for ever", 2, true},
      {"getnodestatus", "getnodestatus", "states of all logical nodes", 0, true},
      {"getconfigs", "getconfigs", "configurations, as they were written", 0, true},
      {"getmappings", "getmappings [PHYSICAL]", "which logical nodes are on which machine", 0, true},
      {"source", "source FILE", "runs the lines of a file", 1, false},
      {"help", "help", "shows this", 0, false},
      {"quit", "quit", "ends the shell", 0, false},
  };
  return all;
}

void Shell::say(const std::string& line) {
  std::fputs((line + "\n").c_str(), out_);
  std::fflush(out_);
}

Shell::Outcome Shell::complain(const std::string& message) {
  std::fputs((message + "\n").c_str(), err_);
  std::fflush(err_);
  return Outcome::kFailed;
}

std::string Shell::prompt() const {
  return options_.quiet ? "" : str_cat("[flume ", client_.is_connected() ? peer_ : "(disconnected)", "] ");
}

Shell::Outcome Shell::run_line(const std::string& line) {
  const auto words = shell_words(line);
  if (!words.ok()) {
    return complain(str_cat("failed to run command ", quoted(line), ": ", words.status().message()));
  }
  if (words->empty()) {
    return Outcome::kDone;
  }
  const std::string& name = words->front();
  const std::vector<std::string> args(words->begin() + 1, words->end());
  const auto found =
      std::find_if(builtins().begin(), builtins().end(), [&](const Builtin& builtin) { return builtin.name == name; });
  if (found == builtins().end()) {
    std::vector<std::string> names;
    for (const Builtin& builtin : builtins()) {
      names.push_back(builtin.name);
    }
    const auto nearest = nearest_name(name, names);
    return complain(str_cat("unknown command ", quoted(name),
                            nearest ? str_cat("; did you mean ", *nearest, "?") : std::string("; help lists them")));
  }
  if (args.size() < found->least_args) {
    return complain(str_cat(name, " needs ", found->least_args, " argument", found->least_args == 1 ? "" : "s", ": ",
                            found->usage));
  }
  if (found->needs_master && !client_.is_connected()) {
    return complain("not connected; connect HOST comes first");
  }
  if (name == "connect") {
    return connect(args);
  }
  if (name == "exec") {
    return exec(args);
  }
  if (name == "submit") {
    return submit(args);
  }
  if (name == "wait") {
    return wait(args);
  }
  if (name == "waitForNodesActive") {
    return wait_for_nodes(args, true);
  }
  if (name == "waitForNodesDone") {
    return wait_for_nodes(args, false);
  }
  if (name == "getnodestatus") {
    return show_nodes();
  }
  if (name == "getconfigs") {
    return show_configs();
  }
  if (name == "getmappings") {
    return show_mappings(args);
  }
  if (name == "source") {
    return source(args);
  }
  if (name == "help") {
    return help();
  }
  return Outcome::kQuit;
}

Shell::Outcome Shell::run_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return complain("cannot read " + quoted(path));
  }
  if (depth_ >= kMaxDepth) {
    return complain(str_cat("source ", quoted(path), ": files run files more than ", kMaxDepth, " deep"));
  }
  ++depth_;
  Outcome all = Outcome::kDone;
  for (std::string line; std::getline(file, line);) {
    const Outcome outcome = run_line(line);
    if (outcome == Outcome::kQuit) {
      break;
    }
    all = outcome == Outcome::kFailed ? outcome : all;
  }
  --depth_;
  return all;
}

Shell::Outcome Shell::source(const std::vector<std::string>& args) { return run_file(args[0]); }

Shell::Outcome Shell::connect(const std::vector<std::string>& args) {
  Status last;
  for (const std::string_view one : split(args[0], ',')) {
    const auto target = parse_shell_target(trim(one), options_.default_port);
    if (!target.ok()) {
      return complain("connect " + std::string(target.status().message()));
    }
    last = client_.connect(target->host, target->port, options_.call_time);
    if (last.ok()) {
      peer_ = str_cat(target->host, ":", target->port);
      if (!options_.quiet) {
        say("Connected to " + peer_);
      }
      return Outcome::kDone;
    }
  }
  return complain(std::string(last.message()));
}

Shell::Outcome Shell::exec(const std::vector<std::string>& args) {
  const auto id = client_.submit(args[0], {args.begin() + 1, args.end()});
  if (!id.ok()) {
    return complain(std::string(id.status().message()));
  }
  last_id_ = *id;
  say(str_cat("[id: ", *id, "] Execing command : ", args[0]));
  return wait_for_command(*id, wait_of(options_.exec_time));
}

Shell::Outcome Shell::submit(const std::vector<std::string>& args) {
  const auto id = client_.submit(args[0], {args.begin() + 1, args.end()});
  if (!id.ok()) {
    return complain(std::string(id.status().message()));
  }
  last_id_ = *id;
  say(str_cat("[id: ", *id, "] Submitted command : ", args[0]));
  return Outcome::kDone;
}

Shell::Outcome Shell::wait_for_command(int64_t id, const Wait& wait) {
  while (true) {
    const auto command = client_.command(id);
    if (!command.ok()) {
      return complain(std::string(command.status().message()));
    }
    if (command->is_finished()) {
      if (command->state == "FAILED") {
        return complain("Command failed\n" + command->message);
      }
      say("Command succeeded");
      if (!command->message.empty()) {
        say(command->message);
      }
      return Outcome::kDone;
    }
    if (wait.over()) {
      return complain("Command timed out");
    }
    pause();
  }
}

Shell::Outcome Shell::wait(const std::vector<std::string>& args) {
  const auto time = args.empty() ? Result<Duration>(Duration::zero()) : millis_of(args[0]);
  if (!time.ok()) {
    return complain("wait: " + std::string(time.status().message()));
  }
  const auto id = args.size() > 1 ? parse_number<int64_t>(args[1]) : last_id_;
  if (!id || *id < 0) {
    return complain(args.size() > 1 ? str_cat("wait: ", quoted(args[1]), " is no command's id")
                                    : std::string("wait: no command was handed in yet"));
  }
  return wait_for_command(*id, wait_of(*time));
}

Shell::Outcome Shell::wait_for_nodes(const std::vector<std::string>& args, bool active) {
  const auto time = millis_of(args[0]);
  if (!time.ok()) {
    return complain(std::string(time.status().message()));
  }
  const std::vector<std::string> wanted = active ? std::vector<std::string>{"ACTIVE", "CONFIGURING"}
                                                 : std::vector<std::string>{"IDLE", "ERROR", "LOST", "DECOMMISSIONED"};
  const Wait wait = wait_of(*time);
  while (true) {
    const auto nodes = client_.nodes();
    if (!nodes.ok()) {
      return complain(std::string(nodes.status().message()));
    }
    const auto is_there = [&](const std::string& name) {
      const auto found = nodes->find(name);
      return found != nodes->end() && found->second.version != 0 &&
             std::find(wanted.begin(), wanted.end(), found->second.state) != wanted.end();
    };
    if (std::all_of(args.begin() + 1, args.end(), is_there)) {
      return Outcome::kDone;
    }
    if (wait.over()) {
      return complain("Command timed out");
    }
    pause();
  }
}

Shell::Outcome Shell::show_nodes() {
  const auto nodes = client_.nodes();
  if (!nodes.ok()) {
    return complain(std::string(nodes.status().message()));
  }
  say(str_cat("Master knows about ", nodes->size(), " nodes"));
  for (const auto& [name, node] : *nodes) {
    say(str_cat("\t", name, " --> ", node.state));
  }
  return Outcome::kDone;
}

Shell::Outcome Shell::show_configs() {
  const auto configs = client_.configs();
  if (!configs.ok()) {
    return complain(std::string(configs.status().message()));
  }
  if (configs->empty()) {
    say("Master has no logical node configurations.");
    return Outcome::kDone;
  }
  std::vector<std::vector<std::string>> rows = {{"NODE", "FLOW", "SOURCE", "SINK"}};
  for (const auto& [name, config] : *configs) {
    rows.push_back({name, config.flow, config.source, config.sink});
  }
  std::fputs(table(rows).c_str(), out_);
  std::fflush(out_);
  return Outcome::kDone;
}

Shell::Outcome Shell::show_mappings(const std::vector<std::string>& args) {
  const auto mappings = client_.mappings(args.empty() ? "" : args[0]);
  if (!mappings.ok()) {
    return complain(std::string(mappings.status().message()));
  }
  if (mappings->empty()) {
    say("No physical / logical node mappings. Use map to put a logical node on a machine.");
    return Outcome::kDone;
  }
  say(str_cat("Master has the following mappings", args.empty() ? "" : " for physical node " + args[0]));
  for (const auto& [physical, logical] : *mappings) {
    say(str_cat(padded(physical, 30), " --> [", join(logical, ", "), "]"));
  }
  return Outcome::kDone;
}

Shell::Outcome Shell::help() {
  std::string text;
  for (const Builtin& builtin : builtins()) {
    str_append(text, "  ", padded(builtin.usage, 32), builtin.doc, "\n");
  }
  text += "\nCommands of the master, for exec and submit:\n";
  for (const CommandSpec& command : command_table()) {
    str_append(text, "  ", command.usage(), "\n      ", command.summary, "\n");
  }
  std::fputs(text.c_str(), out_);
  std::fflush(out_);
  return Outcome::kDone;
}

std::vector<std::string> Shell::completions(const std::string& line, const std::string& word) {
  ShellVocabulary vocabulary;
  for (const Builtin& builtin : builtins()) {
    vocabulary.shell_commands.push_back(builtin.name);
  }
  for (const CommandSpec& command : command_table()) {
    vocabulary.master_commands.push_back(command.name);
  }
  vocabulary.nodes = [this] {
    std::vector<std::string> names;
    if (client_.is_connected()) {
      if (const auto nodes = client_.nodes(); nodes.ok()) {
        for (const auto& [name, node] : *nodes) {
          names.push_back(name);
        }
      }
    }
    return names;
  };
  vocabulary.catalog = options_.catalog;
  return complete_shell_line(line, word, vocabulary);
}

}  // namespace flume::master

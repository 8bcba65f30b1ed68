// Commands: everything that changes what the master keeps. Each describes itself once (command_table()): from that come
// the checking of arguments, `help`, the page's form, the shell's completion and docs. A command is a function of the
// current View that says what to change; the queue (command_queue.h) commits that, and its place in the history, at
// once. It runs again on a newer View when somebody else changed the same keys meanwhile, so it must have no other
// effect before its commit.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/stop.h"
#include "master/config/spec_checker.h"
#include "master/config/view.h"

namespace flume::master {

struct CommandArg {
  std::string name;
  std::string type;  // text integer logical physical flow source sink spec path
  std::string doc;
  bool required = true;
  bool repeated = false;
};

struct CommandExample {
  std::vector<std::string> args;
  std::string doc;
};

struct CommandInput {
  std::span<const std::string> args;  // as many as one of the forms takes
  const View& view;
  const SpecChecker& checker;
  Clock& clock;
  const Wait& wait;
  const std::string& who;
  const std::string& save_file;  // of `save` and `load` without an argument
  const std::string& default_flow;
  std::optional<Revision> if_revision = {};  // config only: what the configuration must be at now; 0 = absent
};

struct CommandOutcome {
  Status status;
  std::vector<Change> changes;
  std::vector<SpecFinding> findings;  // of the specification, with the warnings of a good one
  bool is_spec_error = false;
  std::vector<std::string> forget;  // nodes whose reported state is forgotten after the commit
  bool forget_all = false;
};

struct CommandSpec {
  std::string name;
  std::string summary;
  bool changes = true;                         // false: only looks or waits
  std::vector<std::vector<CommandArg>> forms;  // ways to call it, told apart by the number of arguments
  std::vector<CommandExample> examples;
  std::function<CommandOutcome(const CommandInput&)> run;

  std::string usage() const;  // "config NODE SOURCE SINK | config NODE FLOW SOURCE SINK"
};

std::span<const CommandSpec> command_table();  // sorted by name
const CommandSpec* find_command(std::string_view name);
// kInvalid: unknown command (with the nearest name), or a number of arguments that no form takes (with the usage).
Status check_command(std::string_view name, size_t arguments);
// The whole table as docs/api.md shows it for /commands/schema.
std::string command_schema_json();

}  // namespace flume::master

// flume node, nodei and node_nowatch.
#include <cstdio>
#include <optional>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/cli/termination.h"
#include "common/cli/watchdog.h"
#include "dataflow-lang/parser.h"
#include "node/cli/commands.h"
#include "node/cli/running.h"
#include "node/identity.h"
#include "node/runtime/program.h"

namespace flume::node {
namespace {

struct NodeOptions {
  std::string name = host_name();
  std::string spec;
  bool has_spec = false;
  bool one_shot = false;
  bool no_page = false;
};

void declare(CLI::App& app, NodeOptions& options) {
  app.add_option("-n", options.name, "name of this physical node (default: the machine's name)")->type_name("NAME");
  app.add_option("-c", options.spec, "run the node of this name in a specification, until a master says otherwise")
      ->type_name("SPEC");
  app.add_flag("-1", options.one_shot, "once: ask no master, end with the source (exit code 1 after an error)");
  app.add_flag("-s", options.no_page, "serve no status page");
}

// The configuration of the node called `name`. Nothing: it was reported.
std::optional<LogicalConfig> config_of(const NodeOptions& options, const Settings& settings, const Registry& registry) {
  const lang::SourceText text(options.spec, "spec");
  const lang::Checked checked = lang::check_text(text, registry.catalog(), check_options(settings));
  std::fputs(lang::to_text(checked.diagnostics).c_str(), stderr);
  if (!checked.ok()) {
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const lang::NodePlan& plan : checked.nodes) {
    if (plan.name == options.name) {
      LogicalConfig config;
      config.name = options.name;
      config.flow = settings.text("flume.flow.default.name");
      config.source = plan.source->text;
      config.sink = plan.sink->text;
      return config;
    }
    names.push_back(plan.name);
  }
  std::fputs(str_cat("node: the specification does not describe ", quoted(options.name), ", only ",
                     names.empty() ? std::string("nothing") : join(names, ", "), "\n")
                 .c_str(),
             stderr);
  return std::nullopt;
}

int run_node(const Settings& settings, const Registry& registry, std::span<const std::string> args) {
  CLI::App app("Runs a node in the foreground.", "node_nowatch");
  NodeOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  if (!lang::is_node_name(options.name)) {
    std::fputs(str_cat("node: ", quoted(options.name), " cannot be the name of a node\n").c_str(), stderr);
    return kExitUsage;
  }
  std::optional<LogicalConfig> config;
  if (app.count("-c") > 0) {
    config = config_of(options, settings, registry);
    if (!config) {
      return kExitUsage;
    }
  }
  PhysicalNodeOptions node;
  node.name = options.name;
  node.one_shot = options.one_shot;
  node.asks_masters = !options.one_shot;
  node.status_page = !options.no_page;
  return run_physical_node(node, config, settings, registry);
}

int watch_node(const Settings& settings, const std::vector<std::string>& overrides, bool keep_stdin,
               std::span<const std::string> args) {
  CLI::App app("Runs a node and starts it anew when it crashes.", keep_stdin ? "nodei" : "node");
  NodeOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  WatchdogOptions watchdog;
  watchdog.command = {"node_nowatch"};
  watchdog.command.insert(watchdog.command.end(), overrides.begin(), overrides.end());
  watchdog.command.insert(watchdog.command.end(), args.begin(), args.end());
  watchdog.restarts_per_minute = static_cast<int>(settings.integer("watchdog.restarts.max"));
  watchdog.keep_stdin = keep_stdin;
  return run_watchdog(watchdog);
}

std::string usage(const std::string& name, const std::string& text) {
  CLI::App app(text, name);
  NodeOptions options;
  declare(app, options);
  return usage_of(app);
}

}  // namespace

std::vector<Command> node_run_commands(const Settings& settings, const Registry& registry,
                                       const std::vector<std::string>& overrides) {
  std::vector<Command> commands;
  commands.push_back({"node", "run a node, with a watchdog",
                      usage("node", "Runs a node and starts it anew when it crashes."),
                      [&settings, overrides](std::span<const std::string> args) {
                        return watch_node(settings, overrides, false, args);
                      }});
  commands.push_back({"nodei", "the same, reading standard input",
                      usage("nodei", "Runs a node and starts it anew when it crashes; its standard input is this one."),
                      [&settings, overrides](std::span<const std::string> args) {
                        return watch_node(settings, overrides, true, args);
                      }});
  commands.push_back(
      {"node_nowatch", "run a node in the foreground", usage("node_nowatch", "Runs a node in the foreground."),
       [&settings, &registry](std::span<const std::string> args) { return run_node(settings, registry, args); }});
  return commands;
}

}  // namespace flume::node

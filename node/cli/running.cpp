#include "node/cli/running.h"

#include <cstdio>
#include <utility>

#include "common/base/text.h"
#include "common/cli/termination.h"
#include "node/cli/commands.h"
#include "node/cli/wal_commands.h"
#include "node/runtime/program.h"

namespace flume::node {
namespace {

int failed(const Status& status) {
  std::fputs(str_cat("flume: ", status.message(), "\n").c_str(), stderr);
  return kExitFailed;
}

// After the end of a one-shot node: what went wrong, if anything.
int outcome(const NodeSet& set) {
  int code = kExitOk;
  for (const LogicalStatus& status : set.list()) {
    if (status.state == NodeState::kError) {
      std::fputs(str_cat("flume: ", status.name, ": ", status.error, "\n").c_str(), stderr);
      code = kExitFailed;
    }
  }
  return code;
}

}  // namespace

int run_physical_node(const PhysicalNodeOptions& options, const std::optional<LogicalConfig>& config,
                      const Settings& settings, const Registry& registry,
                      const std::function<void(const NodeSet&)>& at_end) {
  Termination termination;
  auto node = PhysicalNode::create(options, settings, registry);
  if (!node.ok()) {
    return failed(node.status());
  }
  if (config) {
    if (const Status status = (*node)->logical_nodes().set(*config); !status.ok()) {
      std::fputs(str_cat(status.message(), "\n").c_str(), stderr);
      return kExitUsage;
    }
  }
  if (const Status status = (*node)->start(); !status.ok()) {
    (*node)->stop();
    return failed(status);
  }
  int code = kExitOk;
  if (options.one_shot) {
    (void)(*node)->logical_nodes().wait_until_done(Wait{TimePoint::max(), termination.stop().token()});
    code = outcome((*node)->logical_nodes());
    if (at_end) {
      at_end((*node)->logical_nodes());
    }
  } else {
    termination.wait();
  }
  (*node)->stop();
  return code;
}

int run_flow(const std::string& name, const std::string& source, const std::string& sink, const Settings& settings,
             const Registry& registry, const std::function<void(const NodeSet&)>& at_end) {
  lang::CheckOptions options = check_options(settings);
  options.logical_node_known = false;
  const lang::CheckedNode checked = lang::check_node(name, source, sink, registry.catalog(), options);
  std::fputs(lang::to_text(checked.diagnostics).c_str(), stderr);
  if (!checked.ok()) {
    return kExitUsage;
  }
  LogicalConfig config;
  config.name = name;
  config.source = source;
  config.sink = sink;
  PhysicalNodeOptions node;
  node.name = name;
  node.keeps_state = false;
  node.one_shot = true;
  node.status_page = false;
  node.asks_masters = false;
  return run_physical_node(node, config, settings, registry, at_end);
}

std::vector<Command> node_commands(const Settings& settings, const Registry& registry,
                                   const std::vector<std::string>& overrides) {
  std::vector<Command> commands = node_run_commands(settings, registry, overrides);
  for (Command& command : one_shot_commands(settings, registry)) {
    commands.push_back(std::move(command));
  }
  commands.push_back(wal_command(settings, registry));
  commands.push_back(dumplog_command(settings));
  commands.push_back(torture_command(registry));
  return commands;
}

}  // namespace flume::node

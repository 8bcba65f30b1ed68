#include "node/cli/running.h"

#include <cstdio>
#include <utility>

#include "common/base/text.h"
#include "common/cli/termination.h"
#include "node/cli/commands.h"

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
                      const Settings& settings, const Registry& registry) {
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
  } else {
    termination.wait();
  }
  (*node)->stop();
  return code;
}

std::vector<Command> node_commands(const Settings& settings, const Registry& registry,
                                   const std::vector<std::string>& overrides) {
  std::vector<Command> commands = node_run_commands(settings, registry, overrides);
  for (Command& command : one_shot_commands(settings, registry)) {
    commands.push_back(std::move(command));
  }
  return commands;
}

}  // namespace flume::node

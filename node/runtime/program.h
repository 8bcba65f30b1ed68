// Program: a configuration that was parsed and checked, ready to be built as often as wanted. Value, immutable.
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "dataflow-lang/checker.h"
#include "node/runtime/node_set.h"
#include "node/runtime/promise.h"
#include "node/runtime/registry.h"

namespace flume::node {

struct Program {
  std::string flow;
  uint64_t revision = 0;
  std::string source_text;  // canonical
  std::string sink_text;
  std::function<std::unique_ptr<Source>()> source;
  std::function<std::unique_ptr<Sink>()> sink;
  bool replayable = false;  // the source's rewind() works
  FlowPromise promise;
};
using ProgramPtr = std::shared_ptr<const Program>;

// kInvalid with every error, each with its place; kPermission when the configuration came from a master and the node's
// owner does not allow what it does. The registry must outlive the program.
Result<ProgramPtr> compile(const LogicalConfig& config, const Registry& registry, const Settings& settings,
                           const Capabilities& capabilities);
// From a plan that was checked already.
ProgramPtr compile(const lang::NodePlan& plan, const Registry& registry);

// Checks with the defaults that this process's settings give.
lang::CheckOptions check_options(const Settings& settings);

}  // namespace flume::node

// What all agent sinks can be told by keyword: compression=, and batchCount= and batchMillis= of classic
// configurations. Values; the sink: Thread: driver.
#pragma once

#include <memory>
#include <vector>

#include "dataflow-lang/catalog.h"
#include "dataflow-lang/plan.h"
#include "node/runtime/component.h"

namespace flume::node {

void add_agent_options(std::vector<lang::ArgSpec>& args);

// `sub`, given what it gets compressed as these arguments say. A batch is compressed once, here: it stays so on the
// wire, in logs and through relays, until somebody needs its bodies.
std::unique_ptr<Sink> compressing(std::unique_ptr<Sink> sub, const lang::Args& args);

}  // namespace flume::node

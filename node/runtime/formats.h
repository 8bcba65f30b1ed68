// Output formats as arguments: their descriptions for the catalogue, and the format that an argument of type kFormat
// names. Thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "common/event/format.h"
#include "dataflow-lang/plan.h"
#include "node/runtime/registry.h"

namespace flume::node {

void register_formats(Registry& registry);

// A maker: one format object a file. The checker let the argument through, so making it cannot fail. The maker owns
// what it needs of the argument.
std::function<std::unique_ptr<OutputFormat>()> format_maker(const lang::FunctionValue& argument);

}  // namespace flume::node

// Walk and replace in trees: for the master's translation of logical sources and sinks. Pure functions.
#pragma once

#include <functional>
#include <optional>

#include "dataflow-lang/ast.h"

namespace flume::lang {

// Every call of the tree, from the outside in: plain sinks, decorators, and the heads of roll and collector.
void for_each_call(const SinkTree& tree, const std::function<void(SinkTree::Kind kind, const Call& call)>& visit);

// A copy in which each plain sink for which `replace` returns a tree is that tree. What is put in is not walked again.
SinkTree replace_sinks(const SinkTree& tree, const std::function<std::optional<SinkTree>(const Call& sink)>& replace);

}  // namespace flume::lang

// The registry with every component of this program. main.cpp gives its catalog to the master; the node builds from it.
#pragma once

#include "node/runtime/registry.h"

namespace flume::node {

void register_components(Registry& registry);

}  // namespace flume::node

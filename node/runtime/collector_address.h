// The arguments (host, port) of every sink that sends to one collector. Values.
#pragma once

#include <vector>

#include "common/base/host_port.h"
#include "dataflow-lang/catalog.h"
#include "dataflow-lang/plan.h"

namespace flume::node {

std::vector<lang::ArgSpec> collector_arguments();
HostPort collector_of(const lang::Args& args);  // what these were given

}  // namespace flume::node

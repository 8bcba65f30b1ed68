// The logs of logical nodes for /metrics, in the text exposition format: read when somebody asks, so a log that is
// closed or gone has no series. Pure function.
#pragma once

#include <string>
#include <vector>

#include "node/runtime/node_set.h"

namespace flume::node {

std::string log_metrics(const std::vector<LogicalStatus>& nodes, int64_t now_millis);

}  // namespace flume::node

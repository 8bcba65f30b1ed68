// What a collector puts around a sink: what classic agents packed is unpacked, and the sink is built anew each period
// with the period's name in the attribute rolltag. For collectorSink and collector() { }. Value.
#pragma once

#include <string>

#include "common/base/clock.h"
#include "dataflow-lang/plan.h"

namespace flume::node {

// gunzip unbatch ackChecker roll(period) { body }. `path` is the place of the whole; body's has to be
// collector_body_path(path).
lang::PlanPtr collector_plan(const std::string& path, Duration period, lang::PlanPtr body);
std::string collector_body_path(const std::string& path);

}  // namespace flume::node

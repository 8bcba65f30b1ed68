// What a flow promises of each row, and why: read off its plan, component by component, as docs/reliability.md says in
// words. For the node's page: nobody should have to know the table by heart. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/catalog.h"
#include "dataflow-lang/plan.h"

namespace flume::node {

enum class Promise : uint8_t {
  kOnce,         // nothing lost, nothing twice
  kOnceInFiles,  // as far as the collector's files: nothing lost, but a sink there that keeps no journal may repeat
                 // rows
  kAtLeastOnce,  // nothing lost; after a failure some rows may be there twice
  kBestEffort,   // rows may be lost, each counted
};
std::string_view promise_name(Promise promise);  // "exactly_once", "exactly_once_in_files", "at_least_once", ...

struct SinkPromise {
  std::string path;  // place in the plan
  std::string sink;  // its name
  Promise promise = Promise::kAtLeastOnce;
  std::string why;  // a sentence
};

struct FlowPromise {
  Promise promise = Promise::kAtLeastOnce;  // of the weakest sink
  std::string source;                       // what its source adds to it; empty: it can go back
  std::vector<SinkPromise> sinks;
  bool may_join = false;  // all rows go to logs, and what is in front of these may change their number
};

FlowPromise promise_of(const lang::NodePlan& plan, const lang::Catalog& catalog);

}  // namespace flume::node

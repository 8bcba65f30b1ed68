// JSON of what a logical node promises and of its logs, as docs/api.md has it: for the node's own API and for its
// reports to the master. Pure functions.
#pragma once

#include <string>

#include "common/json/json.h"
#include "node/runtime/node_set.h"

namespace flume::node {

void write_amount(JsonWriter& json, std::string_view name, const Amount& amount);
void write_dropped(JsonWriter& json, const std::map<std::string, Amount>& dropped);  // with its key

std::string promise_json(const LogicalStatus& node);  // an object
std::string logs_json(const LogicalStatus& node);     // an array

}  // namespace flume::node

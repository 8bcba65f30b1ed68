// What a node is told, from what it should run and what it last reported: the difference, and nothing it did not get
// wrong. Pure functions, and the words of the wire turned into the master's own.
#pragma once

#include <string>

#include "master/nodes/node_table.h"
#include "master/translate/wanted.h"
#include "rpc/control_types.h"

namespace flume::master {

PhysicalReport report_from(const rpc::control::NodeReport& report);

struct DesiredFor {
  rpc::control::Desired desired;
  bool is_behind = false;  // the node has something to do: answer at once
};
// `node` null: it is not known, and asked for everything. `store_id`: this master's, 16 bytes.
DesiredFor desired_for(const Wanted& wanted, const PhysicalStatus* node, const std::string& physical,
                       const std::string& store_id);

}  // namespace flume::master

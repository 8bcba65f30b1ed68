// Picture: configurations and reports put together: every logical node that is configured, mapped or reported, with the
// state that the master shows for it, and every physical node. Made for each answer from one Wanted and one copy of the
// table. Values; pure function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "master/nodes/ledger.h"
#include "master/nodes/node_table.h"
#include "master/translate/wanted.h"

namespace flume::master {

struct LogicalPicture {
  std::string name;
  std::string physical;  // empty: nowhere
  std::string host;
  std::string flow;
  StateCode state = StateCode::kIdle;
  Revision revision = 0;         // of what runs
  Revision wanted_revision = 0;  // of what is stored; 0: no configuration
  bool is_reported = false;
  int64_t since_millis = 0;
  int64_t seen_millis = 0;
  int64_t boot_millis = 0;  // since when its process counts
  LogicalReport report;
  Rates rates;
  FlowLedger ledger;
};

struct PhysicalPicture {
  PhysicalStatus status;
  std::vector<std::string> logical;  // what it carries
};

struct Picture {
  std::vector<PhysicalPicture> physical;  // by name
  std::vector<LogicalPicture> logical;    // by name; a node that moves stands for its new place
};

// States that the master decides: LOST: its physical node is silent. DECOMMISSIONED: it runs on a physical node that is
// to stop it. HELLO: mapped or configured, but not reported yet. IDLE: it is nowhere.
Picture make_picture(const Wanted& wanted, const NodeTable& table);

}  // namespace flume::master

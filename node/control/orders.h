// Orders: what the masters of one store want of this node, against what it runs. Takes their answers, changes the
// running set, keeps all of it on disk, and knows what is still to be confirmed. Nothing is removed unless it is
// listed, and nothing is obeyed that another store says, unless its masters adopted this node. Thread: the control
// client's; start() before it runs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/control/saved_state.h"
#include "node/runtime/node_set.h"
#include "rpc/control_types.h"

namespace flume::node {

class Orders {
 public:
  // `path`: where they are kept; empty = nowhere.
  Orders(NodeSet& nodes, std::string path) : nodes_(nodes), path_(std::move(path)) {}

  // What the disk holds is run, but for logical nodes that run already (given on the command line). Errors are said in
  // the log and in the states of the logical nodes: a node starts with what it has.
  void start();
  // False: another store's, refused.
  bool obey(const rpc::control::Desired& desired);
  // The part of a report that is about orders.
  void describe(rpc::control::NodeReport& report) const;
  const std::string& text_hash(const std::string& logical) const;  // of the last configuration taken; "" = none
  // The report that described `confirmed` removals has arrived.
  void arrived(const std::vector<std::string>& confirmed);

 private:
  bool is_ours(const rpc::control::Desired& desired);
  void take(const rpc::control::SetLogical& config);
  void remove(const rpc::control::RemoveLogical& removal);
  void save_if_changed();

  NodeSet& nodes_;
  const std::string path_;
  std::string store_id_;  // 16 bytes; empty: nobody's yet
  int64_t revision_ = 0;
  std::map<std::string, SavedConfig> configs_;
  std::vector<std::string> removed_;  // to be confirmed
  bool changed_ = false;              // since the last save
};

}  // namespace flume::node

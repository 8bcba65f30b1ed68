// PhysicalNode: the composition root of a node's process. Everything is made here, in order of dependence, and ends in
// the reverse order: clock, metrics, storage, file watch, network, the set of logical nodes, the status page, and the
// link to the masters, which may set and remove logical nodes from then on.
// Made, started and stopped by the main thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/config/settings.h"
#include "node/runtime/node_set.h"
#include "node/runtime/registry.h"

namespace flume::node {

struct PhysicalNodeOptions {
  std::string name;          // of the physical node
  bool keeps_state = true;   // false: identity and positions are forgotten (dump, source, sink)
  bool one_shot = false;     // errors end a logical node, no master is asked
  bool status_page = true;   // serve the status page
  bool asks_masters = true;  // obey flume.master.servers
};

class PhysicalNode {
 public:
  // The registry and the settings outlive it. kBusy: another process runs this node.
  static Result<std::unique_ptr<PhysicalNode>> create(const PhysicalNodeOptions& options, const Settings& settings,
                                                      const Registry& registry);
  ~PhysicalNode();
  PhysicalNode(const PhysicalNode&) = delete;
  PhysicalNode& operator=(const PhysicalNode&) = delete;

  // Status page and masters. The logical nodes that were set before go on running when the masters have no others.
  Status start();
  NodeSet& logical_nodes();
  void stop();  // may be called twice

 private:
  PhysicalNode();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flume::node

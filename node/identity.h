// Who this physical node is: a folder of its own below flume.agent.logdir with a lock, a random identity minted at the
// first start and a number that grows with every start. Called once, by the main thread.
#pragma once

#include <string>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "node/runtime/component.h"

namespace flume::node {

struct NodeFolder {
  Identity identity;
  std::string path;  // <flume.agent.logdir>/<physical node>
  UniqueFd lock;     // held as long as the process lives
};

// kBusy: another process runs a node of this name here. kCorrupt: the identity file is damaged.
Result<NodeFolder> open_node_folder(const std::string& state_dir, const std::string& physical_node,
                                    const std::string& host);
// For commands that keep nothing: an identity that is forgotten.
Identity passing_identity(const std::string& physical_node, const std::string& host);

std::string host_name();

}  // namespace flume::node

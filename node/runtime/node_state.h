// NodeState: the states of a logical node, and of whatever else a driver runs.
#pragma once

#include <cstdint>
#include <string_view>

namespace flume::node {

// The first six are the classic ones, with their numbers on the wire; a classic peer is shown kBackoff as OPENING and
// kBlocked and kDraining as ACTIVE.
enum class NodeState : uint8_t {
  kHello,
  kOpening,
  kActive,
  kClosing,
  kIdle,
  kError,
  kBackoff,   // temporary error, tried again at next_try
  kBlocked,   // the sink takes no more for now
  kDraining,  // no source, but rows are still on their way out
};
std::string_view state_name(NodeState state);  // "HELLO" ... "DRAINING"

}  // namespace flume::node

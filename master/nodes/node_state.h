// StateCode: the states of a logical node, as the wire numbers them: the classic ones with their numbers, ours from
// 100 on. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace flume::master {

enum class StateCode : int32_t {
  kHello = 0,
  kIdle = 1,
  kOpening = 2,
  kActive = 3,
  kError = 4,
  kLost = 5,            // decided by the master
  kDecommissioned = 6,  // likewise
  kClosing = 7,
  kBackoff = 100,
  kBlocked = 101,
  kDraining = 102,
};

std::string_view state_name(StateCode state);  // "OPENING", "BACKOFF"
StateCode classic_state(StateCode state);      // BACKOFF -> OPENING; BLOCKED and DRAINING -> ACTIVE
StateCode state_from_number(int32_t number);   // an unknown number is kError

}  // namespace flume::master

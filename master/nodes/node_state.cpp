#include "master/nodes/node_state.h"

#include <utility>

namespace flume::master {

namespace {
constexpr std::pair<StateCode, std::string_view> kNames[] = {
    {StateCode::kHello, "HELLO"},
    {StateCode::kIdle, "IDLE"},
    {StateCode::kOpening, "OPENING"},
    {StateCode::kActive, "ACTIVE"},
    {StateCode::kError, "ERROR"},
    {StateCode::kLost, "LOST"},
    {StateCode::kDecommissioned, "DECOMMISSIONED"},
    {StateCode::kClosing, "CLOSING"},
    {StateCode::kBackoff, "BACKOFF"},
    {StateCode::kBlocked, "BLOCKED"},
    {StateCode::kDraining, "DRAINING"},
};
}

std::string_view state_name(StateCode state) {
  for (const auto& [code, name] : kNames) {
    if (code == state) {
      return name;
    }
  }
  return "ERROR";
}

StateCode classic_state(StateCode state) {
  switch (state) {
    case StateCode::kBackoff: return StateCode::kOpening;
    case StateCode::kBlocked:
    case StateCode::kDraining: return StateCode::kActive;
    default: return state;
  }
}

StateCode state_from_number(int32_t number) {
  for (const auto& [code, name] : kNames) {
    if (static_cast<int32_t>(code) == number) {
      return code;
    }
  }
  return StateCode::kError;
}

}  // namespace flume::master

// Named fault points: places where a test can make a rare failure happen. Off, a point costs one relaxed load.
//   if (auto fault = fault_point("storage.sync"); !fault.ok()) return fault;
// Armed by tests only (arm_fault), or by the environment variable FLUME_FAULTS="name[:skip[:count]],..." read once.
// Thread-safe. One of the two process-wide objects (the other is the log).
#pragma once

#include <atomic>
#include <string_view>

#include "common/base/status.h"

namespace flume {

namespace internal {
extern std::atomic<int> armed_faults;
Status check_fault(std::string_view name);
}  // namespace internal

// OK unless the point is armed and due; then the armed status.
inline Status fault_point(std::string_view name) {
  return internal::armed_faults.load(std::memory_order_relaxed) == 0 ? Status() : internal::check_fault(name);
}

// The next `skip` passes go through, the `count` after them fail with `status` (count < 0: all after them).
void arm_fault(std::string_view name, Status status, int skip = 0, int count = 1);
void disarm_faults();
void arm_faults_from_environment();

}  // namespace flume

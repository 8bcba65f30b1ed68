// How long a test waits for what comes at once when all is well. Long, because a loaded machine is no failure.
#pragma once

#include "common/base/stop.h"

namespace flume::test {

inline Wait soon() { return Wait::for_duration(std::chrono::seconds(60)); }

}  // namespace flume::test

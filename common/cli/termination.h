// Termination: SIGINT, SIGTERM and SIGHUP as a stop token; a second one ends the process at once. Made first in main(),
// before any thread starts, because it blocks these signals for the threads to come (children of exec sources start
// with a clean mask). SIGPIPE is ignored.
#pragma once

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/stop.h"
#include "common/base/thread.h"

namespace flume {

class Termination {
 public:
  Termination();
  ~Termination();
  Termination(const Termination&) = delete;
  Termination& operator=(const Termination&) = delete;

  const StopSource& stop() const { return stop_; }
  // Blocks until one of the signals came.
  void wait() const;

 private:
  StopSource stop_;
  StopSource end_;  // of the thread
  UniqueFd signals_;
  Thread thread_;
};

}  // namespace flume

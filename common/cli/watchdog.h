// The watchdog of `flume node` and `flume master`: runs this program again as a child with another command and starts
// it anew when it crashes. Main thread; no other threads run.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace flume {

struct WatchdogOptions {
  std::vector<std::string> command;  // what the child is: {"node_nowatch", "-n", "agent"}
  int restarts_per_minute = 5;       // beyond it the watchdog waits until the oldest is a minute old
  bool keep_stdin = false;           // else the child reads /dev/null
};

// The child's exit code: 0 and 2 (its arguments are wrong, which no restart mends) end it; other ends are a crash. A
// termination signal is passed on to the child, whose end is then the end; a second one kills it. When the watchdog
// itself is killed the child is asked to end too.
int run_watchdog(const WatchdogOptions& options);

}  // namespace flume

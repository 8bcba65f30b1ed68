// Command: one word of the command line (`flume dump ...`), as each layer offers it to main.cpp. Exit codes: 0 done, 1
// failed at run time, 2 bad usage or bad spec.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace flume {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

struct Command {
  std::string name;
  std::string summary;  // one line for `flume help`
  std::string usage;    // "flume dump SOURCE [FORMAT]" and its options, for `flume help dump`
  // Arguments after the command's name. Returns the exit code. Runs in the main thread.
  std::function<int(std::span<const std::string> args)> run;
};

}  // namespace flume

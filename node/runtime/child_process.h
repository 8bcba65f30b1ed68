// ChildProcess: a command of the machine with its two output pipes, for the exec sources. It runs in a process group of
// its own, so that what it started can be ended with it; its standard input is empty. The group's leader stays a zombie
// until reap(), so its id cannot mean anybody else when it is killed.
//
// Owned by the source. Thread: driver.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/stop.h"

namespace flume::node {

// A command line as words, by the shell's rules for quotes: '...' as it stands, "..." with \" \\ \$ \` and line
// continuation, \x outside of quotes; white space separates. Nothing is expanded. kInvalid: no words, or an open quote.
Result<std::vector<std::string>> split_command(std::string_view command);

class ChildProcess {
 public:
  // Looked up in PATH. The pipes' reading ends do not block.
  static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string>& words);
  ~ChildProcess();  // kills at once what still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  int out() const { return out_.fd(); }
  int err() const { return err_.fd(); }
  int exit_fd() const { return exit_.fd(); }  // readable once it has ended
  bool has_ended() const;

  struct Exit {
    bool by_signal = false;
    int code = 0;              // exit status or signal
    std::string text() const;  // "exit status 1", "signal 9 (Killed)"
  };
  Exit reap();  // has_ended()
  // The whole group: asked to end, killed when it has not until `wait`, and reaped.
  Exit end(const Wait& wait);

 private:
  ChildProcess() = default;

  pid_t pid_ = -1;  // also the group's
  UniqueFd out_;
  UniqueFd err_;
  UniqueFd exit_;
};

}  // namespace flume::node

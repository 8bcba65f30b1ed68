// Process: one real flume process under test: started with its output in a file, killed, asked to end, starved of
// descriptors or of file size while it runs.
//
// Thread: the one that started it, which must outlive it: the kernel kills the process when that thread ends, so that
// nothing is left behind whatever becomes of the runner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/stop.h"

namespace flume::torture {

struct ProcessOptions {
  std::vector<std::string> words;                                // the program's path first
  std::string log;                                               // standard output and error are appended to it
  std::string folder;                                            // to run in
  std::vector<std::pair<std::string, std::string>> environment;  // in addition to ours
};

class Process {
 public:
  static Result<std::unique_ptr<Process>> start(const ProcessOptions& options);
  ~Process();  // kills what still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void kill();  // SIGKILL, and reaps
  // SIGTERM; SIGKILL and kTimeout when it has not ended until `wait`. kInternal: it did not end with exit code 0.
  Status terminate(const Wait& wait);
  // How it ended, when it ended by itself: "exit status 1", "signal 11".
  std::string ending() const;

  Status limit_descriptors(uint64_t most);  // RLIMIT_NOFILE; 0 = as at the start
  Status limit_file_size(uint64_t most);    // RLIMIT_FSIZE; 0 = none
  uint64_t resident_bytes() const;          // 0: unknown
  uint64_t descriptors() const;

 private:
  Process() = default;
  void reap(int options);

  pid_t pid_ = -1;
  UniqueFd exit_;  // readable once it has ended
  bool ended_ = false;
  int status_ = 0;
};

// Ports that nobody listens on. As long as what is added to `held` lives, the kernel gives them to nobody, neither to
// listen on nor to connect from; who was told the number can listen there, with SO_REUSEADDR, as often as it starts.
Result<std::vector<uint16_t>> free_ports(size_t count, std::vector<UniqueFd>& held);
// Waits for time to pass, or for stop.
void pause(Duration time, const StopToken& stop);

}  // namespace flume::torture

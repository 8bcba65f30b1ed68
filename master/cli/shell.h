// Shell: the commands of `flume shell`, one line at a time, against a master's administration port. Main thread.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "common/base/stop.h"
#include "dataflow-lang/catalog.h"
#include "master/cli/shell_line.h"
#include "master/rpc/admin_client.h"

namespace flume::master {

class Shell {
 public:
  struct Options {
    uint16_t default_port = 35873;
    bool quiet = false;                             // no prompt, no banner
    Duration exec_time = std::chrono::seconds(10);  // how long `exec` waits
    Duration call_time = std::chrono::seconds(10);
    const lang::Catalog* catalog = nullptr;  // of components, for completion; null: none are completed
  };
  enum class Outcome { kDone, kFailed, kQuit };

  // Answers go to `out`, complaints to `err`; both are the caller's.
  Shell(Options options, std::FILE* out, std::FILE* err) : options_(options), out_(out), err_(err) {}

  Outcome run_line(const std::string& line);
  // Every line, also after one that failed. kFailed: at least one did.
  Outcome run_file(const std::string& path);
  std::string prompt() const;  // "[flume localhost:35873] "

  // What may stand at the end of this line (shell_completion.h).
  std::vector<std::string> completions(const std::string& line, const std::string& word);

 private:
  struct Builtin;
  static const std::vector<Builtin>& builtins();

  Outcome connect(const std::vector<std::string>& args);
  Outcome exec(const std::vector<std::string>& args);
  Outcome submit(const std::vector<std::string>& args);
  Outcome wait(const std::vector<std::string>& args);
  Outcome wait_for_nodes(const std::vector<std::string>& args, bool active);
  Outcome show_nodes();
  Outcome show_configs();
  Outcome show_mappings(const std::vector<std::string>& args);
  Outcome source(const std::vector<std::string>& args);
  Outcome help();
  Outcome wait_for_command(int64_t id, const Wait& wait);
  Outcome complain(const std::string& message);
  void say(const std::string& line);

  const Options options_;
  std::FILE* const out_;
  std::FILE* const err_;
  AdminClient client_;
  std::string peer_;
  int64_t last_id_ = -1;
  int depth_ = 0;  // of files that run files
};

}  // namespace flume::master

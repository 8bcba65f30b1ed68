// Rig: the vocabulary of scenarios. One folder with everything of a run; real flume processes by name, each with its
// own state; a generator in a thread of its own; the oracle over what is in the output folder.
//
// Thread: that of the scenario (processes end with it, see process.h); stop_token() may be stopped from any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/stop.h"
#include "common/base/thread.h"
#include "node/torture/generator.h"
#include "node/torture/process.h"
#include "node/torture/report.h"

namespace flume::torture {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Rig {
 public:
  // The folder exists and is empty. `report` gets facts and failures.
  Rig(RunReport& report, StopToken stop);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  const RunOptions& options() const { return report_.options; }
  RunReport& report() { return report_; }
  Random& random() { return random_; }  // of the faults: what the generator does is not in it
  uint64_t below(uint64_t n) { return n == 0 ? 0 : random_() % n; }
  const StopToken& stop() const { return stop_; }
  Duration elapsed() const;  // since the rig was made
  bool in_time() const { return !stop_.stop_requested() && elapsed() < options().time; }
  void wait(Duration time) const { pause(time, stop_); }
  std::string path(std::string_view name) const { return options().folder + "/" + std::string(name); }
  std::string input() const { return path("in"); }
  std::string output() const { return path("out"); }

  // ---- processes
  // Free for as long as the rig lives (process.h).
  Result<std::vector<uint16_t>> free_ports(size_t count) { return torture::free_ports(count, ports_held_); }
  // The words behind `flume` and the common settings; a later call replaces them at the next start.
  void describe(const std::string& name, std::vector<std::string> words, Pairs settings = {}, Pairs environment = {});
  // A node that runs one flow without a master: its state is in the folder state-NAME.
  void describe_node(const std::string& name, const std::string& source, const std::string& sink, Pairs settings = {},
                     Pairs environment = {});
  // Gives a described process a page. finish() checks the ledgers of these flows of it.
  void watch_flows(const std::string& name, std::vector<std::string> flows);
  void set_environment(const std::string& name, Pairs environment);  // from its next start on
  Status start(const std::string& name);
  // Until its page shows its flow: a process that was only just started does not yet end in an orderly way.
  Status wait_up(const std::string& name) const;
  void kill(const std::string& name);
  Status terminate(const std::string& name);
  bool running(const std::string& name);
  Process* process(const std::string& name);  // null: not started
  uint64_t kills(const std::string& name) const;
  // The usual two: tail of all files of the generator -> sink of the mode -> collector on `port` -> files of output().
  void describe_pair(uint16_t agent_sends_to, uint16_t collector_listens_on, Pairs agent_settings = {},
                     Pairs collector_settings = {});
  std::string agent_source() const;
  std::string agent_sink(uint16_t port) const;
  enum class Ack : uint8_t { kSync, kCommit };
  std::string collector_sink(std::chrono::milliseconds roll = std::chrono::seconds(2), Ack ack = Ack::kSync) const;
  // A flow of a process, from its own page: its state and its ledger.
  struct Flow {
    std::string state;
    std::string error;
    uint64_t read = 0;
    uint64_t delivered = 0;
    uint64_t in_flight = 0;  // with those held
    uint64_t held = 0;       // in a log
    uint64_t dropped = 0;
    bool balanced = false;
  };
  Result<Flow> flow(const std::string& name, const std::string& flow) const;
  Result<Flow> flow(const std::string& name) const { return flow(name, name); }
  // One of the counters of a described node's /metrics, over all its labels; 0: it has none yet.
  Result<uint64_t> counter(const std::string& name, std::string_view counter) const;
  // Fails the run for a process that ended by itself.
  void expect_running();

  // ---- data
  GeneratorOptions generator_options() const;
  Status generate(GeneratorOptions options);  // starts the thread
  void stop_generating();                     // and its error, if any, is a failure of the run
  // A generator without a thread, for scenarios that write step by step.
  Status prepare(GeneratorOptions options);
  Generator& generator() { return *generator_; }
  // Lines beyond the generator's numbered ones.
  void expect_extra(std::string name, std::string_view line, uint64_t count = 1);
  Expectation expectation() const;

  // ---- the end
  // Called by finish() after it has written the last lines.
  void after_last_lines(std::function<Status()> step) { after_last_lines_ = std::move(step); }
  // Until everything promised has arrived; kTimeout with what is missing.
  Status wait_delivered(const Wait& wait) const;
  Result<Account> account() const;
  // All flows of these processes must explain every row and have none in flight. Rows dropped; nothing when one of the
  // processes does not run.
  std::optional<uint64_t> check_ledgers(const std::vector<std::string>& names);
  // Stops generating, waits for the rest, ends all processes in the order given, judges. The ledgers must be balanced,
  // and when nothing was killed nothing may be lost that no ledger counts as dropped.
  void finish(const std::vector<std::string>& order, Duration longest);
  uint64_t dropped() const { return dropped_; }  // by the ledgers that finish() found

 private:
  struct Node {
    std::vector<std::string> words;
    Pairs settings;
    Pairs environment;
    std::unique_ptr<Process> process;
    uint64_t kills = 0;
    uint64_t starts = 0;
    uint16_t page = 0;  // port of its page; 0 = none
    std::vector<std::string> flows;
  };

  Result<Flow> flow_at_rest(const std::string& name, const std::string& flow) const;
  void expect_all_read();
  bool may_be_complete(const Expectation& expectation) const;

  RunReport& report_;
  const StopToken stop_;
  const TimePoint started_;
  Random random_;
  std::vector<UniqueFd> ports_held_;
  std::map<std::string, Node> nodes_;
  std::unique_ptr<Generator> generator_;
  std::vector<ExtraExpectation> extras_;
  uint64_t extra_bytes_ = 0;
  uint64_t restarts_ = 0;  // a new process counts anew: its ledger does not know what the one before dropped
  uint64_t dropped_ = 0;
  std::function<Status()> after_last_lines_;
  StopSource generating_;
  Status generated_;  // of the generator's thread, read after it has ended
  Thread thread_;
};

}  // namespace flume::torture

// The scenarios of `flume torture`: what each does, what it promises in each mode, how long it runs.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/torture/report.h"
#include "node/torture/rig.h"

namespace flume::torture {

// One scenario in one mode. No seconds: the scenario has nothing to say about that mode.
struct ScenarioMode {
  double pr_seconds = 0;
  double nightly_seconds = 0;
  Promise promise;
};

struct Scenario {
  std::string_view name;
  std::string_view summary;
  std::array<ScenarioMode, 3> modes;  // by Mode
  // Failures go into the rig's report; finish() judges.
  void (*run)(Rig&);

  const ScenarioMode& in(Mode mode) const { return modes[static_cast<size_t>(mode)]; }
  bool has(Mode mode) const { return in(mode).pr_seconds > 0; }
};

std::span<const Scenario> scenarios();
const Scenario* scenario_named(std::string_view name);  // null: none

// Runs it: a new folder below `options.folder`, removed again when it passed unless `keep`. `options.time` of 0 is the
// scenario's own. Thread: the caller's, see Rig.
RunReport run_scenario(const Scenario& scenario, RunOptions options, bool keep, const StopToken& stop);

// Each in its own file.
void run_kill(Rig& rig);
void run_commit(Rig& rig);
void run_relay(Rig& rig);
void run_relay_direct(Rig& rig);
void run_network(Rig& rig);
void run_tail(Rig& rig);
void run_tail_many(Rig& rig);
void run_outage(Rig& rig);
void run_reconfigure(Rig& rig);
void run_disk(Rig& rig);
void run_soak(Rig& rig);

// Part of the scenario `tail`: what copytruncate itself loses. Adds facts, judges nothing.
void measure_copytruncate_race(Rig& rig);

}  // namespace flume::torture

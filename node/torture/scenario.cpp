#include "node/torture/scenario.h"

#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "common/io/posix.h"

namespace flume::torture {
namespace {

constexpr Promise kExactlyOnce = {};
constexpr Promise kAtLeastOnce = {.once = false, .ordered = false};
constexpr Promise kAtLeastOnceInOrder = {.once = false};
// Sent once: what a dead link or process had in its hands may be missing.
constexpr Promise kMayLose = {.lossless = false};
// A killed reader goes back by as much as its saved position is behind: run() sets how often.
constexpr Promise kMayLoseAndRepeat = {.lossless = false, .once = false, .ordered = false};

constexpr Scenario kScenarios[] = {
    {"kill",
     "kill -9 at random moments, also while a process starts, once for each second: e2e of agent, collector or both; "
     "dfo and be of the agent",
     {{{60, 2000, kExactlyOnce}, {20, 300, kAtLeastOnceInOrder}, {20, 300, kAtLeastOnce}}},
     run_kill},
    {"commit",
     "as kill, where rows count as stored when their file is published (ack=commit)",
     {{{20, 300, kExactlyOnce}, {}, {}}},
     run_commit},
    {"relay",
     "kill -9 of agent, relay and collector, one or two at once; the relay has a log",
     {{{15, 300, kExactlyOnce}, {}, {}}},
     run_relay},
    {"relay-direct",
     "the same of relay and collector, where the relay has no log",
     {{{10, 150, kExactlyOnce}, {}, {}}},
     run_relay_direct},
    {"network",
     "a proxy delays, silences, resets, corrupts, half-closes, throttles and reorders the connections, and the network "
     "goes away",
     {{{20, 600, kExactlyOnce}, {10, 300, kAtLeastOnceInOrder}, {10, 300, kMayLose}}},
     run_network},
    // On a machine that lets us mount nothing, calls fail in place of file systems. A disk on which a failed file
    // cannot even be cut leaves rows in it that are then written again: without a journal they are there twice.
    {"disk",
     "full and read-only file systems, no descriptors, failing writes and syncs: each at the agent, at the collector's "
     "files and, e2e, at its state, in rounds that are always ended",
     {{{10, 300, kExactlyOnce}, {10, 150, kAtLeastOnceInOrder}, {10, 150, kMayLoseAndRepeat}}},
     run_disk},
    {"outage",
     "the collector is away for most of the time",
     {{{10, 300, kExactlyOnce}, {5, 150, kAtLeastOnceInOrder}, {5, 60, kMayLose}}},
     run_outage},
    {"tail",
     "rotations, links, reused inodes, odd lines of one file, with the agent running, stopped or killed",
     {{{30, 300, kExactlyOnce}, {15, 150, kAtLeastOnce}, {15, 150, kAtLeastOnce}}},
     run_tail},
    {"tail-many",
     "the same with 200 files at once",
     {{{30, 300, kExactlyOnce}, {15, 150, kAtLeastOnce}, {15, 150, kAtLeastOnce}}},
     run_tail_many},
    {"reconfigure",
     "a master swaps sinks, removes and returns flows several times a second",
     {{{20, 60, kExactlyOnce}, {20, 60, kAtLeastOnce}, {20, 60, kExactlyOnce}}},
     run_reconfigure},
    {"soak",
     "full speed; memory and descriptors stay flat, memory within what the settings of buffers allow",
     {{{30, 600, kExactlyOnce}, {}, {30, 600, kExactlyOnce}}},
     run_soak},
};

Status make_run_folder(RunOptions& options) {
  options.folder = str_cat(options.folder, "/", options.scenario, "-", name_of(options.mode), "-", options.seed);
  std::error_code error;
  std::filesystem::remove_all(options.folder, error);
  for (const char* name : {"/in", "/out"}) {
    FLUME_RETURN_IF_ERROR(make_folders(options.folder + name));
  }
  return {};
}

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

const Scenario* scenario_named(std::string_view name) {
  for (const Scenario& scenario : kScenarios) {
    if (scenario.name == name) {
      return &scenario;
    }
  }
  return nullptr;
}

RunReport run_scenario(const Scenario& scenario, RunOptions options, bool keep, const StopToken& stop) {
  RunReport report;
  const ScenarioMode& mode = scenario.in(options.mode);
  options.scenario = scenario.name;
  if (options.time == Duration{}) {
    options.time = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(options.nightly ? mode.nightly_seconds : mode.pr_seconds));
  }
  report.fail(make_run_folder(options));
  report.options = options;
  report.promise = mode.promise;
  if (!report.passed()) {
    return report;
  }
  const TimePoint started = SystemClock().now();
  {
    Rig rig(report, stop);
    scenario.run(rig);
  }
  if (stop.stop_requested()) {
    report.fail("stopped before its end");
  }
  report.seconds = std::chrono::duration<double>(SystemClock().now() - started).count();
  if (report.passed() && !keep) {
    std::error_code error;
    std::filesystem::remove_all(options.folder, error);
  }
  return report;
}

}  // namespace flume::torture

// What a run promises, how it is asked for, and what came of it. Values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "node/torture/oracle.h"

namespace flume::torture {

enum class Mode : uint8_t { kE2e, kDfo, kBe };
inline constexpr Mode kModes[] = {Mode::kE2e, Mode::kDfo, Mode::kBe};
std::string_view name_of(Mode mode);        // e2e, dfo, be
std::string_view agent_sink_of(Mode mode);  // agentE2ESink, agentDFOSink, agentBESink
std::optional<Mode> mode_named(std::string_view name);

// What must be true of the account at the end; damaged and foreign lines never are allowed.
struct Promise {
  bool lossless = true;
  bool once = true;     // no line twice
  bool ordered = true;  // within a life of a file: nothing seen first after a later line
  // Instead of `ordered`: how often a life may go back to an earlier line, because its reader was killed.
  uint64_t most_rewinds = UINT64_MAX;

  std::vector<std::string> broken_by(const Account& account) const;
  std::string to_text() const;  // "0 lost, 0 duplicated, order kept"
};

struct RunOptions {
  std::string scenario;
  uint64_t seed = 0;
  Mode mode = Mode::kBe;
  Duration time{};       // of the phase with faults
  bool nightly = false;  // counts that are not times: kills, changes
  std::string binary;    // the flume program under test
  std::string shim;      // the library of failing system calls; empty = none
  std::string folder;    // of this run; made by its caller
  uint32_t parallel = 2;
};

struct RunReport {
  RunOptions options;
  Promise promise;
  Account account;
  std::vector<std::pair<std::string, std::string>> facts;  // "kills": "61", in the order in which they became known
  std::vector<std::string> failures;                       // empty: passed
  double seconds = 0;

  bool passed() const { return failures.empty(); }
  void fact(std::string name, std::string value) { facts.emplace_back(std::move(name), std::move(value)); }
  void fact(std::string name, uint64_t value) { fact(std::move(name), std::to_string(value)); }
  void fail(std::string why) { failures.push_back(std::move(why)); }
  void fail(const Status& status) {
    if (!status.ok()) {
      fail(std::string(status.message()));
    }
  }
  // Judges the account by the promise.
  void judge();
  std::string to_text() const;
  std::string to_json() const;
  std::string command() const;  // that repeats the run
};

// A document: a table of the runs, then for each its facts, failures and the command that repeats it.
std::string to_markdown(const std::vector<RunReport>& runs);

}  // namespace flume::torture

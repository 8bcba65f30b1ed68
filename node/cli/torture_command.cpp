// flume torture: scenarios with real processes and faults, and an oracle that accounts for every line.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/cli/termination.h"
#include "common/io/posix.h"
#include "node/cli/running.h"
#include "node/torture/scenario.h"

namespace flume::node {
namespace {

using torture::Mode;
using torture::Scenario;

constexpr size_t kMostExpectation = 64U << 20;

struct TortureOptions {
  // run
  std::vector<std::string> scenarios;
  std::string report;
  std::string mode;
  uint64_t seed = 0;
  double seconds = 0;
  bool nightly = false;
  bool keep = false;
  std::string shim;
  std::string program;
  // generate
  torture::GeneratorOptions lines;
  std::vector<std::string> rotations;
  bool text = false;
  // check
  std::vector<std::string> files;
  std::string expectation;
  // all
  std::string folder;
  bool json = false;
};

struct App {
  CLI::App app{"Kills, cuts, fills and corrupts, and accounts for every line.", "torture"};
  CLI::App* list = nullptr;
  CLI::App* run = nullptr;
  CLI::App* check = nullptr;
  CLI::App* generate = nullptr;
};

void declare(App& a, TortureOptions& o) {
  a.app.require_subcommand(1);
  a.list = a.app.add_subcommand("list", "the scenarios, what they promise, how long they run");
  a.run = a.app.add_subcommand("run", "run scenarios in real processes on this machine; exit code 0 if all passed");
  a.run->add_option("scenario", o.scenarios, "names, or all")->required()->type_name("NAME...");
  a.run->add_option("--mode", o.mode, "e2e, dfo or be (default: all that the scenario and this program have)");
  a.run->add_option("--seed", o.seed, "repeats a run (default: FLUME_SEED, else a new one, which is printed)")
      ->envname("FLUME_SEED");
  a.run->add_option("--seconds", o.seconds, "length of the phase with faults (default: the scenario's)");
  a.run->add_flag("--nightly", o.nightly, "the long tier");
  a.run->add_flag("--keep", o.keep, "keep the folder also of a run that passed");
  a.run->add_option("--folder", o.folder, "where runs have their folders (default: the one for temporary files)");
  a.run->add_option("--shim", o.shim, "library of failing system calls (default: as built beside the program)");
  a.run->add_option("--program", o.program, "the flume program under test (default: this one)");
  a.run->add_flag("--json", o.json, "one line of JSON for each run");
  a.run->add_option("--report", o.report, "write a Markdown document about all runs there");
  a.check = a.app.add_subcommand("check", "account for the lines in FILES, or below folders, in the order of names");
  a.check->add_option("files", o.files, "output files or folders")->required()->type_name("FILES");
  a.check->add_option("--expectation", o.expectation, "what was written, as `generate` and `run --keep` save it");
  a.check->add_flag("--json", o.json, "as JSON");
  a.generate = a.app.add_subcommand("generate", "write numbered lines into files, with rotations");
  a.generate->add_option("folder", o.lines.folder, "folder of the files")->required()->type_name("FOLDER");
  a.generate->add_option("--seed", o.seed, "repeats what is written (default: a new one, which is printed)");
  a.generate->add_option("--files", o.lines.files, "how many files")->check(CLI::Range(1, 100'000));
  a.generate->add_option("--lines", o.lines.lines, "how many lines in all (default: until Ctrl-C)");
  a.generate->add_option("--rate", o.lines.bytes_per_second, "bytes a second (default: as fast as it can)");
  a.generate->add_option("--rotate", o.rotations, "rename, copytruncate, truncate, recreate; may be given many times");
  a.generate->add_option("--life", o.lines.lines_per_life, "lines between two rotations of a file, on average");
  a.generate->add_flag("--text", o.text, "letters and digits only");
  a.generate->add_option("--expectation", o.expectation, "save what was written there, for `check`");
}

int failed(const Status& status) {
  std::fputs(str_cat("torture: ", status.message(), "\n").c_str(), stderr);
  return kExitFailed;
}

int wrong(const std::string& why) {
  std::fputs(str_cat("torture: ", why, "\n").c_str(), stderr);
  return kExitUsage;
}

// Of another program nothing is known: it is tried.
bool has_mode(const TortureOptions& options, const Registry& registry, Mode mode) {
  return !options.program.empty() ||
         registry.catalog().find(lang::ComponentSpec::Kind::kSink, torture::agent_sink_of(mode)) != nullptr;
}

int list(const TortureOptions& options, const Registry& registry) {
  for (const Scenario& scenario : torture::scenarios()) {
    std::puts(str_cat(scenario.name, ": ", scenario.summary).c_str());
    for (const Mode mode : torture::kModes) {
      if (scenario.has(mode)) {
        const auto& in = scenario.in(mode);
        std::puts(str_cat("  ", name_of(mode), ": ", in.pr_seconds, " s, nightly ", in.nightly_seconds, " s; ",
                          in.promise.to_text(),
                          has_mode(options, registry, mode) ? "" : "; this program has no such sink yet")
                      .c_str());
      }
    }
  }
  return kExitOk;
}

struct Planned {
  const Scenario* scenario;
  Mode mode;
};

// What was asked for. An error says what is not there.
Result<std::vector<Planned>> plan(const TortureOptions& options, const Registry& registry) {
  const auto only = torture::mode_named(options.mode);
  if (!options.mode.empty() && !only) {
    return invalid(str_cat("no mode ", quoted(options.mode), "; e2e, dfo and be are"));
  }
  if (only && !has_mode(options, registry, *only)) {
    return invalid(str_cat("this program has no ", torture::agent_sink_of(*only)));
  }
  std::vector<std::string> names;
  for (const Scenario& scenario : torture::scenarios()) {
    names.emplace_back(scenario.name);
  }
  for (const std::string& name : options.scenarios) {
    if (name != "all" && torture::scenario_named(name) == nullptr) {
      return invalid(str_cat("no scenario ", quoted(name), "; there are ", join(names, ", ")));
    }
  }
  std::vector<Planned> planned;
  for (const Scenario& scenario : torture::scenarios()) {
    const bool named = std::any_of(options.scenarios.begin(), options.scenarios.end(),
                                   [&](const std::string& name) { return name == "all" || name == scenario.name; });
    for (const Mode mode : torture::kModes) {
      if (named && scenario.has(mode) && (only ? *only == mode : has_mode(options, registry, mode))) {
        planned.push_back({&scenario, mode});
      }
    }
  }
  if (planned.empty()) {
    return invalid(str_cat(join(options.scenarios, ", "), " promises nothing in that mode"));
  }
  return planned;
}

Result<std::string> own_path() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return Status::from_errno(error.value(), "find the path of this program");
  }
  return path.string();
}

int run(TortureOptions& options, const Registry& registry) {
  const auto planned = plan(options, registry);
  if (!planned.ok()) {
    return wrong(std::string(planned.status().message()));
  }
  const auto binary = own_path();
  if (!binary.ok()) {
    return failed(binary.status());
  }
  torture::RunOptions run;
  run.binary = options.program.empty() ? *binary : std::filesystem::absolute(options.program).string();
  run.shim = options.shim.empty() ? parent_folder(*binary) + "/tests/torture/libtorture_faults.so"
                                  : std::filesystem::absolute(options.shim).string();
  run.seed = options.seed != 0 ? options.seed : random_seed() % 1'000'000'000 + 1;
  run.nightly = options.nightly;
  run.time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds));
  run.folder = options.folder.empty() ? (std::filesystem::temp_directory_path() / "flume-torture").string()
                                      : std::filesystem::absolute(options.folder).string();
  const Termination termination;
  const StopToken stop = termination.stop().token();
  std::vector<torture::RunReport> reports;
  for (const Planned& one : *planned) {
    if (stop.stop_requested()) {
      break;
    }
    run.mode = one.mode;
    if (!options.json) {
      std::printf("%s (%s), seed %llu ...\n", std::string(one.scenario->name).c_str(),
                  std::string(name_of(one.mode)).c_str(), static_cast<unsigned long long>(run.seed));
      std::fflush(stdout);
    }
    reports.push_back(torture::run_scenario(*one.scenario, run, options.keep, stop));
    const torture::RunReport& report = reports.back();
    std::fputs((options.json ? report.to_json() : report.to_text()).c_str(), stdout);
    std::fflush(stdout);
  }
  if (!options.report.empty()) {  // also of a run that was stopped
    if (const Status status = replace_file(options.report, torture::to_markdown(reports)); !status.ok()) {
      return failed(status);
    }
  }
  const bool passed = reports.size() == planned->size() &&
                      std::all_of(reports.begin(), reports.end(), [](const auto& report) { return report.passed(); });
  return passed ? kExitOk : kExitFailed;
}

int check(const TortureOptions& options) {
  std::optional<torture::Expectation> expectation;
  if (!options.expectation.empty()) {
    const auto text = read_file(options.expectation, kMostExpectation);
    if (!text.ok()) {
      return failed(text.status());
    }
    auto parsed = torture::Expectation::from_json(*text);
    if (!parsed.ok()) {
      return failed(parsed.status());
    }
    expectation = std::move(*parsed);
  }
  std::vector<std::string> files;
  for (const std::string& name : options.files) {
    std::error_code error;
    if (std::filesystem::is_directory(name, error)) {
      const auto below = torture::output_files(name);
      files.insert(files.end(), below.begin(), below.end());
    } else {
      files.push_back(name);
    }
  }
  const auto account = torture::check_files(files, expectation);
  if (!account.ok()) {
    return failed(account.status());
  }
  std::fputs((options.json ? account->to_json() : account->to_text()).c_str(), stdout);
  return account->perfect() ? kExitOk : kExitFailed;
}

int generate(TortureOptions& options) {
  for (const std::string& name : options.rotations) {
    const auto rotation = torture::rotation_named(name);
    if (!rotation) {
      return wrong(str_cat("no rotation ", quoted(name), "; rename, copytruncate, truncate and recreate are"));
    }
    options.lines.rotations.push_back(*rotation);
  }
  options.lines.seed = options.seed != 0 ? options.seed : random_seed() % 1'000'000'000 + 1;
  options.lines.binary = !options.text;
  const Termination termination;
  torture::Generator generator(options.lines);
  Status status = generator.open();
  if (status.ok()) {
    status = generator.run(Wait{TimePoint::max(), termination.stop().token()});
  }
  if (status.ok() && !options.expectation.empty()) {
    status = replace_file(options.expectation, generator.expectation().to_json());
  }
  std::puts(str_cat("seed ", options.lines.seed, ": ", generator.lines(), " lines, ", generator.bytes(), " bytes, ",
                    generator.rotations(), " rotations")
                .c_str());
  return status.ok() ? kExitOk : failed(status);
}

}  // namespace

Command torture_command(const Registry& registry) {
  App shown;
  TortureOptions unused;
  declare(shown, unused);
  return {"torture", "kill, cut, fill and corrupt, and account for every line",
          shown.app.help("", CLI::AppFormatMode::All), [&registry](std::span<const std::string> args) {
            App a;
            TortureOptions options;
            declare(a, options);
            if (const auto code = parse_options(a.app, args)) {
              return *code;
            }
            if (a.list->parsed()) {
              return list(options, registry);
            }
            if (a.run->parsed()) {
              return run(options, registry);
            }
            return a.check->parsed() ? check(options) : generate(options);
          }};
}

}  // namespace flume::node

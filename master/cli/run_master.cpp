// flume master and flume master_nowatch: a master in this process until SIGTERM or SIGINT.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/cli/termination.h"
#include "common/cli/watchdog.h"
#include "master/cli/commands.h"
#include "master/cli/pid_file.h"
#include "master/master.h"

namespace flume::master {
namespace {

constexpr std::string_view kWatched =
    "Runs a master and starts it anew when it crashes. With FLUME_PID_DIR set, its pid file is kept there.";
constexpr std::string_view kForeground = "Runs a master in the foreground.";

struct MasterOptions {
  std::string save_file;
  bool no_autoload = false;
  std::optional<int64_t> server_id;
};

void declare(CLI::App& app, MasterOptions& options) {
  app.add_option("-c", options.save_file, "save file, instead of flume.master.savefile")->type_name("FILE");
  app.add_flag("-f", options.no_autoload, "do not load the save file, whatever flume.master.savefile.autoload says");
  app.add_option("-i", options.server_id, "place of this master in flume.master.servers")
      ->type_name("ID")
      ->check(CLI::Range(0, 1000));
}

int failed(const Status& status) {
  std::fputs(str_cat("flume: ", status.message(), "\n").c_str(), stderr);
  return kExitFailed;
}

int serve(const Settings& settings, const lang::Catalog& catalog, bool autoload) {
  Termination termination;
  SystemClock clock;
  auto master = Master::open(settings, catalog, clock);
  if (!master.ok()) {
    return failed(master.status());
  }
  if (const Status started = (*master)->start(); !started.ok()) {
    return failed(started);
  }
  if (autoload) {
    (*master)->load_save_file();
  }
  std::fputs(str_cat("flume master: page and API at ", (*master)->url(), "\n").c_str(), stderr);
  termination.wait();
  FLUME_LOG(kInfo, "master stops");
  (*master)->stop();
  return kExitOk;
}

// The settings with what the options say instead.
Status apply(const MasterOptions& options, Settings& settings) {
  if (!options.save_file.empty()) {
    FLUME_RETURN_IF_ERROR(settings.set("flume.master.savefile", options.save_file, "-c"));
  }
  if (options.server_id) {
    FLUME_RETURN_IF_ERROR(settings.set("flume.master.serverid", str_cat(*options.server_id), "-i"));
  }
  return {};
}

int run_master(const Settings& given, const lang::Catalog& catalog, std::span<const std::string> args) {
  CLI::App app(std::string(kForeground), "master_nowatch");
  MasterOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  Settings settings = given;
  if (const Status applied = apply(options, settings); !applied.ok()) {
    return failed(applied);
  }
  const bool autoload = settings.boolean("flume.master.savefile.autoload") && !options.no_autoload;
  return serve(settings, catalog, autoload);
}

// The watchdog holds the pid file, so that a restart of the master does not lose it.
int watch_master(const Settings& settings, const std::vector<std::string>& overrides,
                 std::span<const std::string> args) {
  CLI::App app(std::string(kWatched), "master");
  MasterOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  std::optional<PidFile> pid_file;
  if (const char* const folder = std::getenv("FLUME_PID_DIR"); folder != nullptr && *folder != '\0') {
    auto taken = PidFile::take(str_cat(folder, "/flumemaster.pid"));
    if (!taken.ok()) {
      return failed(taken.status());
    }
    pid_file.emplace(std::move(*taken));
  }
  WatchdogOptions watchdog;
  watchdog.command = {"master_nowatch"};
  watchdog.command.insert(watchdog.command.end(), overrides.begin(), overrides.end());
  watchdog.command.insert(watchdog.command.end(), args.begin(), args.end());
  watchdog.restarts_per_minute = static_cast<int>(settings.integer("watchdog.restarts.max"));
  return run_watchdog(watchdog);
}

std::string usage(const std::string& name, std::string_view text) {
  CLI::App app(std::string(text), name);
  MasterOptions options;
  declare(app, options);
  return usage_of(app);
}

}  // namespace

std::vector<Command> master_commands(const Settings& settings, const lang::Catalog& catalog,
                                     std::vector<std::string> overrides) {
  return {{"master", "run a master, with a watchdog", usage("master", kWatched),
           [&settings, overrides = std::move(overrides)](std::span<const std::string> args) {
             return watch_master(settings, overrides, args);
           }},
          {"master_nowatch", "run a master in the foreground", usage("master_nowatch", kForeground),
           [&settings, &catalog](std::span<const std::string> args) { return run_master(settings, catalog, args); }},
          shell_command(settings, catalog)};
}

}  // namespace flume::master

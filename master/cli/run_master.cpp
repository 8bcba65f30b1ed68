// flume master and flume master_nowatch: a master in this process until SIGTERM or SIGINT.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/cli/options.h"
#include "master/cli/commands.h"
#include "master/cli/pid_file.h"
#include "master/master.h"

namespace flume::master {
namespace {

struct MasterOptions {
  std::string save_file;
  bool no_autoload = false;
  std::optional<int64_t> server_id;
};

void add_master_options(CLI::App& app, MasterOptions& options) {
  app.add_option("-c", options.save_file, "save file, instead of flume.master.savefile")->type_name("FILE");
  app.add_flag("-f", options.no_autoload, "do not load the save file, whatever flume.master.savefile.autoload says");
  app.add_option("-i", options.server_id, "place of this master in flume.master.servers")
      ->type_name("ID")
      ->check(CLI::Range(0, 1000));
}

int fail(const std::string& command, const Status& status) {
  std::fputs(str_cat("flume ", command, ": ", status.message(), "\n").c_str(), stderr);
  return kExitFailed;
}

// Signals that end a master, held back in all threads and taken by the main one.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

int serve(const std::string& command, const lang::Catalog& catalog, const Settings& settings, bool autoload) {
  const sigset_t signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the first thread, which all inherit it
  ::signal(SIGPIPE, SIG_IGN);
  SystemClock clock;
  auto master = Master::open(settings, catalog, clock);
  if (!master.ok()) {
    return fail(command, master.status());
  }
  if (const Status started = (*master)->start(); !started.ok()) {
    return fail(command, started);
  }
  if (autoload) {
    (*master)->load_save_file();
  }
  std::fputs(str_cat("flume master: page and API at ", (*master)->url(), "\n").c_str(), stderr);
  int signal = 0;
  ::sigwait(&signals, &signal);
  FLUME_LOG(kInfo, "master stops", kv("signal", signal == SIGINT ? "SIGINT" : "SIGTERM"));
  (*master)->stop();
  return kExitOk;
}

int run_master(const std::string& command, const lang::Catalog& catalog, const Settings& given,
               std::span<const std::string> args) {
  CLI::App app("Runs a master.", command);
  MasterOptions options;
  add_master_options(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  Settings settings = given;
  if (!options.save_file.empty()) {
    if (const Status set = settings.set("flume.master.savefile", options.save_file, "-c"); !set.ok()) {
      return fail(command, set);
    }
  }
  if (options.server_id) {
    if (const Status set = settings.set("flume.master.serverid", str_cat(*options.server_id), "-i"); !set.ok()) {
      return fail(command, set);
    }
  }
  std::optional<PidFile> pid_file;
  if (const char* const folder = std::getenv("FLUME_PID_DIR"); folder != nullptr && *folder != '\0') {
    auto taken = PidFile::take(str_cat(folder, "/flumemaster.pid"));
    if (!taken.ok()) {
      return fail(command, taken.status());
    }
    pid_file.emplace(std::move(*taken));
  }
  const bool autoload = settings.boolean("flume.master.savefile.autoload") && !options.no_autoload;
  return serve(command, catalog, settings, autoload);
}

Command make_command(const std::string& name, const std::string& summary, const lang::Catalog& catalog,
                     const Settings& settings) {
  CLI::App app("Runs a master.", name);
  MasterOptions options;
  add_master_options(app, options);
  return {name, summary, usage_of(app), [name, &catalog, &settings](std::span<const std::string> args) {
            return run_master(name, catalog, settings, args);
          }};
}

}  // namespace

std::vector<Command> master_commands(const lang::Catalog& catalog, const Settings& settings) {
  return {make_command("master", "run a master", catalog, settings),
          make_command("master_nowatch", "run a master (the classic name without a watchdog)", catalog, settings)};
}

}  // namespace flume::master

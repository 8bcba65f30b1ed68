// flume wal and flume dumplog: offline tools over logs. Each subcommand is one function; nothing is ever written into a
// log's folder, and a node may use it meanwhile. Main thread.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "common/base/command.h"
#include "common/config/settings.h"
#include "common/event/format.h"
#include "common/wal/log_folder.h"
#include "node/runtime/registry.h"

namespace flume::node {

struct WalTool {
  std::string name;   // "ls"
  std::string usage;  // what it is for, and its options
  std::function<int(std::span<const std::string> args)> run;
};

WalTool wal_ls_tool(const Settings& settings);
WalTool wal_verify_tool(const Settings& settings);
WalTool wal_cat_tool(const Settings& settings);
WalTool wal_export_tool(const Settings& settings);
WalTool wal_replay_tool(const Settings& settings, const Registry& registry);

Command wal_command(const Settings& settings, const Registry& registry);
Command dumplog_command(const Settings& settings);

// ---- what they share
BatchLimits wal_limits(const Settings& settings);
// One line on stderr: "flume wal cat: ...".
void say_error(const std::string& tool, std::string_view message);
// kExitUsage where there is no such log, else kExitFailed; the reason is on stderr.
int wal_failed(const std::string& tool, const Status& status);
// "damaged: ...", "missing: ..." or "torn: ...".
std::string finding_line(const wal::Finding& finding);

// Rows as bytes of one format, handed on in larger pieces.
class RowPrinter {
 public:
  RowPrinter(std::unique_ptr<OutputFormat> format, std::function<Status(std::string_view)> write)
      : format_(std::move(format)), write_(std::move(write)) {}
  Status begin();
  Status print(const EventBatch& batch, const BatchLimits& limits);
  Status print(const Event& event);
  Status flush();  // at the end, and before something is said on another channel

 private:
  const std::unique_ptr<OutputFormat> format_;
  const std::function<Status(std::string_view)> write_;
  std::string buffer_;
};
Status write_stdout(std::string_view bytes);

}  // namespace flume::node

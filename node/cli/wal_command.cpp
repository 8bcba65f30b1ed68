// flume wal: finds the subcommand; and what the subcommands share.
#include <unistd.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/cli/wal_commands.h"

namespace flume::node {
namespace {

constexpr size_t kPiece = 64 << 10;  // written at once

std::string overview(const std::vector<WalTool>& tools) {
  std::string out =
      "Looks at a write-ahead log from outside, also while a node uses it; nothing in its folder is changed.\n"
      "Exit code: 0 done and the log is good, 1 something is damaged or failed, 2 bad usage or no log there.\n";
  for (const WalTool& tool : tools) {
    str_append(out, "\n-- flume wal ", tool.name, " --\n", tool.usage);
  }
  return out;
}

int run_wal(const std::vector<WalTool>& tools, std::span<const std::string> args) {
  if (args.empty()) {
    std::fputs(overview(tools).c_str(), stderr);
    return kExitUsage;
  }
  if (args[0] == "-h" || args[0] == "--help") {
    std::fputs(overview(tools).c_str(), stdout);
    return kExitOk;
  }
  std::vector<std::string> names;
  for (const WalTool& tool : tools) {
    if (tool.name == args[0]) {
      return tool.run(args.subspan(1));
    }
    names.push_back(tool.name);
  }
  const auto nearest = nearest_name(args[0], names);
  std::fputs(str_cat("wal: no subcommand ", quoted(args[0]), nearest ? str_cat("; did you mean ", *nearest, "?") : "",
                     "; there are ", join(names, ", "), "\n")
                 .c_str(),
             stderr);
  return kExitUsage;
}

}  // namespace

Command wal_command(const Settings& settings, const Registry& registry) {
  std::vector<WalTool> tools = {wal_ls_tool(settings), wal_verify_tool(settings), wal_cat_tool(settings),
                                wal_export_tool(settings), wal_replay_tool(settings, registry)};
  std::string usage = overview(tools);
  return {"wal", "look at a write-ahead log: ls, verify, cat, export, replay", std::move(usage),
          [tools = std::move(tools)](std::span<const std::string> args) { return run_wal(tools, args); }};
}

BatchLimits wal_limits(const Settings& settings) {
  BatchLimits limits;
  limits.event_bytes = static_cast<uint32_t>(settings.integer("flume.event.max.size.bytes"));
  return limits;
}

void say_error(const std::string& tool, std::string_view message) {
  std::fputs(str_cat("flume ", tool, ": ", message, "\n").c_str(), stderr);
}

int wal_failed(const std::string& tool, const Status& status) {
  say_error(tool, status.message());
  return status.code() == Code::kNotFound || status.code() == Code::kInvalid ? kExitUsage : kExitFailed;
}

std::string finding_line(const wal::Finding& finding) {
  switch (finding.kind) {
    case wal::Finding::Kind::kDamage: return "damaged: " + finding.text();
    case wal::Finding::Kind::kHole: return "missing: " + finding.text();
    case wal::Finding::Kind::kTorn: break;
  }
  return "torn: " + finding.text();
}

Status RowPrinter::begin() {
  format_->begin_file(buffer_);
  return flush();
}

Status RowPrinter::print(const EventBatch& batch, const BatchLimits& limits) {
  EventBatch plain = batch;
  if (batch.codec() != BlobCodec::kNone) {
    FLUME_ASSIGN_OR_RETURN(plain, batch.uncompressed(limits));
  }
  if (const auto ready = format_->in_place(plain)) {
    FLUME_RETURN_IF_ERROR(flush());
    return write_(*ready);
  }
  format_->append(plain, buffer_);
  return buffer_.size() < kPiece ? Status() : flush();
}

Status RowPrinter::print(const Event& event) {
  format_->append(event, buffer_);
  return buffer_.size() < kPiece ? Status() : flush();
}

Status RowPrinter::flush() {
  Status status = buffer_.empty() ? Status() : write_(buffer_);
  buffer_.clear();
  return status;
}

Status write_stdout(std::string_view bytes) { return write_all(STDOUT_FILENO, bytes, "standard output"); }

}  // namespace flume::node

#include "node/spooling/log_drains.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/posix.h"
#include "common/wal/segment.h"
#include "dataflow-lang/checker.h"
#include "node/runtime/program.h"
#include "node/spooling/disk_failover_sink.h"
#include "node/spooling/write_ahead_sink.h"

namespace flume::node {

namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestText = 1 << 20;
constexpr mode_t kMode = 0600;
constexpr Duration kOpenTime = std::chrono::seconds(10);

// The logs of a node that may hold rows: folders that have segments and are not marked as drained.
std::set<std::string> logs_in(const std::string& node_folder) {
  std::set<std::string> folders;
  for (const char* kind : {WriteAheadSink::kFolder, DiskFailoverSink::kFolder}) {
    std::error_code error;
    for (fs::directory_iterator log(str_cat(node_folder, "/", kind), error), end; !error && log != end;
         log.increment(error)) {
      std::error_code inner;
      if (fs::exists(log->path() / WriteAheadSink::kDrainedFile, inner)) {
        continue;
      }
      const bool has_segments = std::any_of(fs::directory_iterator(log->path(), inner), {}, [](const auto& file) {
        return wal::SegmentName::parse(file.path().filename().string()).has_value();
      });
      if (has_segments) {
        folders.insert(log->path().string());
      }
    }
  }
  return folders;
}

}  // namespace

LogDrains::~LogDrains() {
  for (const auto& [folder, sink] : open_) {
    context_.logs.on_wanted(folder, nullptr);
    (void)sink->close(Wait::for_duration(kOpenTime));
  }
}

bool LogDrains::has_logs(const std::string& node_folder) { return !logs_in(node_folder).empty(); }

void LogDrains::tend() {
  if (!context_.state_folder.empty()) {
    for (const std::string& folder : logs_in(context_.state_folder)) {
      if (open_.contains(folder)) {
        let_go(folder);
      } else if (!context_.logs.is_claimed(folder)) {
        take_up(folder);
      }
    }
  }
  drained_.store(open_.empty() && failed_.empty(), std::memory_order_relaxed);
}

void LogDrains::take_up(const std::string& folder) {
  const Status status = open_drain(folder);
  if (status.ok()) {
    failed_.erase(folder);
    return;
  }
  if (failed_[folder]++ == 0) {
    FLUME_LOG(kError, "rows of a log that no sink uses any more cannot be sent", kv("node", context_.logical_node),
              kv("log", folder), kv("error", status));
  }
}

Status LogDrains::open_drain(const std::string& folder) {
  FLUME_ASSIGN_OR_RETURN(const std::string text,
                         read_file(str_cat(folder, "/", WriteAheadSink::kChainFile), kLongestText));
  const lang::CheckedNode checked =
      lang::check_node(context_.logical_node, "null", text, registry_.catalog(), check_options(context_.settings));
  if (!checked.ok()) {
    return invalid(lang::to_text(checked.diagnostics));
  }
  auto plan = std::make_shared<lang::Plan>(*checked.plan.sink);
  plan->path = fs::path(folder).filename().string();  // the log's place, wherever it stood in the plan
  std::unique_ptr<Sink> sink = Build(registry_).sink(plan);
  FLUME_RETURN_IF_ERROR(sink->open(context_, Wait::for_duration(kOpenTime)));
  FLUME_LOG(kInfo, "rows of a log that no sink uses any more are sent", kv("node", context_.logical_node),
            kv("log", folder), kv("sink", text));
  open_[folder] = std::move(sink);
  context_.logs.on_wanted(folder, [this, folder] {
    const std::unique_ptr<Sink> wanted = std::move(open_[folder]);
    open_.erase(folder);
    (void)wanted->close(Wait::for_duration(kOpenTime));
    context_.logs.on_wanted(folder, nullptr);
  });
  return {};
}

bool LogDrains::is_empty(const std::string& folder) const {
  const std::vector<LogStatus> logs = context_.logs.list();
  return std::any_of(logs.begin(), logs.end(),
                     [&](const LogStatus& log) { return log.folder == folder && log.rows == 0; });
}

// Nothing is left in it. The newest segment stays: it says what the log held, should the node come back.
void LogDrains::let_go(const std::string& folder) {
  if (!is_empty(folder)) {
    return;
  }
  context_.logs.on_wanted(folder, nullptr);
  (void)open_[folder]->close(Wait::for_duration(kOpenTime));
  open_.erase(folder);
  if (const Status marked = replace_file(str_cat(folder, "/", WriteAheadSink::kDrainedFile), "", kMode); !marked.ok()) {
    FLUME_LOG_EVERY(60'000, kWarn, "an empty log could not be marked", kv("log", folder), kv("error", marked));
    return;
  }
  FLUME_LOG(kInfo, "all rows of a log that no sink uses any more are delivered", kv("node", context_.logical_node),
            kv("log", folder));
}

}  // namespace flume::node

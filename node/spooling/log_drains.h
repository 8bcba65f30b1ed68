// LogDrains: sends what is left in logs whose sinks are gone from the configuration: a sink was changed, a node was
// removed, a process started with another configuration. Each such log is opened by the sink that wrote it (its text
// lies beside the segments), sent until nothing is left, and marked so (R9). A sink that wants the folder gets it.
// Driver's thread, but is_drained().
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "node/runtime/log_book.h"
#include "node/runtime/registry.h"

namespace flume::node {

class LogDrains final : public LogKeeper {
 public:
  // Both outlive it; `context` is the logical node's.
  LogDrains(Context& context, const Registry& registry) : context_(context), registry_(registry) {}
  ~LogDrains() override;

  void tend() override;
  bool is_drained() const override { return drained_.load(std::memory_order_relaxed); }

  // Is there a log in this folder of a logical node that may hold rows?
  static bool has_logs(const std::string& node_folder);

 private:
  void take_up(const std::string& folder);
  Status open_drain(const std::string& folder);
  void let_go(const std::string& folder);
  bool is_empty(const std::string& folder) const;

  Context& context_;
  const Registry& registry_;
  std::map<std::string, std::unique_ptr<Sink>> open_;  // by the log's folder
  std::map<std::string, int> failed_;                  // could not be opened: how often, said once
  std::atomic<bool> drained_{false};
};

}  // namespace flume::node

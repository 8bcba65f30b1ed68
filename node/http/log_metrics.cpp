#include "node/http/log_metrics.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr double kMillisPerSecond = 1000;

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

std::string labels_of(const LogicalStatus& node, const LogStatus& log) {
  return str_cat("node=\"", escaped(node.name), "\",path=\"", escaped(log.path), "\",kind=\"", escaped(log.kind), "\"");
}

using Value = std::function<double(const LogStatus&)>;

void each_log(std::string& out, const std::vector<LogicalStatus>& nodes, std::string_view name, std::string_view type,
              const Value& value) {
  str_append(out, "# TYPE ", name, " ", type, "\n");
  for (const LogicalStatus& node : nodes) {
    for (const LogStatus& log : node.logs) {
      str_append(out, name, "{", labels_of(node, log), "} ", value(log), "\n");
    }
  }
}

void ack_times(std::string& out, const std::vector<LogicalStatus>& nodes) {
  out += "# TYPE flume_wal_ack_seconds histogram\n";
  for (const LogicalStatus& node : nodes) {
    for (const LogStatus& log : node.logs) {
      const std::string labels = labels_of(node, log);
      uint64_t below = 0;
      for (size_t slot = 0; slot < wal::kAckLimits; ++slot) {
        below += log.acks.rows[slot];
        str_append(out, "flume_wal_ack_seconds_bucket{", labels, ",le=\"", wal::kAckTimes[slot].seconds, "\"} ", below,
                   "\n");
      }
      str_append(out, "flume_wal_ack_seconds_bucket{", labels, ",le=\"+Inf\"} ", log.acks.total, "\n");
      str_append(out, "flume_wal_ack_seconds_sum{", labels, "} ", log.acks.sum_seconds, "\n");
      str_append(out, "flume_wal_ack_seconds_count{", labels, "} ", log.acks.total, "\n");
    }
  }
}

void each_node(std::string& out, const std::vector<LogicalStatus>& nodes, std::string_view name,
               const std::function<int64_t(const Ledger&)>& value) {
  str_append(out, "# TYPE ", name, " gauge\n");
  for (const LogicalStatus& node : nodes) {
    str_append(out, name, "{node=\"", escaped(node.name), "\"} ", value(node.ledger), "\n");
  }
}

}  // namespace

std::string log_metrics(const std::vector<LogicalStatus>& nodes, int64_t now_millis) {
  std::string out;
  each_node(out, nodes, "flume_flow_held_events",
            [](const Ledger& ledger) { return static_cast<int64_t>(ledger.held.events); });
  each_node(out, nodes, "flume_flow_missing_events",
            [](const Ledger& ledger) { return static_cast<int64_t>(ledger.missing); });
  each_node(out, nodes, "flume_flow_unexplained_events", [](const Ledger& ledger) { return ledger.unexplained; });
  const bool has_logs =
      std::any_of(nodes.begin(), nodes.end(), [](const LogicalStatus& node) { return !node.logs.empty(); });
  if (!has_logs) {
    return out;
  }
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  each_log(out, nodes, "flume_wal_rows", "gauge", [&](const LogStatus& log) { return number(log.rows); });
  each_log(out, nodes, "flume_wal_bytes", "gauge", [&](const LogStatus& log) { return number(log.bytes); });
  each_log(out, nodes, "flume_wal_limit_bytes", "gauge", [&](const LogStatus& log) { return number(log.limit_bytes); });
  each_log(out, nodes, "flume_wal_oldest_seconds", "gauge", [&](const LogStatus& log) {
    const int64_t age = log.oldest_millis == 0 ? 0 : std::max<int64_t>(0, now_millis - log.oldest_millis);
    return static_cast<double>(age) / kMillisPerSecond;
  });
  each_log(out, nodes, "flume_wal_disk_error", "gauge", [](const LogStatus& log) { return log.error.empty() ? 0 : 1; });
  each_log(out, nodes, "flume_wal_sending_error", "gauge",
           [](const LogStatus& log) { return log.chain_error.empty() ? 0 : 1; });
  each_log(out, nodes, "flume_wal_repeated_rows_total", "counter",
           [&](const LogStatus& log) { return number(log.repeated); });
  ack_times(out, nodes);
  return out;
}

}  // namespace flume::node

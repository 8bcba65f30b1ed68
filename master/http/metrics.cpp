// /metrics: one series a flow, not a node; nodes have pages of their own. Made from the same picture as the API's
// ledger, so the two agree.
#include "common/metrics/metrics.h"
#include "common/base/version.h"
#include "master/http/answers.h"
#include "master/http/api.h"

namespace flume::master {

namespace {

uint64_t natural(int64_t number) { return number > 0 ? static_cast<uint64_t>(number) : 0; }

void add_flow(MetricRegistry& metrics, const std::string& name, const FlowSum& flow) {
  const Labels labels = {{"flow", name}};
  const FlowLedger& ledger = flow.ledger;
  const auto count = [&](const std::string& what, const FlowAmount& amount, const Labels& with) {
    metrics.counter("flume_flow_" + what + "_events_total", with).add(natural(amount.events));
    metrics.counter("flume_flow_" + what + "_bytes_total", with).add(natural(amount.bytes));
  };
  count("read", ledger.read, labels);
  count("recovered", ledger.recovered, labels);
  count("delivered", ledger.delivered, labels);
  for (const auto& [reason, amount] : ledger.dropped) {
    count("dropped", amount, {{"flow", name}, {"reason", reason}});
  }
  metrics.counter("flume_flow_copies_total", labels).add(natural(ledger.copies));
  metrics.gauge("flume_flow_in_flight_events", labels).set(ledger.in_flight.events);
  metrics.gauge("flume_flow_in_flight_bytes", labels).set(ledger.in_flight.bytes);
  metrics.gauge("flume_flow_held_events", labels).set(ledger.held.events);
  metrics.gauge("flume_flow_missing_events", labels).set(ledger.missing);
  metrics.gauge("flume_flow_unexplained_events", labels).set(ledger.unexplained);
  metrics.gauge("flume_flow_balanced", labels).set(ledger.balanced ? 1 : 0);
}

}  // namespace

Api::Response Api::get_metrics(const Request& /*request*/) const {
  const auto wanted = parts_.wanted.get();
  const Picture now = make_picture(*wanted, parts_.nodes);
  MetricRegistry metrics;
  metrics.gauge("flume_master_info", {{"version", std::string(kVersion)}}).set(1);
  metrics.gauge("flume_master_revision", {}).set(static_cast<int64_t>(wanted->view().config_revision));
  metrics.gauge("flume_master_configs", {}).set(static_cast<int64_t>(wanted->view().configs.size()));
  for (const PhysicalPicture& node : now.physical) {
    metrics.gauge("flume_master_physical_nodes", {{"state", node.status.is_live ? "ACTIVE" : "LOST"}}).add(1);
  }
  for (const LogicalPicture& node : now.logical) {
    metrics.gauge("flume_master_logical_nodes", {{"state", std::string(state_name(node.state))}}).add(1);
  }
  for (const auto& [name, flow] : sum_flows(now)) {
    add_flow(metrics, name, flow);
  }
  Response response = http::json_response(metrics.prometheus());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

}  // namespace flume::master

#include "master/nodes/picture.h"

#include <map>

namespace flume::master {

namespace {

using LogicalMap = std::map<std::string, LogicalPicture, std::less<>>;

// All that a configuration or a mapping names.
LogicalMap named_nodes(const View& view) {
  LogicalMap out;
  for (const auto& [name, config] : view.configs) {
    LogicalPicture& node = out[name];
    node.flow = config.value.flow;
    node.wanted_revision = config.modified;
  }
  for (const auto& [name, place] : view.places) {
    out.try_emplace(name);
  }
  for (auto& [name, node] : out) {
    node.name = name;
    node.physical = view.physical_of(name);
    node.state = node.physical.empty() ? StateCode::kIdle : StateCode::kHello;
    const auto host = view.hosts.find(node.physical);
    if (host != view.hosts.end()) {
      node.host = host->second.value.host;
      node.state = host->second.value.is_live ? node.state : StateCode::kLost;
    }
  }
  return out;
}

void add_report(LogicalPicture& node, const PhysicalStatus& physical, const LogicalStatus& status) {
  node.physical = physical.facts.name;
  node.host = physical.facts.host;
  node.is_reported = true;
  node.report = status.report;
  node.revision = status.report.revision;
  node.since_millis = physical.is_live ? status.report.since_millis : physical.live_since_millis;
  node.seen_millis = status.seen_millis;
  node.boot_millis = physical.facts.boot_millis;
  node.rates = status.rates;
  node.ledger = FlowLedger::from(status.report.ledger);
  node.state = physical.is_live ? status.report.state : StateCode::kLost;
}

}  // namespace

Picture make_picture(const Wanted& wanted, const NodeTable& table) {
  const View& view = wanted.view();
  LogicalMap logical = named_nodes(view);
  std::vector<PhysicalStatus> nodes = table.list();
  const auto is_at_home = [&view](const std::string& name, const std::string& physical) {
    const std::string home = view.physical_of(name);
    return home.empty() ? name == physical : home == physical;
  };
  for (const bool at_home : {true, false}) {
    for (const PhysicalStatus& physical : nodes) {
      for (const auto& [name, status] : physical.logical) {
        if (is_at_home(name, physical.facts.name) != at_home) {
          continue;
        }
        LogicalPicture& node = logical[name];
        node.name = name;
        if (node.is_reported) {
          continue;  // its home reports it
        }
        add_report(node, physical, status);
        if (!at_home && physical.is_live) {
          node.state = StateCode::kDecommissioned;
        }
      }
    }
  }
  Picture picture;
  std::map<std::string, std::vector<std::string>> carried = view.mappings();
  for (PhysicalStatus& physical : nodes) {
    const std::string name = physical.facts.name;
    picture.physical.push_back({std::move(physical), std::move(carried[name])});
  }
  for (auto& [name, node] : logical) {
    picture.logical.push_back(std::move(node));
  }
  return picture;
}

}  // namespace flume::master

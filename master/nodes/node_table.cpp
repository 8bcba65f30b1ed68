#include "master/nodes/node_table.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::master {

namespace {

constexpr Duration kRateInterval = std::chrono::milliseconds(900);  // shorter ones say little

int64_t number(const LedgerNumbers& numbers, const std::string& name) {
  const auto found = numbers.find(name);
  return found == numbers.end() ? 0 : found->second;
}

Rates rates_between(const LedgerNumbers& before, const LedgerNumbers& now, Duration elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const auto rate = [&](const char* name) {
    const int64_t grown = number(now, name) - number(before, name);
    return grown > 0 ? static_cast<double>(grown) / seconds : 0;  // less than before: the process is a new one
  };
  return {rate("read.events"), rate("read.bytes"), rate("delivered.events"), rate("delivered.bytes")};
}

}  // namespace

bool LogicalReport::looks_like(const LogicalReport& other) const {
  return state == other.state && revision == other.revision && wanted_revision == other.wanted_revision &&
         text_hash == other.text_hash && error == other.error && since_millis == other.since_millis &&
         next_try_millis == other.next_try_millis;
}

void NodeTable::announce(bool is_changed) const {
  if (is_changed && on_change_) {
    on_change_();
  }
}

bool NodeTable::touch(PhysicalStatus& node) {
  node.last_seen = clock_.now();
  node.last_seen_millis = clock_.wall_millis();
  if (node.is_live && node.live_since_millis != 0) {
    return false;
  }
  node.is_live = true;
  node.live_since_millis = node.last_seen_millis;
  FLUME_LOG(kInfo, "node is here", kv("node", node.facts.name), kv("host", node.facts.host));
  return true;
}

bool NodeTable::take_logical(PhysicalStatus& node, LogicalReport report) {
  const TimePoint now = clock_.now();
  const auto [it, is_new] = node.logical.try_emplace(report.name);
  LogicalStatus& status = it->second;
  const bool is_changed = is_new || !status.report.looks_like(report);
  if (is_new) {
    status.base = report.ledger;
    status.base_at = now;
  } else if (now - status.base_at >= kRateInterval) {
    status.rates = rates_between(status.base, report.ledger, now - status.base_at);
    status.base = report.ledger;
    status.base_at = now;
  }
  status.seen_millis = clock_.wall_millis();
  status.report = std::move(report);
  return is_changed;
}

bool NodeTable::take(PhysicalReport report, bool& is_changed) {
  const auto found = nodes_.find(report.facts.name);
  const bool is_known = found != nodes_.end() && found->second.is_heard && !found->second.is_classic &&
                        found->second.facts.boot_epoch == report.facts.boot_epoch &&
                        found->second.facts.node_id == report.facts.node_id;
  if (!is_known && !report.full) {
    return false;
  }
  PhysicalStatus& node = nodes_[report.facts.name];
  if (found != nodes_.end() && node.is_live && node.is_heard && !node.facts.node_id.empty() &&
      node.facts.node_id != report.facts.node_id) {
    FLUME_LOG_EVERY(60'000, kWarn, "two nodes of one name", kv("node", node.facts.name), kv("host", node.facts.host),
                    kv("other_host", report.facts.host));
  }
  const bool obeys_another = !report.facts.store_id.empty() && report.facts.store_id != options_.own_store_id;
  is_changed = !is_known || node.facts.host != report.facts.host || node.facts.http_port != report.facts.http_port ||
               node.facts.revision != report.facts.revision || node.obeys_another_store != obeys_another;
  node.facts = std::move(report.facts);
  node.obeys_another_store = obeys_another;
  node.is_classic = false;
  node.is_heard = true;
  if (!is_known) {
    node.stopped.clear();
  }
  is_changed = touch(node) || is_changed;
  if (report.full) {
    std::set<std::string> names;
    for (const LogicalReport& logical : report.changed) {
      names.insert(logical.name);
    }
    const size_t gone = std::erase_if(node.logical, [&](const auto& entry) { return !names.contains(entry.first); });
    is_changed = is_changed || gone > 0;
  }
  for (LogicalReport& logical : report.changed) {
    node.stopped.erase(logical.name);
    is_changed = take_logical(node, std::move(logical)) || is_changed;
  }
  for (const std::string& name : report.removed) {
    node.logical.erase(name);
    node.stopped.insert(name);
    is_changed = true;
  }
  return true;
}

void NodeTable::seed(const View& view) {
  const MutexLock lock(mutex_);
  for (const auto& [name, kept] : view.hosts) {
    const auto [it, is_new] = nodes_.try_emplace(name);
    if (!is_new) {
      continue;
    }
    PhysicalStatus& node = it->second;
    node.facts.name = name;
    node.facts.host = kept.value.host;
    node.facts.node_id = kept.value.node_id;
    node.facts.addresses = kept.value.addresses;
    node.is_live = kept.value.is_live;
    node.is_heard = false;
    node.last_seen = clock_.now();
    node.live_since_millis = kept.value.since_millis;
    node.last_seen_millis = kept.value.since_millis;
  }
}

bool NodeTable::report(PhysicalReport report) {
  bool is_changed = false;
  bool is_taken = false;
  {
    const MutexLock lock(mutex_);
    is_taken = take(std::move(report), is_changed);
  }
  announce(is_changed);
  return is_taken;
}

bool NodeTable::classic_heartbeat(const std::string& physical, const std::string& host, const std::string& logical,
                                  StateCode state, int64_t version) {
  bool is_changed = false;
  bool is_first = false;
  {
    const MutexLock lock(mutex_);
    PhysicalStatus& node = nodes_[physical];
    is_first = !node.logical.contains(logical);
    is_changed = is_first || node.facts.host != host;
    node.facts.name = physical;
    node.facts.host = host;
    node.is_classic = true;
    node.is_heard = true;
    is_changed = touch(node) || is_changed;
    LogicalReport report;
    report.name = logical;
    report.state = state;
    report.revision = version > 0 ? static_cast<Revision>(version) : 0;
    report.wanted_revision = report.revision;
    is_changed = take_logical(node, std::move(report)) || is_changed;
  }
  announce(is_changed);
  return is_first;
}

void NodeTable::tick() {
  bool is_changed = false;
  {
    const MutexLock lock(mutex_);
    const TimePoint now = clock_.now();
    for (auto& [name, node] : nodes_) {
      if (node.is_live && now - node.last_seen >= options_.lost_after) {
        node.is_live = false;
        node.live_since_millis = clock_.wall_millis();
        is_changed = true;
        for (auto& [logical, status] : node.logical) {
          status.rates = {};
        }
        FLUME_LOG(kWarn, "node is lost", kv("node", name), kv("host", node.facts.host));
      }
    }
  }
  announce(is_changed);
}

void NodeTable::forget(const std::vector<std::string>& names) {
  {
    const MutexLock lock(mutex_);
    for (const std::string& name : names) {
      nodes_.erase(name);
      for (auto& [physical, node] : nodes_) {
        node.logical.erase(name);
      }
    }
  }
  announce(true);
}

void NodeTable::forget_all() {
  {
    const MutexLock lock(mutex_);
    nodes_.clear();
  }
  announce(true);
}

std::vector<PhysicalStatus> NodeTable::list() const {
  const MutexLock lock(mutex_);
  std::vector<PhysicalStatus> out;
  for (const auto& [name, node] : nodes_) {
    out.push_back(node);
  }
  return out;
}

std::optional<PhysicalStatus> NodeTable::find(std::string_view physical) const {
  const MutexLock lock(mutex_);
  const auto found = nodes_.find(physical);
  return found == nodes_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Change> NodeTable::store_changes(const View& view) const {
  std::vector<Change> changes;
  const MutexLock lock(mutex_);
  for (const auto& [name, node] : nodes_) {
    const auto kept = view.hosts.find(name);
    const bool is_new = kept == view.hosts.end();
    if (is_new || kept->second.value.host != node.facts.host || kept->second.value.node_id != node.facts.node_id ||
        kept->second.value.addresses != node.facts.addresses || kept->second.value.is_live != node.is_live) {
      Change change;
      change.key = host_key(name);
      change.value =
          encode_host({node.facts.node_id, node.facts.host, node.facts.addresses, node.is_live, node.live_since_millis},
                      is_new ? std::string() : kept->second.text);
      change.if_absent = is_new;
      if (!is_new) {
        change.if_modified_at = kept->second.modified;
      }
      changes.push_back(std::move(change));
    }
    for (const std::string& stopped : node.stopped) {
      if (view.removed.contains({name, stopped})) {
        changes.push_back({removed_key(name, stopped), std::nullopt});
      }
    }
    if (view.adopts.contains(name) && node.facts.store_id == options_.own_store_id) {
      changes.push_back({adopt_key(name), std::nullopt});
    }
  }
  return changes;
}

}  // namespace flume::master

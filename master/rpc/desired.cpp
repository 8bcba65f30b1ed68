#include "master/rpc/desired.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "common/json/json.h"

namespace flume::master {
namespace {

// A larger answer comes in parts: what is left differs again at the next report.
constexpr size_t kMostTextBytes = 8U << 20;
constexpr size_t kMostJsonBytes = 256U << 10;  // that a node may say of one logical node

std::string hex(const std::string& bytes) {
  return to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

// True: the node runs, or was told and refused, just this.
bool is_up_to_date(const PhysicalStatus& node, const std::string& logical, const WantedNode& wanted) {
  const auto found = node.logical.find(logical);
  return found != node.logical.end() && found->second.report.text_hash == wanted.text.hash &&
         found->second.report.wanted_revision >= wanted.modified;
}

// What a node says in JSON goes to pages as it is, so it has to be JSON, and of the kind that they expect.
std::string json_or_nothing(const std::string& text, bool is_object) {
  if (text.empty() || text.size() > kMostJsonBytes) {
    return {};
  }
  const auto value = JsonValue::parse(text);
  return value.ok() && (is_object ? value->is_object() : value->is_array()) ? text : std::string();
}

LogicalReport logical_from(const rpc::control::LogicalState& state) {
  LogicalReport report;
  report.name = state.name;
  report.state = state_from_number(state.state);
  report.revision = static_cast<Revision>(std::max<int64_t>(0, state.revision));
  report.wanted_revision = static_cast<Revision>(std::max<int64_t>(0, state.wanted_revision));
  report.text_hash = state.text_hash;
  report.error = state.error;
  report.since_millis = state.since_ms;
  report.error_millis = state.error_ms;
  report.next_try_millis = state.next_try_ms;
  report.counters = state.counters;
  report.ledger = state.ledger;
  report.promise = json_or_nothing(state.promise, true);
  report.logs = json_or_nothing(state.logs, false);
  return report;
}

}  // namespace

PhysicalReport report_from(const rpc::control::NodeReport& report) {
  PhysicalReport taken;
  taken.facts.name = report.name;
  taken.facts.host = report.host;
  taken.facts.node_id = hex(report.node_id);
  taken.facts.version = report.version;
  taken.facts.store_id = hex(report.store_id);
  taken.facts.addresses = report.addresses;
  taken.facts.boot_epoch = report.boot_epoch;
  taken.facts.boot_millis = report.boot_ms;
  taken.facts.http_port = report.http_port;
  taken.facts.revision = static_cast<Revision>(std::max<int64_t>(0, report.revision));
  taken.full = report.full;
  for (const rpc::control::LogicalState& state : report.changed) {
    taken.changed.push_back(logical_from(state));
  }
  taken.removed = report.removed;
  return taken;
}

DesiredFor desired_for(const Wanted& wanted, const PhysicalStatus* node, const std::string& physical,
                       const std::string& store_id) {
  DesiredFor answer;
  const View& view = wanted.view();
  rpc::control::Desired& desired = answer.desired;
  desired.__set_store_id(store_id);
  if (node == nullptr) {
    desired.__set_send_full_report(true);
    answer.is_behind = true;
    return answer;
  }
  if (!node->facts.store_id.empty() && node->facts.store_id != hex(store_id)) {
    const auto obeyed = from_hex(node->facts.store_id);
    if (!view.adopts.contains(physical) || !obeyed) {
      return answer;  // another store's: it is shown, and told nothing
    }
    desired.__set_adopt_from(std::string(obeyed->begin(), obeyed->end()));
    answer.is_behind = true;
  }
  size_t bytes = 0;
  bool is_whole = true;
  for (const std::string& name : wanted.carried_by(physical)) {
    const WantedNode* const config = wanted.find(name);
    if (config == nullptr || is_up_to_date(*node, name, *config)) {
      continue;
    }
    bytes += config->text.source.size() + config->text.sink.size();
    if (bytes > kMostTextBytes && !desired.configs.empty()) {
      is_whole = false;
      break;
    }
    rpc::control::SetLogical set;
    set.__set_name(name);
    set.__set_revision(static_cast<int64_t>(config->modified));
    set.__set_flow(config->flow);
    set.__set_source(config->text.source);
    set.__set_sink(config->text.sink);
    set.__set_text_hash(config->text.hash);
    desired.configs.push_back(std::move(set));
  }
  for (auto removed = view.removed.lower_bound({physical, ""}); removed != view.removed.end(); ++removed) {
    if (removed->first != physical) {
      break;
    }
    if (node->stopped.contains(removed->second)) {
      continue;  // confirmed; the store will hear of it
    }
    rpc::control::RemoveLogical remove;
    remove.__set_name(removed->second);
    remove.__set_revision(static_cast<int64_t>(view.config_revision));
    desired.remove.push_back(std::move(remove));
  }
  desired.__isset.configs = desired.__isset.remove = true;
  answer.is_behind = answer.is_behind || !desired.configs.empty() || !desired.remove.empty();
  desired.__set_revision(is_whole ? static_cast<int64_t>(view.config_revision)
                                  : static_cast<int64_t>(node->facts.revision));
  return answer;
}

}  // namespace flume::master

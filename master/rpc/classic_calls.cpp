#include "master/rpc/classic_calls.h"

#include <thrift/TApplicationException.h>

#include <algorithm>

namespace flume::master {

namespace {

constexpr size_t kMaxTagBytes = 4096;

void check_name(const std::string& name) {
  if (const Status status = check_node_name(name); !status.ok()) {
    throw apache::thrift::TApplicationException(apache::thrift::TApplicationException::INTERNAL_ERROR,
                                                std::string(status.message()));
  }
}

}  // namespace

bool ClassicCalls::heartbeat(const std::string& logical, const std::string& physical, const std::string& host,
                             int32_t state, int64_t timestamp) {
  check_name(logical);
  check_name(physical);
  nodes_.classic_heartbeat(physical, host, logical, state_from_number(state), timestamp);
  const auto wanted = wanted_.get();
  const WantedNode* const node = wanted->find(logical);
  return node != nullptr && timestamp < static_cast<int64_t>(node->modified) &&
         wanted->view().physical_of(logical) == physical;
}

bool ClassicCalls::find_config(rpc::classic::FlumeConfigData& out, const std::string& logical) const {
  const auto wanted = wanted_.get();
  const WantedNode* const node = wanted->find(logical);
  if (node == nullptr) {
    return false;
  }
  const auto version = static_cast<int64_t>(node->modified);
  out.__set_timestamp(version);
  out.__set_sourceConfig(node->text.source);
  out.__set_sinkConfig(node->text.sink);
  out.__set_sourceVersion(version);
  out.__set_sinkVersion(version);
  out.__set_flowID(node->flow);
  return true;
}

void ClassicCalls::getConfig(rpc::classic::FlumeConfigData& out, const std::string& logical) {
  (void)find_config(out, logical);
}

void ClassicCalls::getLogicalNodes(std::vector<std::string>& out, const std::string& physical) {
  const auto wanted = wanted_.get();
  out = wanted->carried_by(physical);
  // Also those that are mapped and have no configuration yet: a node stops what is not listed.
  for (const auto& [logical, place] : wanted->view().places) {
    if (place.value == physical && wanted->find(logical) == nullptr) {
      out.push_back(logical);
    }
  }
  std::sort(out.begin(), out.end());
}

void ClassicCalls::getChokeMap(std::map<std::string, int32_t>& out, const std::string&) { out.clear(); }

void ClassicCalls::acknowledge(const std::string& tag) {
  if (tag.size() > kMaxTagBytes || !tags_.insert(tag).second) {
    return;
  }
  tags_by_age_.push_back(tag);
  while (tags_by_age_.size() > kMaxTags) {  // nobody asks for the oldest any more: its node sends again at worst
    tags_.erase(tags_by_age_.front());
    tags_by_age_.pop_front();
  }
}

bool ClassicCalls::checkAck(const std::string& tag) { return tags_.erase(tag) > 0; }

void ClassicCalls::putReports(const std::map<std::string, rpc::classic::FlumeReport>&) {}

}  // namespace flume::master

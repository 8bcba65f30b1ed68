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

bool ClassicCalls::heartbeat(const std::string& logicalNode, const std::string& physicalNode, const std::string& host,
                             rpc::classic::FlumeNodeState::type s, int64_t timestamp) {
  check_name(logicalNode);
  check_name(physicalNode);
  nodes_.classic_heartbeat(physicalNode, host, logicalNode, state_from_number(s), timestamp);
  const auto wanted = wanted_.get();
  const WantedNode* const node = wanted->find(logicalNode);
  return node != nullptr && timestamp < static_cast<int64_t>(node->modified) &&
         wanted->view().physical_of(logicalNode) == physicalNode;
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

void ClassicCalls::getConfig(rpc::classic::FlumeConfigData& out, const std::string& sourceId) {
  (void)find_config(out, sourceId);
}

void ClassicCalls::getLogicalNodes(std::vector<std::string>& out, const std::string& physNode) {
  const auto wanted = wanted_.get();
  out = wanted->carried_by(physNode);
  // Also those that are mapped and have no configuration yet: a node stops what is not listed.
  for (const auto& [logical, place] : wanted->view().places) {
    if (place.value == physNode && wanted->find(logical) == nullptr) {
      out.push_back(logical);
    }
  }
  std::sort(out.begin(), out.end());
}

void ClassicCalls::getChokeMap(std::map<std::string, int32_t>& out, const std::string&) { out.clear(); }

void ClassicCalls::acknowledge(const std::string& ackid) {
  if (ackid.size() > kMaxTagBytes || !tags_.insert(ackid).second) {
    return;
  }
  tags_by_age_.push_back(ackid);
  while (tags_by_age_.size() > kMaxTags) {  // nobody asks for the oldest any more: its node sends again at worst
    tags_.erase(tags_by_age_.front());
    tags_by_age_.pop_front();
  }
}

bool ClassicCalls::checkAck(const std::string& ackid) { return tags_.erase(ackid) > 0; }

void ClassicCalls::putReports(const std::map<std::string, rpc::classic::FlumeReport>&) {}

}  // namespace flume::master

// ClassicCalls: the calls of classic nodes (common/rpc/flumeconfig.thrift), answered from the newest Wanted. What is
// not offered to them: chokes (an empty map), reports (taken and dropped: the pages show our own nodes' numbers).
// Acknowledged tags of their end-to-end mode are kept in memory until they are asked for.
// Used by the node service's thread only.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "master/nodes/node_table.h"
#include "master/translate/wanted_board.h"
#include "rpc/ThriftFlumeClientServer.h"

namespace flume::master {

class ClassicCalls final : public rpc::classic::ThriftFlumeClientServerIf {
 public:
  static constexpr size_t kMaxTags = 100'000;

  ClassicCalls(const WantedBoard& wanted, NodeTable& nodes) : wanted_(wanted), nodes_(nodes) {}

  // True: it should ask for its configuration, which is newer than `timestamp`.
  bool heartbeat(const std::string& logical, const std::string& physical, const std::string& host, int32_t state,
                 int64_t timestamp) override;
  // False: there is none.
  bool find_config(rpc::classic::FlumeConfigData& out, const std::string& logical) const;
  void getConfig(rpc::classic::FlumeConfigData& out, const std::string& logical) override;
  void getLogicalNodes(std::vector<std::string>& out, const std::string& physical) override;
  void getChokeMap(std::map<std::string, int32_t>& out, const std::string& physical) override;
  void acknowledge(const std::string& tag) override;
  bool checkAck(const std::string& tag) override;  // true once, for each acknowledged tag
  void putReports(const std::map<std::string, rpc::classic::FlumeReport>& reports) override;

 private:
  const WantedBoard& wanted_;
  NodeTable& nodes_;
  std::set<std::string> tags_;
  std::deque<std::string> tags_by_age_;  // may name tags that are gone
};

}  // namespace flume::master

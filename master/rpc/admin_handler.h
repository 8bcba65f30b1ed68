// The answers to the classic administration calls. Used by the service's thread only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "master/rpc/admin_service.h"
#include "rpc/FlumeMasterAdminServer.h"

namespace flume::master {

class AdminHandler final : public rpc::admin::FlumeMasterAdminServerIf {
 public:
  explicit AdminHandler(const AdminService::Parts& parts) : parts_(parts) {}

  int64_t submit(const rpc::admin::FlumeMasterCommandThrift& command) override;
  bool isSuccess(const int64_t cmdid) override;
  bool isFailure(const int64_t cmdid) override;
  bool hasCmdId(const int64_t cmdid) override;
  void getCmdStatus(rpc::admin::CommandStatusThrift& out, const int64_t cmdid) override;
  void getNodeStatuses(std::map<std::string, rpc::admin::FlumeNodeStatusThrift>& out) override;
  void getConfigs(std::map<std::string, rpc::admin::FlumeConfigData>& out) override;
  void getMappings(std::map<std::string, std::vector<std::string>>& out, const std::string& physical) override;

 private:
  CommandState state_of(int64_t id) const;
  const AdminService::Parts parts_;
};

}  // namespace flume::master

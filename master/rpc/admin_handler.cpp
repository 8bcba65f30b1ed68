#include "master/rpc/admin_handler.h"

#include <thrift/TApplicationException.h>

#include <utility>

namespace flume::master {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw apache::thrift::TApplicationException(apache::thrift::TApplicationException::INTERNAL_ERROR, why);
}

// What a classic shell knows; its numbers are the first eight of ours.
int32_t wire_state(StateCode state) { return static_cast<int32_t>(classic_state(state)); }

}  // namespace

int64_t AdminHandler::submit(const rpc::admin::FlumeMasterCommandThrift& command) {
  Submission submission;
  submission.command = command.command;
  submission.args = command.arguments;
  submission.who = "shell";
  const auto id = parts_.commands.submit(std::move(submission));
  if (!id.ok()) {
    refuse(std::string(id.status().message()));
  }
  return static_cast<int64_t>(*id);
}

CommandState AdminHandler::state_of(int64_t id) const {
  const auto record = parts_.commands.find(static_cast<uint64_t>(id));
  return record ? record->state : CommandState::kQueued;
}

bool AdminHandler::isSuccess(const int64_t cmdid) { return state_of(cmdid) == CommandState::kSucceeded; }

bool AdminHandler::isFailure(const int64_t cmdid) { return state_of(cmdid) == CommandState::kFailed; }

bool AdminHandler::hasCmdId(const int64_t cmdid) {
  return parts_.commands.find(static_cast<uint64_t>(cmdid)).has_value();
}

void AdminHandler::getCmdStatus(rpc::admin::CommandStatusThrift& out, const int64_t cmdid) {
  const auto record = parts_.commands.find(static_cast<uint64_t>(cmdid));
  if (!record) {
    refuse("no command " + std::to_string(cmdid));
  }
  out.cmdId = cmdid;
  out.state = std::string(command_state_name(record->state));
  out.message = record->message;
  out.cmd.command = record->command;
  out.cmd.arguments = record->args;
}

void AdminHandler::getNodeStatuses(std::map<std::string, rpc::admin::FlumeNodeStatusThrift>& out) {
  const int64_t now = parts_.clock.wall_millis();
  for (const PhysicalStatus& node : parts_.nodes.list()) {
    for (const auto& [name, logical] : node.logical) {
      rpc::admin::FlumeNodeStatusThrift status;
      status.state = node.is_live ? wire_state(logical.report.state) : rpc::admin::FlumeNodeState::LOST;
      status.version = static_cast<int64_t>(logical.report.revision);
      status.lastseen = node.last_seen_millis;
      status.lastSeenDeltaMillis = now - node.last_seen_millis;
      status.host = node.facts.host;
      status.physicalNode = node.facts.name;
      out[name] = std::move(status);
    }
  }
}

void AdminHandler::getConfigs(std::map<std::string, rpc::admin::FlumeConfigData>& out) {
  const auto view = parts_.mirror.view();
  for (const auto& [name, config] : view->configs) {
    rpc::admin::FlumeConfigData data;
    data.timestamp = config.value.when_millis;
    data.sourceConfig = config.value.source;
    data.sinkConfig = config.value.sink;
    data.sourceVersion = static_cast<int64_t>(config.modified);
    data.sinkVersion = static_cast<int64_t>(config.modified);
    data.flowID = config.value.flow;
    out[name] = std::move(data);
  }
}

void AdminHandler::getMappings(std::map<std::string, std::vector<std::string>>& out, const std::string& physical) {
  for (const auto& [node, logical] : parts_.mirror.view()->mappings()) {
    if (physical.empty() || physical == node) {
      out[node] = logical;
    }
  }
}

}  // namespace flume::master

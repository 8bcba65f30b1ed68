#include "master/rpc/admin_client.h"

#include <thrift/TApplicationException.h>
#include <thrift/transport/TSocket.h>

#include "common/base/text.h"
#include "common/rpc/thrift_bytes.h"
#include "rpc/FlumeMasterAdminServer.h"

namespace flume::master {

namespace {

// The library counts the bytes of a connection's whole life against the limit of one message, unless told otherwise.
class Buffered final : public apache::thrift::transport::TBufferedTransport {
 public:
  using TBufferedTransport::TBufferedTransport;
  uint32_t readEnd() override {
    const uint32_t bytes = TBufferedTransport::readEnd();
    resetConsumedMessageSize();
    return bytes;
  }
};
using Protocol = apache::thrift::protocol::TBinaryProtocolT<Buffered>;

std::string state_name(int32_t state) {
  const auto found = rpc::admin::_FlumeNodeState_VALUES_TO_NAMES.find(state);
  return found == rpc::admin::_FlumeNodeState_VALUES_TO_NAMES.end() ? str_cat("state ", state)
                                                                    : std::string(found->second);
}

}  // namespace

struct AdminClient::Impl {
  std::string peer;
  std::shared_ptr<apache::thrift::transport::TSocket> socket;
  std::unique_ptr<rpc::admin::FlumeMasterAdminServerClient> client;
};

AdminClient::AdminClient() : impl_(std::make_unique<Impl>()) {}

AdminClient::~AdminClient() = default;

void AdminClient::close() { *impl_ = Impl(); }

bool AdminClient::is_connected() const { return impl_->client != nullptr; }

Status AdminClient::connect(const std::string& host, uint16_t port, Duration timeout) {
  close();
  const auto millis = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count());
  try {
    impl_->peer = str_cat(host, ":", port);
    impl_->socket = std::make_shared<apache::thrift::transport::TSocket>(host, port, rpc::thrift_limits());
    impl_->socket->setConnTimeout(millis);
    impl_->socket->setRecvTimeout(millis);
    impl_->socket->setSendTimeout(millis);
    impl_->socket->open();
    const auto buffered = std::make_shared<Buffered>(impl_->socket, rpc::thrift_limits());
    const auto protocol = std::make_shared<Protocol>(buffered, rpc::kMaxMessageBytes, rpc::kMaxContainer, true, true);
    impl_->client = std::make_unique<rpc::admin::FlumeMasterAdminServerClient>(protocol);
    return {};
  } catch (const std::exception& error) {
    close();
    return unavailable(str_cat("connect to the master at ", host, ":", port, ": ", std::string(error.what())));
  }
}

template <class Call>
Status AdminClient::guarded(const char* what, Call call) {
  if (impl_->client == nullptr) {
    return unavailable("not connected");
  }
  try {
    call(*impl_->client);
    return {};
  } catch (const apache::thrift::TApplicationException& error) {
    return invalid(str_cat(what, ": ", std::string(error.what())));
  } catch (const std::exception& error) {
    const std::string peer = impl_->peer;
    close();
    return unavailable(str_cat(what, " at ", peer, ": ", std::string(error.what())));
  }
}

Result<int64_t> AdminClient::submit(const std::string& command, const std::vector<std::string>& args) {
  rpc::admin::FlumeMasterCommandThrift wanted;
  wanted.command = command;
  wanted.arguments = args;
  int64_t id = 0;
  FLUME_RETURN_IF_ERROR(guarded("submit", [&](auto& client) { id = client.submit(wanted); }));
  return id;
}

Result<AdminClient::Command> AdminClient::command(int64_t id) {
  rpc::admin::CommandStatusThrift status;
  FLUME_RETURN_IF_ERROR(guarded("ask for a command", [&](auto& client) { client.getCmdStatus(status, id); }));
  return Command{status.state, status.message};
}

Result<std::map<std::string, AdminClient::Node>> AdminClient::nodes() {
  std::map<std::string, rpc::admin::FlumeNodeStatusThrift> statuses;
  FLUME_RETURN_IF_ERROR(guarded("ask for the nodes", [&](auto& client) { client.getNodeStatuses(statuses); }));
  std::map<std::string, Node> out;
  for (const auto& [name, status] : statuses) {
    out[name] = {state_name(status.state), status.version, status.host, status.physicalNode};
  }
  return out;
}

Result<std::map<std::string, AdminClient::Config>> AdminClient::configs() {
  std::map<std::string, rpc::admin::FlumeConfigData> configs;
  FLUME_RETURN_IF_ERROR(guarded("ask for the configurations", [&](auto& client) { client.getConfigs(configs); }));
  std::map<std::string, Config> out;
  for (const auto& [name, config] : configs) {
    out[name] = {config.flowID, config.sourceConfig, config.sinkConfig};
  }
  return out;
}

Result<std::map<std::string, std::vector<std::string>>> AdminClient::mappings(const std::string& physical) {
  std::map<std::string, std::vector<std::string>> out;
  FLUME_RETURN_IF_ERROR(guarded("ask for the mappings", [&](auto& client) { client.getMappings(out, physical); }));
  return out;
}

}  // namespace flume::master

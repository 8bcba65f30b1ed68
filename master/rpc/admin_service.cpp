#include "master/rpc/admin_service.h"

#include <exception>
#include <utility>

#include "master/rpc/admin_handler.h"
#include "master/rpc/rpc_port.h"
#include "master/rpc/thrift_call.h"

namespace flume::master {

namespace {

// One shell: every call is answered at once.
class AdminSession final : public RpcSession {
 public:
  AdminSession(apache::thrift::TProcessor& processor, RpcPeer& peer) : processor_(processor), peer_(peer) {}

  Status on_message(std::string_view message) override {
    try {
      peer_.send(answer_of(processor_, message));
      return {};
    } catch (const std::exception& error) {  // generated code
      return invalid(error.what());
    }
  }

 private:
  apache::thrift::TProcessor& processor_;
  RpcPeer& peer_;
};

RpcPortOptions port_options(const AdminServiceOptions& options) {
  RpcPortOptions port;
  port.name = "admin-service";
  port.what = "listen for shells";
  port.bind_address = options.bind_address;
  port.port = options.port;
  port.max_connections = options.max_connections;
  port.max_message = options.max_message;
  port.silence = options.silence;
  return port;
}

}  // namespace

class AdminService::Impl {
 public:
  Impl(const AdminServiceOptions& options, const Parts& parts)
      : processor(std::make_shared<AdminHandler>(parts)),
        port(port_options(options), [this](RpcPeer& peer) { return std::make_unique<AdminSession>(processor, peer); }) {
  }

  rpc::admin::FlumeMasterAdminServerProcessor processor;
  RpcPort port;
};

AdminService::AdminService(const AdminServiceOptions& options, const Parts& parts)
    : impl_(std::make_unique<Impl>(options, parts)) {}

AdminService::~AdminService() { stop(); }

Status AdminService::start() { return impl_->port.start(); }

uint16_t AdminService::port() const { return impl_->port.port(); }

void AdminService::stop() { impl_->port.stop(); }

}  // namespace flume::master

#include "master/rpc/admin_service.h"

#include <exception>
#include <utility>

#include "common/rpc/thrift_bytes.h"
#include "master/rpc/admin_handler.h"
#include "master/rpc/rpc_port.h"

namespace flume::master {

namespace {

constexpr int kMaxContainer = 1 << 16;

// One shell: every call is answered at once.
class AdminSession final : public RpcSession {
 public:
  AdminSession(apache::thrift::TProcessor& processor, RpcPeer& peer) : processor_(processor), peer_(peer) {}

  Status on_message(std::string_view message) override {
    try {
      const auto out = rpc::writer();
      processor_.process(rpc::reader_of(message, kMaxContainer), out, nullptr);
      peer_.send(rpc::take(*out));
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

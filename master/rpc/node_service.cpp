#include "master/rpc/node_service.h"

#include <algorithm>
#include <utility>

#include "master/rpc/classic_calls.h"
#include "master/rpc/node_session.h"
#include "master/rpc/rpc_port.h"

namespace flume::master {

namespace {

RpcPortOptions port_options(const NodeServiceOptions& options) {
  RpcPortOptions port;
  port.name = "node-service";
  port.what = "listen for nodes";
  port.bind_address = options.bind_address;
  port.port = options.port;
  port.max_connections = options.max_connections;
  port.max_message = options.max_message;
  port.max_unfinished = options.max_unfinished;
  port.message_time = options.message_time;
  port.silence = std::max(options.silence, 2 * options.longest_wait);
  return port;
}

}  // namespace

class NodeService::Impl {
 public:
  Impl(const NodeServiceOptions& options, const WantedBoard& wanted, NodeTable& nodes)
      : classic(std::make_shared<ClassicCalls>(wanted, nodes)),
        processor(classic),
        parts{wanted, nodes, *classic, processor, options.store_id, options.longest_wait},
        port(port_options(options), [this](RpcPeer& peer) { return std::make_unique<NodeSession>(parts, peer); }) {}

  const std::shared_ptr<ClassicCalls> classic;
  rpc::classic::ThriftFlumeClientServerProcessor processor;
  const NodeSession::Parts parts;
  RpcPort port;
};

NodeService::NodeService(const NodeServiceOptions& options, const WantedBoard& wanted, NodeTable& nodes)
    : impl_(std::make_unique<Impl>(options, wanted, nodes)) {}

NodeService::~NodeService() { stop(); }

Status NodeService::start() { return impl_->port.start(); }

uint16_t NodeService::port() const { return impl_->port.port(); }

void NodeService::news() { impl_->port.news(); }

void NodeService::stop() { impl_->port.stop(); }

}  // namespace flume::master

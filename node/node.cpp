#include "node/node.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/file_storage.h"
#include "node/http/status_api.h"
#include "node/identity.h"
#include "node/net/net_server.h"
#include "node/tailing/file_watch.h"

namespace flume::node {

struct PhysicalNode::Impl {
  Impl(const PhysicalNodeOptions& node_options, const Settings& node_settings, const Registry& registry,
       NodeFolder node_folder)
      : options(node_options),
        settings(node_settings),
        folder(std::move(node_folder)),
        capabilities{.pushed_exec = settings.boolean("flume.node.pushed.exec")},
        net(settings),
        set({registry, clock, metrics, settings, capabilities, folder.identity, watch, storage, net, folder.path,
             options.one_shot}) {
    storage.add("file", std::make_shared<FileStorage>());
  }

  const PhysicalNodeOptions options;
  const Settings& settings;
  const NodeFolder folder;
  const Capabilities capabilities;
  SystemClock clock;
  MetricRegistry metrics;
  StorageSet storage;
  FileWatch watch;
  NetServer net;
  NodeSet set;
  std::unique_ptr<StatusApi> api;
  std::unique_ptr<http::HttpServer> server;
};

PhysicalNode::PhysicalNode() = default;

PhysicalNode::~PhysicalNode() { stop(); }

Result<std::unique_ptr<PhysicalNode>> PhysicalNode::create(const PhysicalNodeOptions& options, const Settings& settings,
                                                           const Registry& registry) {
  NodeFolder folder;
  if (options.keeps_state) {
    FLUME_ASSIGN_OR_RETURN(folder, open_node_folder(settings.text("flume.agent.logdir"), options.name, host_name()));
  } else {
    folder.identity = passing_identity(options.name, host_name());
  }
  std::unique_ptr<PhysicalNode> node(new PhysicalNode());
  node->impl_ = std::make_unique<Impl>(options, settings, registry, std::move(folder));
  return node;
}

NodeSet& PhysicalNode::logical_nodes() { return impl_->set; }

Status PhysicalNode::start() {
  Impl& impl = *impl_;
  if (impl.options.status_page) {
    StatusSources sources;
    sources.list = [&impl] { return impl.set.list(); };
    sources.master = [] { return MasterLink(); };
    sources.prometheus = [&impl] { return impl.metrics.prometheus(); };
    impl.api = std::make_unique<StatusApi>(impl.folder.identity, impl.clock, std::move(sources));
    impl.server = std::make_unique<http::HttpServer>(status_server_options(impl.settings));
    impl.api->add_to(*impl.server);
    if (const Status status = impl.server->start(); status.ok()) {
      FLUME_LOG(kInfo, "node started", kv("node", impl.options.name), kv("page", impl.server->url()));
    } else {
      // Data moves without it.
      FLUME_LOG(kError, "node started without its status page", kv("node", impl.options.name), kv("error", status));
      impl.server.reset();
    }
  }
  return {};
}

void PhysicalNode::stop() {
  if (impl_->server != nullptr) {
    impl_->server->stop();
  }
  impl_->set.stop();
}

}  // namespace flume::node

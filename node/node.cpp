#include "node/node.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/file_storage.h"
#include "node/control/control_client.h"
#include "node/http/status_api.h"
#include "node/identity.h"
#include "node/net/net_server.h"
#include "node/spooling/log_drains.h"
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
             options.one_shot, log_keeper(options, registry),
             [](const std::string& path) { return LogDrains::has_logs(path); }}) {
    storage.add("file", std::make_shared<FileStorage>());
  }

  // A command that ends with its source does not stay for what others left.
  static std::function<std::unique_ptr<LogKeeper>(Context&)> log_keeper(const PhysicalNodeOptions& options,
                                                                        const Registry& registry) {
    if (options.one_shot || !options.keeps_state) {
      return nullptr;
    }
    return [&registry](Context& context) { return std::make_unique<LogDrains>(context, registry); };
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
  std::unique_ptr<ControlClient> control;  // made before the server, whose workers look at it
  std::unique_ptr<StatusApi> api;
  std::unique_ptr<http::HttpServer> server;

  void start_page();
  MasterLink master_link() const {
    if (control == nullptr) {
      return {};
    }
    const ControlStatus status = control->status();
    return {status.master, status.is_connected ? "connected" : "unreachable", status.last_contact_millis, status.error};
  }
};

void PhysicalNode::Impl::start_page() {
  StatusSources sources;
  sources.list = [this] { return set.list(); };
  sources.master = [this] { return master_link(); };
  sources.prometheus = [this] { return metrics.prometheus(); };
  api = std::make_unique<StatusApi>(folder.identity, clock, std::move(sources));
  server = std::make_unique<http::HttpServer>(status_server_options(settings));
  api->add_to(*server);
  if (const Status status = server->start(); status.ok()) {
    FLUME_LOG(kInfo, "node started", kv("node", options.name), kv("page", server->url()));
    return;
  } else {
    // Data moves without it.
    FLUME_LOG(kError, "node started without its status page", kv("node", options.name), kv("error", status));
  }
  server.reset();
}

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
  if (impl.options.asks_masters) {
    FLUME_ASSIGN_OR_RETURN(ControlOptions control, ControlOptions::from(impl.settings));
    control.saved_path = impl.folder.path.empty() ? std::string() : impl.folder.path + "/configuration";
    impl.control = std::make_unique<ControlClient>(std::move(control), impl.folder.identity, impl.clock, impl.set);
  }
  if (impl.options.status_page) {
    impl.start_page();
  }
  if (impl.control != nullptr) {
    impl.control->start(impl.server == nullptr ? uint16_t{0} : impl.server->port());
  }
  impl.set.drain_leftovers();
  return {};
}

void PhysicalNode::stop() {
  if (impl_->control != nullptr) {
    impl_->control->stop();
  }
  if (impl_->server != nullptr) {
    impl_->server->stop();
  }
  impl_->set.stop();
}

}  // namespace flume::node

#include "master/master.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "common/base/text.h"
#include "master/store/dir_store.h"
#include "master/store/memory_store.h"

namespace flume::master {

namespace {

constexpr Duration kHousePeriod = std::chrono::milliseconds(500);

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("localhost");
}

http::ServerOptions http_options(const Settings& settings) {
  http::ServerOptions options;
  options.host = settings.text("flume.master.http.bind");
  options.port = static_cast<uint16_t>(settings.integer("flume.master.http.port"));
  options.max_workers = static_cast<int>(settings.integer("flume.master.http.threads"));
  // Polls must leave workers for everything else.
  options.max_waiting =
      std::min(static_cast<int>(settings.integer("flume.http.polls.max")), std::max(1, options.max_workers / 2));
  options.max_connections = static_cast<int>(settings.integer("flume.http.connections.max"));
  options.max_body = static_cast<size_t>(settings.integer("flume.http.body.max.bytes"));
  for (const std::string_view name : split(settings.text("flume.http.allowed.hosts"), ',')) {
    if (!trim(name).empty()) {
      options.allowed_names.emplace_back(trim(name));
    }
  }
  return options;
}

Duration lost_after(const Settings& settings) {
  return settings.millis("flume.config.heartbeat.period") * settings.integer("flume.config.heartbeat.missed.max");
}

NodeServiceOptions node_service_options(const Settings& settings, const Id128& store_id) {
  NodeServiceOptions options;
  options.bind_address = settings.text("flume.master.rpc.bind");
  options.port = static_cast<uint16_t>(settings.integer("flume.master.heartbeat.port"));
  options.store_id.assign(store_id.begin(), store_id.end());
  options.longest_wait = lost_after(settings) / 2;
  return options;
}

AdminServiceOptions admin_service_options(const Settings& settings) {
  AdminServiceOptions options;
  options.bind_address = settings.text("flume.master.rpc.bind");
  options.port = static_cast<uint16_t>(settings.integer("flume.config.admin.port"));
  return options;
}

Result<std::unique_ptr<ConfigStore>> open_store(const Settings& settings) {
  if (settings.text("flume.master.store") == "memory") {
    FLUME_LOG(kWarn, "configurations are kept in memory only and end with this process");
    return std::unique_ptr<ConfigStore>(std::make_unique<MemoryStore>(random_id()));
  }
  const std::string& directory = settings.text("flume.master.store.dir");
  std::vector<std::string> reports;
  auto store = DirStore::open(directory, reports);
  for (const std::string& report : reports) {
    FLUME_LOG(kError, "damage in the store", kv("what", quoted(report)));
  }
  if (!store.ok()) {
    return store.status().with_context("flume.master.store.dir");
  }
  return std::unique_ptr<ConfigStore>(std::move(*store));
}

}  // namespace

Result<std::unique_ptr<Master>> Master::open(const Settings& settings, const lang::Catalog& catalog, Clock& clock) {
  FLUME_ASSIGN_OR_RETURN(std::unique_ptr<ConfigStore> store, open_store(settings));
  return std::unique_ptr<Master>(new Master(settings, catalog, clock, std::move(store)));
}

Master::Master(const Settings& settings, const lang::Catalog& catalog, Clock& clock, std::unique_ptr<ConfigStore> store)
    : settings_(settings),
      clock_(clock),
      store_(std::move(store)),
      store_id_(to_hex(store_->store_id())),
      checker_(catalog),
      mirror_(*store_),
      nodes_(clock, {lost_after(settings), store_id_}),
      node_service_(node_service_options(settings, store_->store_id()), wanted_, nodes_),
      commands_({mirror_, checker_, clock, settings.text("flume.master.savefile"),
                 settings.text("flume.flow.default.name"),
                 [this](const std::vector<std::string>& names, bool all) {
                   all ? nodes_.forget_all() : nodes_.forget(names);
                 },
                 [this] { changes_.touch({ChangedPart::kCommands}); }}),
      admin_service_(admin_service_options(settings), {mirror_, nodes_, commands_, clock}),
      api_({wanted_, nodes_, commands_, checker_, changes_, clock, host_name(),
            settings.text("flume.flow.default.name"), settings.integer("flume.master.serverid"),
            settings.text("flume.master.store"), store_id_, [this] { return ports(); }}),
      http_(http_options(settings)) {
  connect_parts();
}

Master::~Master() { stop(); }

void Master::connect_parts() {
  wanted_.on_wanted([this](const auto&) { node_service_.news(); });
  mirror_.on_view([this, seen = Revision{0}](const std::shared_ptr<const View>& view) mutable {
    wanted_.take(view);
    if (std::exchange(seen, view->config_revision) != view->config_revision) {
      changes_.touch({ChangedPart::kConfigs, ChangedPart::kMappings, ChangedPart::kNodes});
      wake_house();
    }
  });
  nodes_.on_change([this] {
    changes_.touch({ChangedPart::kNodes});
    wake_house();
  });
}

Status Master::start() {
  FLUME_RETURN_IF_ERROR(mirror_.start().with_context("read the store"));
  nodes_.seed(*mirror_.view());
  commands_.start();
  api_.add_to(http_);
  FLUME_RETURN_IF_ERROR(http_.start().with_context("start the web page and API (flume.master.http.port)"));
  FLUME_RETURN_IF_ERROR(
      node_service_.start().with_context("start the service for nodes (flume.master.heartbeat.port)"));
  FLUME_RETURN_IF_ERROR(admin_service_.start().with_context("start the service for shells (flume.config.admin.port)"));
  house_ = Thread("housekeeping", [this] { keep_house(); });
  const Ports bound = ports();
  FLUME_LOG(kInfo, "master is up", kv("url", http_.url()), kv("node_port", bound.node), kv("admin_port", bound.admin),
            kv("store", settings_.text("flume.master.store")), kv("store_id", store_id_),
            kv("revision", mirror_.view()->config_revision));
  return {};
}

void Master::load_save_file() {
  if (!mirror_.view()->configs.empty()) {
    FLUME_LOG(kInfo, "the save file is not loaded: there are configurations already");
    return;
  }
  if (const auto id = commands_.submit({"load", {}, "autoload", {}}); !id.ok()) {
    FLUME_LOG(kError, "the save file is not loaded", kv("error", id.status()));
  }
}

void Master::stop() {
  stop_.request_stop();
  http_.stop();
  commands_.stop();
  node_service_.stop();
  admin_service_.stop();
  mirror_.stop();
  if (house_.joinable()) {
    house_.join();
  }
}

Ports Master::ports() const { return {http_.port(), node_service_.port(), admin_service_.port()}; }

void Master::wake_house() {
  const MutexLock lock(house_mutex_);
  house_has_work_ = true;
  house_wake_.notify_all();
}

void Master::keep_house() {
  while (!stop_.stop_requested()) {
    {
      const Wait wait = Wait::for_duration(kHousePeriod, stop_.token());
      const MutexLock lock(house_mutex_);
      while (!house_has_work_ && house_wake_.wait(house_mutex_, wait)) {
      }
      house_has_work_ = false;
    }
    nodes_.tick();
    write_what_is_missing();
  }
}

// What translation needs to know of the nodes, and what they have confirmed. A conflict means that the view is old: it
// is seen again with the next one.
void Master::write_what_is_missing() {
  const std::shared_ptr<const View> view = mirror_.view();
  std::vector<Change> wanted = nodes_.store_changes(*view);
  for (Change& change : missing_ports(*view)) {
    wanted.push_back(std::move(change));
  }
  if (wanted.empty()) {
    return;
  }
  Status status = store_->commit(wanted).status();
  if (status.ok() || status.code() == Code::kConflict) {
    status = mirror_.catch_up();
  }
  if (!status.ok()) {
    FLUME_LOG_EVERY(60'000, kError, "what nodes reported cannot be stored", kv("error", status));
  }
}

}  // namespace flume::master

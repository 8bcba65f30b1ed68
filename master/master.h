// Master: puts the parts of a master together and runs them: store, mirror of the store, translation, node table,
// commands, web page and API, and the services for nodes and shells.
//
// Life: open(), start(), stop(); the destructor calls stop(). Threads: config-watch (mirror), commands (queue),
// housekeeping (here), http-N (server), and those of the services. One thread opens, starts and stops it.
#pragma once

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/sync.h"
#include "common/base/thread.h"
#include "common/config/settings.h"
#include "common/http/http_server.h"
#include "dataflow-lang/catalog.h"
#include "master/commands/command_queue.h"
#include "master/config/mirror.h"
#include "master/config/spec_checker.h"
#include "master/http/api.h"
#include "master/http/change_board.h"
#include "master/nodes/node_table.h"
#include "master/rpc/admin_service.h"
#include "master/rpc/node_service.h"
#include "master/store/config_store.h"
#include "master/translate/wanted_board.h"

namespace flume::master {

class Master {
 public:
  // Opens the store. kBusy: another master holds its folder. Settings, catalog and clock must outlive the master.
  static Result<std::unique_ptr<Master>> open(const Settings& settings, const lang::Catalog& catalog, Clock& clock);
  ~Master();
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;

  // kBusy: one of the ports is in use. A master that did not start is only to be destroyed.
  Status start();
  // Loads the save file when the store holds no configuration yet; what comes of it is in the command history.
  void load_save_file();
  void stop();

  Ports ports() const;
  std::string url() const { return http_.url(); }

 private:
  Master(const Settings& settings, const lang::Catalog& catalog, Clock& clock, std::unique_ptr<ConfigStore> store);
  void connect_parts();
  void keep_house() FLUME_EXCLUDES(house_mutex_);
  void wake_house() FLUME_EXCLUDES(house_mutex_);
  void write_what_is_missing();

  const Settings& settings_;
  Clock& clock_;
  const std::unique_ptr<ConfigStore> store_;
  const std::string store_id_;  // hex
  const SpecChecker checker_;
  Mirror mirror_;
  WantedBoard wanted_;
  NodeTable nodes_;
  ChangeBoard changes_;
  NodeService node_service_;
  CommandQueue commands_;
  AdminService admin_service_;
  Api api_;
  http::HttpServer http_;

  StopSource stop_;
  Thread house_;
  Mutex house_mutex_;
  CondVar house_wake_;
  bool house_has_work_ FLUME_GUARDED_BY(house_mutex_) = false;
};

}  // namespace flume::master

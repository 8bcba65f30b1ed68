// AdminService: the master's port for `flume shell`, with the classic calls (common/rpc/mastercontrol.thrift,
// unframed). Every call answers at once: commands are queued, their outcome is asked for. One thread serves all
// connections; a connection that sends what is no such call is closed.
//
// Life: made, start(), stop(). The parts outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "master/commands/command_queue.h"
#include "master/config/mirror.h"
#include "master/nodes/node_table.h"

namespace flume::master {

struct AdminServiceOptions {
  std::string bind_address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  size_t max_connections = 64;
  size_t max_message = 4 << 20;
  Duration silence = std::chrono::minutes(30);  // then a connection is closed
};

class AdminService {
 public:
  struct Parts {
    Mirror& mirror;
    NodeTable& nodes;
    CommandQueue& commands;
    Clock& clock;
  };

  AdminService(const AdminServiceOptions& options, const Parts& parts);
  ~AdminService();
  AdminService(const AdminService&) = delete;
  AdminService& operator=(const AdminService&) = delete;

  Status start();  // kBusy: the port is in use
  uint16_t port() const;
  void stop();  // may be called twice

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace flume::master

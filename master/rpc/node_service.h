// NodeService: the master's port for nodes. A node reports and asks with one call (common/rpc/control.thrift, framed);
// when there is nothing to tell it the call waits here, without a thread, until there is or its time is over. Classic
// nodes have their own calls on the same port (common/rpc/flumeconfig.thrift). One thread serves all connections; a
// connection that sends what is no such call is closed.
//
// Life: made, start(), news() from any thread after each change of what nodes should run, stop().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "master/nodes/node_table.h"
#include "master/translate/wanted_board.h"

namespace flume::master {

struct NodeServiceOptions {
  std::string bind_address = "127.0.0.1";
  uint16_t port = 0;     // 0: any free one
  std::string store_id;  // 16 bytes
  Duration longest_wait = std::chrono::seconds(25);
  Duration silence = std::chrono::seconds(90);  // then a connection is closed; more than longest_wait
  size_t max_connections = 20'000;
  size_t max_message = 16U << 20;
  size_t max_unfinished = 256U << 20;  // bytes of unfinished messages of all connections
  Duration message_time = std::chrono::seconds(60);
};

class NodeService {
 public:
  NodeService(const NodeServiceOptions& options, const WantedBoard& wanted, NodeTable& nodes);
  ~NodeService();
  NodeService(const NodeService&) = delete;
  NodeService& operator=(const NodeService&) = delete;

  Status start();  // kBusy: the port is in use
  uint16_t port() const;
  void news();  // without effect before start() and after stop()
  void stop();  // may be called twice

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace flume::master

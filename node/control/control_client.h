// ControlClient: the node's talk with its masters. One thread reports what runs here and asks, with a call that waits
// at the master, what should; a change of state is reported at once, so one connection does. A master that does not
// answer is left for the next one, with growing pauses; the flows go on meanwhile.
//
// Life: made, start(), stop(); stop() returns soon whatever the network does, and is called before the NodeSet stops.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/host_port.h"
#include "common/base/status.h"
#include "common/config/settings.h"
#include "node/runtime/node_set.h"

namespace flume::node {

using MasterAddress = HostPort;

// flume.master.heartbeat.servers, else flume.master.servers with flume.master.heartbeat.port. kInvalid names the entry.
Result<std::vector<MasterAddress>> master_addresses(const Settings& settings);

struct ControlOptions {
  std::vector<MasterAddress> masters;
  std::string saved_path;  // where orders are kept; empty = nowhere
  Duration report_period = std::chrono::seconds(5);
  Duration first_pause = std::chrono::seconds(1);
  Duration longest_pause = std::chrono::seconds(60);
  Duration timeout = std::chrono::seconds(10);  // of connecting, and of an answer beyond the time it may wait

  static Result<ControlOptions> from(const Settings& settings);
};

struct ControlStatus {
  std::string master;  // "host:port"; empty: none was tried yet
  bool is_connected = false;
  int64_t last_contact_millis = 0;  // 0 = never
  std::string error;
};

class ControlClient {
 public:
  // All references outlive it. Takes NodeSet::on_change.
  ControlClient(ControlOptions options, const Identity& identity, Clock& clock, NodeSet& nodes);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // Runs what is saved on disk, then asks. 0: this node has no page.
  void start(uint16_t http_port);
  void stop();
  ControlStatus status() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace flume::node

// StatusApi: the node's own web page and JSON (docs/api.md, "Node"), read-only, from snapshots of the running set. It
// outlives the server it is added to. Thread-safe: handlers run in the server's workers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/config/settings.h"
#include "common/http/http_server.h"
#include "common/json/json.h"
#include "common/metrics/metrics.h"
#include "node/http/rate_meter.h"
#include "node/runtime/node_set.h"

namespace flume::node {

struct MasterLink {
  std::string address;              // "m1:35872"; empty = none
  std::string state = "none";       // "connected", "unreachable", "none"
  int64_t last_contact_millis = 0;  // 0 = never
  std::string error;
};

// Where the page's facts come from; all are called from worker threads.
struct StatusSources {
  std::function<std::vector<LogicalStatus>()> list;
  std::function<MasterLink()> master;
  std::function<std::string()> prometheus;
};

class StatusApi {
 public:
  StatusApi(Identity identity, Clock& clock, StatusSources sources);

  void add_to(http::HttpServer& server);  // routes and the page; before server.start()

  std::string status_json(uint16_t http_port);
  std::string logical_json();
  std::optional<std::string> logical_json(std::string_view name);  // nothing: no such logical node
  std::string reports_json(std::string_view own_url);              // classic: /node/reports
  std::string report_json(std::string_view name);                  // classic: flat metrics of one logical node

 private:
  void write_logical(JsonWriter& json, const LogicalStatus& node);

  const Identity identity_;
  Clock& clock_;
  const StatusSources sources_;
  const int64_t started_millis_;
  RateMeter rates_;
};

// The node's server as its settings say: address, port and search for a free one, threads and limits.
http::ServerOptions status_server_options(const Settings& settings);

}  // namespace flume::node

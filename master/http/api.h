// Api: the master's HTTP API (docs/api.md, "Master"), the classic read-only paths, /metrics and the web page. It
// outlives the server that it is added to. Thread-safe: handlers run in the server's workers, many at once; they read
// snapshots, and change things through the command queue only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/http/http_server.h"
#include "common/json/json.h"
#include "master/commands/command_queue.h"
#include "master/config/spec_checker.h"
#include "master/http/change_board.h"
#include "master/nodes/picture.h"
#include "master/translate/wanted_board.h"

namespace flume::master {

struct Ports {
  uint16_t http = 0;
  uint16_t node = 0;
  uint16_t admin = 0;
};

class Api {
 public:
  struct Parts {
    const WantedBoard& wanted;
    const NodeTable& nodes;
    CommandQueue& commands;
    const SpecChecker& checker;
    ChangeBoard& changes;
    Clock& clock;
    std::string host;
    std::string default_flow;
    int64_t server_id = 0;
    std::string store_kind;
    std::string store_id;          // hex
    std::function<Ports()> ports;  // bound ones
  };

  explicit Api(Parts parts);
  void add_to(http::HttpServer& server);  // routes and the page; before server.start()

 private:
  using Request = http::Request;
  using Response = http::Response;

  // read_api.cpp
  void add_reading(http::HttpServer& server);
  Response get_status(const Request& request) const;
  Response get_nodes(const Request& request) const;
  Response get_node(const Request& request) const;
  Response get_configs(const Request& request) const;
  Response get_config(const Request& request) const;
  Response get_mappings(const Request& request) const;
  Response get_commands(const Request& request) const;
  Response get_command(const Request& request) const;
  Response get_catalog(const Request& request) const;
  Response get_changes(const Request& request) const;
  Response get_ledger(const Request& request) const;
  // {"now_ms": .., "revision": .., "change": ".." and still open; what the rest of the answer is to be made from.
  std::shared_ptr<const Wanted> begin_envelope(JsonWriter& json) const;
  Picture picture() const { return make_picture(*parts_.wanted.get(), parts_.nodes); }

  // change_api.cpp
  void add_changing(http::HttpServer& server);
  Response post_check(const Request& request) const;
  Response post_complete(const Request& request) const;
  Response put_config(const Request& request) const;
  Response delete_config(const Request& request) const;
  Response post_command(const Request& request) const;
  // Submits, waits for the end or until the wait is over; the answer of docs/api.md. As a resource: a failure is an
  // HTTP error.
  Response run_command(Submission submission, int64_t wait_millis, bool as_resource, const Request& request) const;

  // classic_api.cpp
  void add_classic(http::HttpServer& server);
  Response classic_master(const Request& request) const;
  Response classic_status(const std::string* name) const;  // null: all nodes
  Response classic_configs() const;
  Response classic_config(const std::string& name) const;
  Response classic_commands(const std::string* id) const;

  // metrics.cpp
  Response get_metrics(const Request& request) const;

  const Parts parts_;
  const int64_t started_millis_;
  const std::string catalog_;  // JSON
  const std::string catalog_etag_;
};

}  // namespace flume::master

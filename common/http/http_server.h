// HttpServer: pages and APIs of master and node. One thread accepts and watches idle connections; requests run in a
// bounded pool of workers that grows as needed, so an idle or slow connection costs no worker. Bodies, headers, waiting
// polls and connections are limited; foreign requests are refused (guard.h); every answer carries the security headers.
//
// Life: add routes, start(), port(), stop(). Handlers run in workers, many at once. stop() ends waiting polls, answers
// what runs and returns when all threads have ended; the destructor calls it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/http/asset.h"
#include "common/http/http.h"

namespace flume::http {

struct ServerOptions {
  std::string host = "127.0.0.1";  // address or name to bind
  uint16_t port = 0;               // 0 = any free one
  int port_tries = 1;              // ports tried upwards when one is in use
  int max_workers = 4;             // 64 at a master
  int max_waiting = 1;             // long polls at one time; 32 at a master. Less than max_workers
  int max_connections = 128;       // more wait in the kernel's queue
  size_t max_body = 1 << 20;       // also for chunked bodies
  size_t max_head = 64 << 10;      // request line and headers together
  Duration keep_alive = std::chrono::seconds(1);
  Duration request_timeout = std::chrono::seconds(10);  // from its first byte to its last
  std::vector<std::string> allowed_names = {};  // Host names besides localhost, addresses and this machine's own name
};

class HttpServer {
 public:
  explicit HttpServer(ServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before start(). pattern: "/api/v1/configs/{name}".
  void route(std::string method, std::string_view pattern, Handler handler);
  // For a handler that waits (on Request::stop and a deadline): counted against max_waiting, answered 503 beyond it.
  void route_waiting(std::string method, std::string_view pattern, Handler handler);
  void serve(std::span<const Asset> assets);

  // kBusy: all ports tried are in use.
  Status start();
  uint16_t port() const;    // the bound one; 0 before start()
  std::string url() const;  // "http://127.0.0.1:35871"
  void stop();              // may be called twice

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flume::http

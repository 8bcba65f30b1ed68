// Exchange: reads requests from a Connection and writes the answers, with the HTTP library as parser and writer. One
// for each worker thread. The library's own sockets, threads, routes, ranges and compression are not used: each of them
// has a limit missing: threads one a connection, headers and chunked bodies unbounded, compression at its slowest
// level.
#pragma once

#include <httplib.h>

#include <functional>
#include <memory>

#include "common/http/connection.h"
#include "common/http/http_server.h"
#include "common/http/router.h"

namespace flume::http {

// What an exchange needs of its server. Thread-safe.
class Host {
 public:
  virtual ~Host() = default;
  virtual const ServerOptions& options() const = 0;
  virtual const Router& router() const = 0;
  virtual StopToken stop_token() const = 0;
  // Runs a waiting route: refuses beyond the limit, ends request.stop when the client goes.
  virtual Response run_waiting(const Route& route, Request& request, int fd) = 0;
};

// Makes the tables that the HTTP library makes at their first use. To be called before the first worker starts: the
// library's guard of them is right, but a build that looks for data races cannot see into a library built without it.
void prepare_library();

class Exchange final : private httplib::Server {
 public:
  explicit Exchange(Host& host);

  // Serves the request that is coming in on `connection`, and those that are there already. False: the connection is to
  // be closed. Blocks for as long as the request's deadline and its handler take.
  bool serve(Connection& connection);

 private:
  bool before_body(const httplib::Request& in, httplib::Response& out);  // true: answered
  void with_body(const httplib::Request& in, httplib::Response& out, const httplib::ContentReader& reader);
  Response run(Request& request);
  void answer(const Response& response, httplib::Response& out);
  void refuse(const Response& response, httplib::Response& out);  // and close: the body has not been read

  Host& host_;
  Connection* connection_ = nullptr;  // during serve()
};

}  // namespace flume::http

// What a page or API handler sees of HTTP: Request, Response and the one shape of errors (docs/api.md). The library
// that speaks the protocol is seen by connection.h and exchange.h only. Value types.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/stop.h"

namespace flume::http {

struct Request {
  std::string method;                                       // upper case; a HEAD request arrives as GET
  std::string path;                                         // as sent, without the query: still percent-encoded
  std::map<std::string, std::string, std::less<>> params;   // by the names in the route's pattern, decoded
  std::map<std::string, std::string, std::less<>> query;    // decoded; of equal names the first
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case; of equal names the first
  std::string body;
  std::string peer;  // address without port: "127.0.0.1"
  // For handlers that wait: ends when the server stops and, on a route that waits, when the client has gone.
  StopToken stop;

  const std::string& param(std::string_view name) const;  // asking for a name not in the pattern is a broken invariant
  std::optional<std::string> query_value(std::string_view name) const;
  std::string header(std::string_view lower_case_name) const;  // "" when absent
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Runs in a worker thread, many at once. What it throws becomes a 500 without details.
using Handler = std::function<Response(const Request&)>;

Response json_response(std::string body, int status = 200);
// {"error": {"code": ..., "message": ...}}
Response error_response(int status, std::string_view code, std::string_view message);
// The same from a Status, with the HTTP status that docs/api.md gives its code.
Response error_response(const Status& status);
int http_status(Code code);

// %41 -> A; a broken escape stays as it is; '+' stays.
std::string percent_decode(std::string_view text);

}  // namespace flume::http

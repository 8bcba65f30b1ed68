// Router: from method and path to a handler. A pattern is a path whose segments are words or {names}:
// "/api/v1/configs/{name}". Filled before the server starts, immutable after; then safe from any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/asset.h"
#include "common/http/http.h"

namespace flume::http {

struct Route {
  std::string method;
  std::vector<std::string> segments;  // "{name}" for a parameter
  Handler handler;
  bool waits = false;  // a long poll: counted, and ended when its client goes
};

class Router {
 public:
  // The same method and pattern twice is a broken invariant.
  void add(std::string method, std::string_view pattern, Handler handler, bool waits = false);
  void add(std::span<const Asset> assets);

  // The route for the request, whose params are filled in; null: none. Words win over parameters.
  const Route* find(Request& request) const;
  // Methods that this path knows ("GET, PUT"), for the answer 405; "" = no such path.
  std::string methods(std::string_view path) const;

 private:
  std::vector<std::unique_ptr<const Route>> routes_;
};

}  // namespace flume::http

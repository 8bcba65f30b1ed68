#include "common/http/router.h"

#include <algorithm>
#include <set>

#include "common/base/check.h"
#include "common/base/text.h"

namespace flume::http {
namespace {

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

std::vector<std::string_view> segments_of(std::string_view path) {
  return split(path.starts_with('/') ? path.substr(1) : path, '/');
}

bool matches(const Route& route, std::span<const std::string_view> path) {
  return std::equal(route.segments.begin(), route.segments.end(), path.begin(), path.end(),
                    [](const std::string& wanted, std::string_view got) {
                      return is_parameter(wanted) ? !got.empty() : wanted == got;
                    });
}

ptrdiff_t parameters(const Route& route) {
  return std::count_if(route.segments.begin(), route.segments.end(), is_parameter);
}

Response answer_with(const Asset& asset, const Request& request) {
  Response response;
  response.content_type = asset.content_type;
  response.headers.emplace_back("ETag", asset.etag);
  // Always asked again: a page of an older program must not talk to a newer one.
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.header("if-none-match") == asset.etag) {
    response.status = 304;
  } else {
    response.body = asset.bytes;
  }
  return response;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler, bool waits) {
  Route route;
  route.method = std::move(method);
  for (const std::string_view segment : segments_of(pattern)) {
    route.segments.emplace_back(segment);
  }
  route.handler = std::move(handler);
  route.waits = waits;
  for (const auto& known : routes_) {
    FLUME_CHECK(known->method != route.method || known->segments != route.segments, pattern);
  }
  routes_.push_back(std::make_unique<const Route>(std::move(route)));
}

void Router::add(std::span<const Asset> assets) {
  for (const Asset& asset : assets) {
    add("GET", asset.path, [asset](const Request& request) { return answer_with(asset, request); });
  }
}

const Route* Router::find(Request& request) const {
  const std::vector<std::string_view> path = segments_of(request.path);
  const Route* best = nullptr;
  for (const auto& route : routes_) {
    if (route->method == request.method && matches(*route, path) &&
        (best == nullptr || parameters(*route) < parameters(*best))) {
      best = route.get();
    }
  }
  if (best == nullptr) {
    return nullptr;
  }
  for (size_t i = 0; i < path.size(); ++i) {
    const std::string& segment = best->segments[i];
    if (is_parameter(segment)) {
      request.params[segment.substr(1, segment.size() - 2)] = percent_decode(path[i]);
    }
  }
  return best;
}

std::string Router::methods(std::string_view path) const {
  const std::vector<std::string_view> segments = segments_of(path);
  std::set<std::string> found;
  for (const auto& route : routes_) {
    if (matches(*route, segments)) {
      found.insert(route->method);
    }
  }
  const std::vector<std::string> list(found.begin(), found.end());
  return join(list, ", ");
}

}  // namespace flume::http

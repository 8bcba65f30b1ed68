#include "common/http/guard.h"

#include <arpa/inet.h>

#include <algorithm>

#include "common/base/text.h"

namespace flume::http {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return out;
}

bool is_port(std::string_view text) {
  const auto port = parse_number<uint16_t>(text);
  return port.has_value();
}

// "[::1]:80" -> "[::1]", "web1:80" -> "web1", "web1" -> "web1"; "" when it is none of these.
std::string_view host_without_port(std::string_view host) {
  const size_t from = host.starts_with('[') ? host.find(']') : 0;
  if (from == std::string_view::npos) {
    return {};
  }
  const size_t colon = host.find(':', from);
  if (colon == std::string_view::npos) {
    return host;
  }
  return is_port(host.substr(colon + 1)) ? host.substr(0, colon) : std::string_view();
}

bool is_address(const std::string& name) {
  unsigned char buffer[sizeof(in6_addr)];
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    return inet_pton(AF_INET6, name.substr(1, name.size() - 2).c_str(), buffer) == 1;
  }
  return inet_pton(AF_INET, name.c_str(), buffer) == 1;
}

bool changes_something(const std::string& method) { return method != "GET" && method != "HEAD"; }

}  // namespace

bool host_allowed(std::string_view host, std::span<const std::string> allowed_names) {
  const std::string name = lower(host_without_port(host));
  if (name.empty()) {
    return false;
  }
  return is_address(name) || name == "localhost" ||
         std::any_of(allowed_names.begin(), allowed_names.end(),
                     [&](const std::string& allowed) { return lower(allowed) == name; });
}

std::optional<Response> refuse_foreign(const Request& request, std::span<const std::string> allowed_names) {
  const std::string host = request.header("host");
  if (!host_allowed(host, allowed_names)) {
    return error_response(403, "cross_site",
                          str_cat("this server does not answer for the host ", quoted(host),
                                  "; add the name to flume.http.allowed.hosts if it should"));
  }
  const std::string origin = request.header("origin");
  if (!origin.empty() && lower(origin) != "http://" + lower(host)) {
    return error_response(403, "cross_site", str_cat("requests of the page ", quoted(origin), " are refused"));
  }
  const std::string site = request.header("sec-fetch-site");
  if (request.path.starts_with("/api/") && !site.empty() && site != "same-origin" && site != "none") {
    return error_response(403, "cross_site", "requests of other sites are refused");
  }
  if (changes_something(request.method) && request.header("x-flume") != "1") {
    return error_response(403, "cross_site", "the header X-Flume: 1 is needed to change something");
  }
  return std::nullopt;
}

}  // namespace flume::http

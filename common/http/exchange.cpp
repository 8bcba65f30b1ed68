#include "common/http/exchange.h"

#include <exception>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/http/guard.h"

namespace flume::http {
namespace {

// Longer paths are nobody's: names are at most a few hundred bytes. Also bounds the library's matching of patterns.
constexpr size_t kMaxPath = 2048;
// Chunked framing around a body: sizes, line ends, trailers.
constexpr size_t kFraming = 64 << 10;

constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

Request request_of(const httplib::Request& in, const Connection& connection, StopToken stop) {
  Request request;
  request.method = in.method == "HEAD" ? "GET" : in.method;
  request.path = in.target.substr(0, in.target.find_first_of("?#"));
  for (const auto& [name, value] : in.params) {
    request.query.emplace(name, value);
  }
  for (const auto& [name, value] : in.headers) {
    std::string lower_name = name;
    for (char& c : lower_name) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    request.headers.emplace(std::move(lower_name), value);
  }
  request.peer = connection.peer();
  request.stop = std::move(stop);
  return request;
}

bool takes_body(const httplib::Request& in) {
  return in.method == "POST" || in.method == "PUT" || (in.method == "DELETE" && in.has_header("Content-Length"));
}

// Why a request's framing or body is not taken; nothing if it is.
std::optional<Response> refuse_body(const httplib::Request& in, size_t max_body) {
  const size_t lengths = in.get_header_value_count("Content-Length");
  const bool chunked = in.has_header("Transfer-Encoding");
  if (lengths > 1 || in.get_header_value_count("Transfer-Encoding") + lengths > 1 ||
      (chunked && in.get_header_value("Transfer-Encoding") != "chunked")) {
    return error_response(400, "invalid", "Content-Length and Transfer-Encoding contradict each other");
  }
  if (!takes_body(in)) {
    return chunked || (lengths == 1 && in.get_header_value("Content-Length") != "0")
               ? std::optional(error_response(400, "invalid", str_cat("a body is not expected with ", in.method)))
               : std::nullopt;
  }
  if (!chunked && lengths == 0) {
    return error_response(411, "invalid", "the header Content-Length is missing");
  }
  const auto length = parse_number<uint64_t>(in.get_header_value("Content-Length"));
  if (!chunked && !length) {
    return error_response(400, "invalid", "Content-Length is not a number");
  }
  if (length && *length > max_body) {
    return error_response(413, "too_large", str_cat("the body is above ", max_body, " bytes"));
  }
  const std::string type = in.get_header_value("Content-Type");
  if ((chunked || *length > 0) &&
      (!(type == "application/json" || type.starts_with("application/json;")) || in.has_header("Content-Encoding"))) {
    return error_response(415, "unsupported_media_type", "the body must be plain application/json");
  }
  return std::nullopt;
}

std::string_view code_of_status(int status) {
  switch (status) {
    case 413:
    case 414:
    case 431: return "too_large";
    case 500: return "internal";
    default: return "invalid";
  }
}

struct LibraryServer final : httplib::Server {
  using httplib::Server::process_request;
};

}  // namespace

void prepare_library() {
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nRange: bytes=0-0\r\n\r\n";
  httplib::detail::BufferStream both_ways;
  static_cast<void>(both_ways.write(kRequest.data(), kRequest.size()));
  bool closed = false;
  LibraryServer().process_request(both_ways, true, closed, nullptr);
}

Exchange::Exchange(Host& host) : host_(host) {
  set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(host.options().keep_alive).count());
  set_payload_max_length(host.options().max_body);
  set_pre_routing_handler([this](const httplib::Request& in, httplib::Response& out) {
    return before_body(in, out) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
  });
  const HandlerWithContentReader handler = [this](const httplib::Request& in, httplib::Response& out,
                                                  const httplib::ContentReader& reader) { with_body(in, out, reader); };
  const std::string any = R"([\s\S]*)";
  Post(any, handler);
  Put(any, handler);
  Delete(any, handler);
  // Answers that the library makes itself: a request it cannot parse.
  const HandlerWithResponse refuse_unparsed = [this](const httplib::Request&, httplib::Response& out) {
    if (!out.body.empty()) {
      return HandlerResponse::Unhandled;
    }
    const int status = connection_->head_too_large() ? 431 : out.status;
    refuse(error_response(status, code_of_status(status), "this is not a request that can be read"), out);
    return HandlerResponse::Handled;
  };
  set_error_handler(refuse_unparsed);
}

bool Exchange::serve(Connection& connection) {
  const ServerOptions& options = host_.options();
  connection_ = &connection;
  bool keep = true;
  do {
    connection.begin_request(options.max_head, Wait::for_duration(options.request_timeout).until);
    bool closed_by_client = false;
    const bool answered =
        process_request(connection, host_.stop_token().stop_requested(), closed_by_client, [&](httplib::Request& in) {
          connection.begin_body(options.max_body + options.max_body / 4 + kFraming);
          // Not offered: compression here is at its slowest level, ranges have a history of holes.
          in.ranges.clear();
          in.headers.erase("Range");
          in.headers.erase("Accept-Encoding");
        });
    if (!answered && connection.head_too_large()) {
      connection.write(
          std::string("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
                      "Content-Length: 0\r\n\r\n"));
    }
    keep = answered && !closed_by_client && !connection.must_close();
  } while (keep && connection.has_buffered() && !host_.stop_token().stop_requested());
  if (connection.must_close() && !host_.stop_token().stop_requested()) {
    connection.drain();
  }
  connection_ = nullptr;
  return keep && !host_.stop_token().stop_requested();
}

bool Exchange::before_body(const httplib::Request& in, httplib::Response& out) {
  const bool known = in.method == "GET" || in.method == "HEAD" || takes_body(in) || in.method == "DELETE";
  if (!known) {
    refuse(error_response(405, "method_not_allowed", str_cat("the method ", in.method, " is not known here")), out);
    return true;
  }
  if (in.target.size() > kMaxPath + 6144 || in.path.size() > kMaxPath) {
    refuse(error_response(414, "too_large", "the path is too long"), out);
    return true;
  }
  if (const auto refusal = refuse_body(in, host_.options().max_body)) {
    refuse(*refusal, out);
    return true;
  }
  Request request = request_of(in, *connection_, host_.stop_token());
  if (const auto refusal = refuse_foreign(request, host_.options().allowed_names)) {
    refuse(*refusal, out);
    return true;
  }
  if (takes_body(in)) {
    return false;
  }
  answer(run(request), out);
  return true;
}

void Exchange::with_body(const httplib::Request& in, httplib::Response& out, const httplib::ContentReader& reader) {
  const size_t limit = host_.options().max_body;
  Request request = request_of(in, *connection_, host_.stop_token());
  bool too_large = false;
  const bool whole = reader([&](const char* data, size_t size) {
    too_large = request.body.size() + size > limit;
    if (!too_large) {
      request.body.append(data, size);
    }
    return !too_large;
  });
  if (too_large) {
    refuse(error_response(413, "too_large", str_cat("the body is above ", limit, " bytes")), out);
  } else if (!whole) {
    refuse(error_response(400, "invalid", "the body ended early"), out);
  } else {
    answer(run(request), out);
  }
}

Response Exchange::run(Request& request) {
  const Route* route = host_.router().find(request);
  if (route == nullptr) {
    const std::string methods = host_.router().methods(request.path);
    if (methods.empty()) {
      return error_response(404, "not_found", str_cat("there is nothing at ", flume::quoted(request.path)));
    }
    Response response = error_response(
        405, "method_not_allowed", str_cat(flume::quoted(request.path), " knows ", methods, ", not ", request.method));
    response.headers.emplace_back("Allow", methods);
    return response;
  }
  try {
    return route->waits ? host_.run_waiting(*route, request, connection_->fd()) : route->handler(request);
  } catch (const std::exception& e) {
    FLUME_LOG_EVERY(1000, kError, "http handler failed", kv("method", request.method), kv("path", request.path),
                    kv("error", e.what()));
    return error_response(500, "internal", "an internal error; see the server's log");
  }
}

void Exchange::answer(const Response& response, httplib::Response& out) {
  out.status = response.status;
  out.headers.erase("Content-Type");
  if (!response.body.empty()) {
    out.set_content(response.body, response.content_type);
  }
  for (const auto& [name, value] : response.headers) {
    out.set_header(name, value);
  }
  out.set_header("Content-Security-Policy", std::string(kContentSecurityPolicy));
  out.set_header("X-Content-Type-Options", "nosniff");
  out.set_header("X-Frame-Options", "DENY");
  out.set_header("Referrer-Policy", "no-referrer");
  if (!out.has_header("Cache-Control")) {
    out.set_header("Cache-Control", "no-store");
  }
}

void Exchange::refuse(const Response& response, httplib::Response& out) {
  out.headers.clear();
  answer(response, out);
  out.set_header("Connection", "close");
  connection_->close_after_answer();
}

}  // namespace flume::http

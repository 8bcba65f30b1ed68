#include "common/http/http.h"

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/json/json.h"

namespace flume::http {

const std::string& Request::param(std::string_view name) const {
  const auto found = params.find(name);
  FLUME_CHECK(found != params.end(), name);
  return found->second;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

std::string Request::header(std::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

Response json_response(std::string body, int status) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response error_response(int status, std::string_view code, std::string_view message) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.member("code", code).member("message", message);
  json.end_object().end_object();
  return json_response(json.take(), status);
}

int http_status(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kInvalid: return 400;
    case Code::kPermission: return 403;
    case Code::kNotFound:
    case Code::kGone: return 404;
    case Code::kConflict:
    case Code::kExists: return 409;
    case Code::kUnsupported: return 501;
    case Code::kUnavailable:
    case Code::kTimeout:
    case Code::kBusy:
    case Code::kNoSpace:
    case Code::kStopped: return 503;
    case Code::kIo:
    case Code::kCorrupt:
    case Code::kUnknown:
    case Code::kInternal: break;
  }
  return 500;
}

Response error_response(const Status& status) {
  Response response = error_response(http_status(status.code()), code_name(status.code()), status.message());
  if (response.status == 503) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

std::string percent_decode(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') {
      return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace flume::http

// One call of the HTTP API of a master or node on this machine. Any thread; blocks until the answer, at most 30 s.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace flume::torture {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// kUnavailable: nobody there, or the connection ended; kTimeout; kCorrupt: the answer is no HTTP.
Result<HttpAnswer> http_call(uint16_t port, std::string_view method, std::string_view path, std::string_view body = {});

}  // namespace flume::torture

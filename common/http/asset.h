// Asset: one file of a web page, embedded in the program. Value; the bytes live as long as the program.
#pragma once

#include <string_view>

namespace flume::http {

struct Asset {
  std::string_view path;  // "/app.js"; "/" is the page itself
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  // strong, with its quotes: changes when the bytes do
};

}  // namespace flume::http

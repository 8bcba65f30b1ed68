#include "master/http/api.h"

#include <array>

#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "webui/assets.h"

namespace flume::master {

namespace {

std::string etag_of(std::string_view text) {
  const uint32_t crc = crc32c(text);
  const std::array<uint8_t, 4> bytes = {static_cast<uint8_t>(crc >> 24), static_cast<uint8_t>(crc >> 16),
                                        static_cast<uint8_t>(crc >> 8), static_cast<uint8_t>(crc)};
  return str_cat("\"", to_hex(bytes), "-", text.size(), "\"");
}

}  // namespace

Api::Api(Parts parts)
    : parts_(std::move(parts)),
      started_millis_(parts_.clock.wall_millis()),
      catalog_(parts_.checker.catalog().to_json()),
      catalog_etag_(etag_of(catalog_)) {}

void Api::add_to(http::HttpServer& server) {
  server.serve(webui::master_page());
  add_reading(server);
  add_changing(server);
  add_classic(server);
}

}  // namespace flume::master

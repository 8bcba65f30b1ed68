#include "webui/assets.h"

#include <string_view>

#include "common/base/check.h"

namespace flume::webui {
namespace {

extern "C" {
#include "webui/static_symbols.inc"
}

std::string_view bytes(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

// All files, with `page` answering for "/" as well.
std::vector<http::Asset> with_root(std::string_view page) {
  std::vector<http::Asset> assets = {
#include "webui/static_entries.inc"
  };
  for (size_t i = 0; i < assets.size(); ++i) {
    if (assets[i].path == page) {
      http::Asset root = assets[i];
      root.path = "/";
      assets.push_back(root);
      return assets;
    }
  }
  FLUME_CHECK(false, page);
}

}  // namespace

std::vector<http::Asset> master_page() { return with_root("/index.html"); }

std::vector<http::Asset> node_page() { return with_root("/node.html"); }

}  // namespace flume::webui

#include "common/io/storage.h"

#include "common/base/text.h"

namespace flume {

void StorageSet::add(std::string scheme, std::shared_ptr<Storage> storage) {
  stores_.emplace_back(std::move(scheme), std::move(storage));
}

Result<StorageSet::Place> StorageSet::find(std::string_view url) const {
  const size_t colon = url.find("://");
  const std::string_view scheme = colon == std::string_view::npos ? "file" : url.substr(0, colon);
  for (const auto& [name, storage] : stores_) {
    if (name == scheme) {
      return Place{storage, StorePath(colon == std::string_view::npos ? url : url.substr(colon + 3))};
    }
  }
  std::string known;
  for (const auto& store : stores_) {
    str_append(known, known.empty() ? "" : ", ", store.first, "://");
  }
  return Status(Code::kUnsupported, str_cat("no store for ", quoted(url), ": this build writes to ", known));
}

}  // namespace flume

#include "common/io/storage.h"

#include "common/base/text.h"

namespace flume {

void StorageSet::add(std::string scheme, std::shared_ptr<Storage> storage) {
  stores_.emplace_back(std::move(scheme), std::move(storage));
}

Result<StorageSet::Place> StorageSet::find(std::string_view url) const {
  const size_t colon = url.find("://");
  const std::string_view scheme = colon == std::string_view::npos ? "file" : url.substr(0, colon);
  if (url.starts_with("file://") && !url.starts_with("file:///")) {
    return invalid(str_cat("write to ", quoted(url), ": a local path begins with three slashes, file:///"));
  }
  for (const auto& [name, storage] : stores_) {
    if (name == scheme) {
      return Place{storage, StorePath(colon == std::string_view::npos ? url : url.substr(colon + 3))};
    }
  }
  std::string known;
  for (const auto& store : stores_) {
    str_append(known, known.empty() ? "" : ", ", store.first, "://");
  }
  return Status(Code::kUnsupported, str_cat("write to ", quoted(url), ": ", scheme,
                                            ":// is not supported in this version, only ", known, " and plain paths"));
}

}  // namespace flume

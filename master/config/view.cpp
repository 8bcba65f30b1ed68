#include "master/config/view.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::master {

namespace {

// The value under a key of one of the maps: taken in, or removed with the entry. False: it cannot be read.
template <class Map, class Key, class Decode>
bool keep(Map& map, const Key& key, const Entry& entry, Decode decode) {
  if (entry.removed) {
    map.erase(key);
    return true;
  }
  auto value = decode(entry.value);
  if (!value.ok()) {
    FLUME_LOG(kError, "store entry cannot be read", kv("key", entry.key), kv("error", value.status()));
    map.erase(key);
    return false;
  }
  map.insert_or_assign(key, typename Map::mapped_type{std::move(*value), entry.modified, entry.value});
  return true;
}

}  // namespace

void View::apply(std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    apply_one(entry);
    revision = std::max(revision, entry.modified);
    if (!entry.key.starts_with("history/")) {
      config_revision = std::max(config_revision, entry.modified);
    }
  }
}

void View::apply_one(const Entry& entry) {
  const std::vector<std::string_view> parts = split(entry.key, '/');
  const auto first = parts.size() > 1 ? decode_name(parts[1]) : std::nullopt;
  const auto second = parts.size() > 2 ? decode_name(parts[2]) : std::nullopt;
  bool is_read = true;
  if (parts.size() == 3 && parts[0] == "nodes" && parts[2] == "config" && first) {
    is_read = keep(configs, *first, entry, decode_config);
  } else if (parts.size() == 3 && parts[0] == "nodes" && parts[2] == "place" && first) {
    is_read = keep(places, *first, entry, decode_place);
  } else if (parts.size() == 2 && parts[0] == "hosts" && first) {
    is_read = keep(hosts, *first, entry, decode_host);
  } else if (parts.size() == 3 && parts[0] == "ports" && first && second) {
    is_read = keep(ports, std::make_pair(*first, *second), entry, decode_port);
  } else if (parts.size() == 3 && parts[0] == "removed" && first && second) {
    if (entry.removed) {
      removed.erase({*first, *second});
    } else {
      removed.insert({*first, *second});
    }
  } else if (parts.size() == 2 && parts[0] == "adopt" && first) {
    if (entry.removed) {
      adopts.erase(*first);
    } else {
      adopts.insert(*first);
    }
  } else if (parts.size() == 2 && parts[0] == "history") {
    if (const auto id = parse_number<uint64_t>(parts[1])) {
      is_read = keep(history, *id, entry, [](const std::string& text) { return Result<std::string>(text); });
    }
  }
  std::erase(broken, entry.key);
  if (!is_read) {
    broken.push_back(entry.key);
  }
}

std::string View::physical_of(std::string_view logical) const {
  if (const auto place = places.find(logical); place != places.end()) {
    return place->second.value;
  }
  return hosts.contains(logical) ? std::string(logical) : std::string();
}

std::map<std::string, std::vector<std::string>> View::mappings() const {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& [physical, host] : hosts) {
    if (!places.contains(physical)) {
      out[physical].push_back(physical);
    }
  }
  for (const auto& [logical, place] : places) {
    std::vector<std::string>& names = out[place.value];
    names.insert(std::upper_bound(names.begin(), names.end(), logical), logical);
  }
  return out;
}

}  // namespace flume::master

#include "master/store/store_state.h"

#include "common/base/text.h"

namespace flume::master {

Status StoreState::check(std::span<const Change> changes) const {
  if (changes.empty()) {
    return invalid("commit to the store: nothing to commit");
  }
  std::set<std::string_view> seen;
  size_t bytes = 0;
  for (const Change& change : changes) {
    const auto refuse = [&](Code code, std::string_view what) {
      return Status(code, str_cat("commit to the store, key ", quoted(change.key), ": ", what));
    };
    if (change.key.empty() || change.key.size() > kMaxKeyBytes) {
      return refuse(Code::kInvalid, str_cat("a key has 1 to ", kMaxKeyBytes, " bytes"));
    }
    if (change.value && change.value->size() > kMaxValueBytes) {
      return refuse(Code::kInvalid,
                    str_cat("the value has ", change.value->size(), " bytes, the limit is ", kMaxValueBytes));
    }
    if (!seen.insert(change.key).second) {
      return refuse(Code::kInvalid, "given twice in one commit");
    }
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
    const auto found = values_.find(change.key);
    const bool exists = found != values_.end();
    if (change.if_absent && exists) {
      return refuse(Code::kConflict, str_cat("exists already, since revision ", found->second.modified));
    }
    if (change.if_modified_at && (!exists || found->second.modified != *change.if_modified_at)) {
      return refuse(Code::kConflict, str_cat("expected revision ", *change.if_modified_at, ", it ",
                                             exists ? str_cat("has ", found->second.modified) : "is not there"));
    }
  }
  if (bytes > kMaxCommitBytes) {
    return invalid(str_cat("commit to the store: ", bytes, " bytes in one commit, the limit is ", kMaxCommitBytes));
  }
  return {};
}

void StoreState::apply(std::span<const Change> changes, Revision at) {
  FLUME_CHECK(at > revision_, "revisions grow");
  revision_ = at;
  for (const Change& change : changes) {
    const auto found = values_.find(change.key);
    if (found != values_.end()) {
      by_revision_.erase({found->second.modified, change.key});
    }
    const auto buried = tombstone_keys_.find(change.key);
    if (change.value) {
      if (buried != tombstone_keys_.end()) {
        tombstones_.erase({buried->second, change.key});
        tombstone_keys_.erase(buried);
      }
      values_.insert_or_assign(change.key, Value{*change.value, at});
      by_revision_.emplace(at, change.key);
    } else if (found != values_.end()) {
      values_.erase(found);
      tombstones_.emplace(at, change.key);
      tombstone_keys_.insert_or_assign(change.key, at);
    }
  }
  while (tombstones_.size() > kMaxTombstones) {
    floor_ = tombstones_.begin()->first;
    tombstone_keys_.erase(tombstones_.begin()->second);
    tombstones_.erase(tombstones_.begin());
  }
}

void StoreState::restore(std::string key, std::string value, Revision modified) {
  by_revision_.emplace(modified, key);
  values_.insert_or_assign(std::move(key), Value{std::move(value), modified});
}

void StoreState::restore_revision(Revision revision) {
  revision_ = revision;
  floor_ = revision;
}

void StoreState::skip_to(Revision revision) {
  FLUME_CHECK(revision >= revision_, "revisions grow");
  revision_ = revision;
}

std::vector<Entry> StoreState::list(std::string_view prefix) const {
  std::vector<Entry> entries;
  for (auto it = values_.lower_bound(prefix); it != values_.end() && it->first.starts_with(prefix); ++it) {
    entries.push_back({it->first, it->second.text, it->second.modified, false});
  }
  return entries;
}

Result<std::vector<Entry>> StoreState::changes_since(Revision since) const {
  if (since < floor_ || since > revision_) {
    return Status(Code::kGone, str_cat("changes since revision ", since, ": the store can tell those from ", floor_,
                                       " to ", revision_, " only"));
  }
  std::vector<Entry> entries;
  auto removed = tombstones_.lower_bound({since + 1, std::string()});
  const auto take_removals_before = [&](Revision revision) {
    for (; removed != tombstones_.end() && removed->first < revision; ++removed) {
      entries.push_back({removed->second, {}, removed->first, true});
    }
  };
  for (auto it = by_revision_.lower_bound({since + 1, std::string()}); it != by_revision_.end(); ++it) {
    take_removals_before(it->first);
    entries.push_back({it->second, values_.find(it->second)->second.text, it->first, false});
  }
  take_removals_before(revision_ + 1);
  return entries;
}

}  // namespace flume::master

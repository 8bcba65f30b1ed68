// View: everything the store says, decoded, as of one revision. What commands, translation, the node service and the
// API read. A snapshot is immutable and shared (shared_ptr<const View>): readers keep theirs while newer ones are made.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "master/config/schema.h"

namespace flume::master {

struct View {
  template <class T>
  struct Kept {
    T value;
    Revision modified = 0;
    std::string text;  // as stored, for compare-and-set and unknown fields
  };

  Revision revision = 0;                                         // of the store
  Revision config_revision = 0;                                  // the last one that changed more than the history
  std::map<std::string, Kept<NodeConfig>, std::less<>> configs;  // by logical node
  std::map<std::string, Kept<std::string>, std::less<>> places;  // logical -> physical
  std::map<std::string, Kept<HostRecord>, std::less<>> hosts;    // by physical node
  std::map<std::pair<std::string, std::string>, Kept<uint16_t>> ports;  // (host, logical) -> port
  std::set<std::pair<std::string, std::string>> removed;                // (physical, logical)
  std::set<std::string, std::less<>> adopts;      // physical nodes that may leave the store they obey for this one
  std::map<uint64_t, Kept<std::string>> history;  // id -> JSON
  std::vector<std::string> broken;                // keys whose value cannot be read; they are left alone

  // Entries of the store, all of them or those changed since `revision`.
  void apply(std::span<const Entry> entries);

  // Where a logical node runs: where it was mapped to, else the physical node of its name; empty: nowhere known.
  std::string physical_of(std::string_view logical) const;
  // physical -> logical nodes, sorted, with every known physical node (it carries the logical node of its name).
  std::map<std::string, std::vector<std::string>> mappings() const;

 private:
  void apply_one(const Entry& entry);
};

}  // namespace flume::master

// PlaceTable: how far a log holds each origin stream (Place), for the streams that were touched last. Bounded: the one
// that was touched longest ago is forgotten; rows of it that came again would be taken for new ones. Not thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/wal/segment.h"

namespace flume::wal {

// Has a batch a place in its origin by which rows that come again are known?
inline bool has_identity(const EventBatch& batch) { return batch.origin().stream != Id128{} && !batch.multiplied(); }

class PlaceTable {
 public:
  explicit PlaceTable(size_t capacity = 10'000) : capacity_(capacity) {}

  // Positions only grow; an empty note leaves the one there is.
  void advance(const Id128& stream, uint64_t position, std::string note);
  std::optional<uint64_t> position(const Id128& stream) const;
  std::vector<Place> all() const;  // touched longest ago first
  size_t size() const { return places_.size(); }

 private:
  const size_t capacity_;
  std::list<Place> places_;  // in the order of touch
  std::map<Id128, std::list<Place>::iterator> by_stream_;
};

}  // namespace flume::wal

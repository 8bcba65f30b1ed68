#include "common/wal/place_table.h"

#include <algorithm>
#include <utility>

namespace flume::wal {

void PlaceTable::advance(const Id128& stream, uint64_t position, std::string note) {
  const auto found = by_stream_.find(stream);
  if (found == by_stream_.end()) {
    if (places_.size() >= capacity_) {
      by_stream_.erase(places_.front().stream);
      places_.pop_front();
    }
    places_.push_back({stream, position, std::move(note)});
    by_stream_.emplace(stream, std::prev(places_.end()));
    return;
  }
  Place& place = *found->second;
  place.position = std::max(place.position, position);
  if (!note.empty()) {
    place.note = std::move(note);
  }
  places_.splice(places_.end(), places_, found->second);
}

std::optional<uint64_t> PlaceTable::position(const Id128& stream) const {
  const auto found = by_stream_.find(stream);
  return found == by_stream_.end() ? std::nullopt : std::optional(found->second->position);
}

std::vector<Place> PlaceTable::all() const { return {places_.begin(), places_.end()}; }

}  // namespace flume::wal

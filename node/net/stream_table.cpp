#include "node/net/stream_table.h"

#include <algorithm>

namespace flume::node {

namespace {

// Of a stream; more than one link brings new rows of it only while a chain goes from one to another.
constexpr size_t kBroughtKept = 16;

}  // namespace

StreamTable::Stream& StreamTable::touch(const Id128& stream) {
  const auto found = streams_.find(stream);
  if (found != streams_.end()) {
    turns_.splice(turns_.end(), turns_, found->second.turn);
    return found->second;
  }
  for (auto turn = turns_.begin(); streams_.size() >= max_streams_ && turn != turns_.end();) {
    const auto oldest = streams_.find(*turn);
    if (oldest->second.under_way.empty()) {
      streams_.erase(oldest);
      turn = turns_.erase(turn);
    } else {
      ++turn;
    }
  }
  Stream& made = streams_[stream];
  made.turn = turns_.insert(turns_.end(), stream);
  return made;
}

// What is known of row `at`, and how far the same is true.
StreamTable::Part StreamTable::part_at(const Stream& stream, uint64_t at, uint64_t below, const void* owner) {
  const auto claim = stream.under_way.upper_bound(at);
  if (claim != stream.under_way.begin()) {
    const auto& [first, before] = *std::prev(claim);
    if (before.below > at) {
      return {before.owner == owner ? Known::kUnderWay : Known::kElsewhere, at, std::min(below, before.below)};
    }
  }
  if (claim != stream.under_way.end()) {
    below = std::min(below, claim->first);
  }
  const std::vector<Interval> missing = stream.durable.missing(at, below);
  if (missing.empty()) {
    return {Known::kDurable, at, below};
  }
  return missing.front().first > at ? Part{Known::kDurable, at, missing.front().first}
                                    : Part{Known::kNew, at, missing.front().below};
}

std::vector<StreamTable::Part> StreamTable::claim(const Id128& stream, uint64_t first, uint64_t below,
                                                  const void* owner) {
  const MutexLock lock(mutex_);
  Stream& known = touch(stream);
  std::vector<Part> parts;
  for (uint64_t at = first; at < below;) {
    parts.push_back(part_at(known, at, below, owner));
    at = parts.back().below;
  }
  for (const Part& part : parts) {
    if (part.known == Known::kNew) {
      known.under_way[part.first] = {part.below, owner};
    }
  }
  return parts;
}

void StreamTable::came(const Id128& stream, uint64_t first, uint64_t below, uint64_t chain, uint64_t link) {
  const MutexLock lock(mutex_);
  Stream& known = touch(stream);
  std::vector<Brought>& brought = known.brought;
  if (!brought.empty() && brought.back().link == link && brought.back().below == first) {
    brought.back().below = below;
    brought.back().moment = ++moment_;
  } else {
    if (brought.size() >= kBroughtKept) {
      brought.erase(brought.begin());
    }
    brought.push_back({link, ++moment_, first, below});
  }
  if (chain != 0 && below > known.below) {
    known.below = below;
    known.chain = chain;
  }
}

StreamTable::Mark StreamTable::mark(const Id128& stream) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  return found == streams_.end() ? Mark{0, 0, moment_} : Mark{found->second.below, found->second.chain, moment_};
}

bool StreamTable::others_brought(const Id128& stream, uint64_t first, uint64_t below, uint64_t moment, uint64_t link) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  return found != streams_.end() &&
         std::any_of(found->second.brought.begin(), found->second.brought.end(), [&](const Brought& brought) {
           return brought.link != link && brought.moment > moment && brought.first < below && first < brought.below;
         });
}

// Takes the rows out of the claims; a claim may be cut.
void StreamTable::release(Stream& stream, uint64_t first, uint64_t below) {
  auto claim = stream.under_way.upper_bound(first);
  if (claim != stream.under_way.begin()) {
    --claim;
  }
  while (claim != stream.under_way.end() && claim->first < below) {
    const uint64_t begin = claim->first;
    const Claim whole = claim->second;
    if (whole.below <= first) {
      ++claim;
      continue;
    }
    claim = stream.under_way.erase(claim);
    if (begin < first) {
      stream.under_way[begin] = {first, whole.owner};
    }
    if (whole.below > below) {
      stream.under_way[below] = whole;
    }
  }
}

void StreamTable::settled(const Id128& stream, uint64_t first, uint64_t below) {
  const MutexLock lock(mutex_);
  Stream& known = touch(stream);
  release(known, first, below);
  known.durable.add(first, below);
}

void StreamTable::forget(const Id128& stream, uint64_t first, uint64_t below) {
  const MutexLock lock(mutex_);
  release(touch(stream), first, below);
}

}  // namespace flume::node

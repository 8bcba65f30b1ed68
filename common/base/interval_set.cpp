#include "common/base/interval_set.h"

#include <algorithm>
#include <iterator>

namespace flume {

// The first interval that has `number` or something above it.
IntervalSet::Parts::const_iterator IntervalSet::first_ending_after(uint64_t number) const {
  return std::upper_bound(parts_.begin(), parts_.end(), number,
                          [](uint64_t value, const Interval& part) { return value < part.below; });
}

void IntervalSet::add(uint64_t first, uint64_t below) {
  if (first >= below) {
    return;
  }
  if (parts_.empty() || first > parts_.back().below) {
    parts_.push_back({first, below});
    return;
  }
  // All that overlap it or touch it become one with it.
  auto begin = first_ending_after(first);
  if (begin != parts_.begin() && std::prev(begin)->below == first) {
    --begin;
  }
  auto end = begin;
  for (; end != parts_.end() && end->first <= below; ++end) {
    first = std::min(first, end->first);
    below = std::max(below, end->below);
  }
  const auto place = parts_.erase(begin, end);
  parts_.insert(place, {first, below});
}

void IntervalSet::remove(uint64_t first, uint64_t below) {
  if (first >= below) {
    return;
  }
  const auto begin = first_ending_after(first);
  auto end = begin;
  Parts rest;  // what the first and the last one keep
  for (; end != parts_.end() && end->first < below; ++end) {
    if (end->first < first) {
      rest.push_back({end->first, first});
    }
    if (end->below > below) {
      rest.push_back({below, end->below});
    }
  }
  const auto place = parts_.erase(begin, end);
  parts_.insert(place, rest.begin(), rest.end());
}

bool IntervalSet::covers(uint64_t first, uint64_t below) const {
  if (first >= below) {
    return true;
  }
  const auto part = first_ending_after(first);
  return part != parts_.end() && part->first <= first && part->below >= below;
}

bool IntervalSet::overlaps(uint64_t first, uint64_t below) const {
  if (first >= below) {
    return false;
  }
  const auto part = first_ending_after(first);
  return part != parts_.end() && part->first < below;
}

std::vector<Interval> IntervalSet::missing(uint64_t first, uint64_t below) const {
  std::vector<Interval> gaps;
  for (auto part = first_ending_after(first); first < below && part != parts_.end(); ++part) {
    if (part->first > first) {
      gaps.push_back({first, std::min(part->first, below)});
    }
    first = part->below;
  }
  if (first < below) {
    gaps.push_back({first, below});
  }
  return gaps;
}

}  // namespace flume

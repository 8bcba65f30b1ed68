// IntervalSet: a set of numbers kept as half-open intervals [first, below), apart from each other and in order. Made
// for ordinals of rows that become durable mostly in order: normally one interval, whatever the count. Value; used by
// one thread. An interval with first >= below is empty: adding or removing it changes nothing. The greatest number that
// can be in a set is 2^64-2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flume {

struct Interval {
  uint64_t first = 0;
  uint64_t below = 0;
  bool operator==(const Interval&) const = default;
};

class IntervalSet {
 public:
  void add(uint64_t first, uint64_t below);
  void remove(uint64_t first, uint64_t below);
  void clear() { parts_.clear(); }

  bool covers(uint64_t first, uint64_t below) const;    // all of it; true for an empty interval
  bool overlaps(uint64_t first, uint64_t below) const;  // some of it; false for an empty interval
  // What of the interval is not in the set, in order.
  std::vector<Interval> missing(uint64_t first, uint64_t below) const;
  // Everything from here on is missing; 0 for an empty set.
  uint64_t top() const { return parts_.empty() ? 0 : parts_.back().below; }

  bool empty() const { return parts_.empty(); }
  size_t size() const { return parts_.size(); }  // intervals
  const std::vector<Interval>& intervals() const { return parts_; }
  bool operator==(const IntervalSet&) const = default;

 private:
  using Parts = std::vector<Interval>;
  Parts::const_iterator first_ending_after(uint64_t number) const;

  Parts parts_;
};

}  // namespace flume

// StreamTable: which rows of which logs this process has or is storing, so that rows that are sent again are not stored
// again (R11). One for all ports of a process: a sender may come back to another port. Rows are known by the stream and
// the number that the log of the sender gave them. What a link that was given up left unread here is under way, so the
// sender's new link cannot bring it a second time (R12). Known are intervals of numbers, not all below one: a
// collector may be given only the end of a log (R13).
//
// A row is claimed when it is handed to a flow, and from then on under way until it is settled (durable) or forgotten
// (it was not delivered and may come again). Bounded: of more than `max_streams` the one touched longest ago with
// nothing under way is forgotten; its rows are then known to the storing sinks' journals only. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <vector>

#include "common/base/interval_set.h"
#include "common/base/random.h"
#include "common/base/sync.h"

namespace flume::node {

class StreamTable {
 public:
  explicit StreamTable(size_t max_streams = 100'000) : max_streams_(max_streams) {}

  enum class Known : uint8_t {
    kNew,        // and claimed by this call
    kUnderWay,   // claimed before by the same owner
    kElsewhere,  // claimed by another one
    kDurable,
  };
  struct Part {
    Known known;
    uint64_t first;
    uint64_t below;
  };
  // In order, all of [first, below) once. `owner`: whoever is asked about, only compared.
  std::vector<Part> claim(const Id128& stream, uint64_t first, uint64_t below, const void* owner)
      FLUME_EXCLUDES(mutex_);
  // Rows that were claimed as new: who brought them, and the stream's running hash behind them (R6; 0: not known).
  void came(const Id128& stream, uint64_t first, uint64_t below, uint64_t chain, uint64_t link) FLUME_EXCLUDES(mutex_);
  struct Mark {
    uint64_t below = 0;  // the highest end of rows whose running hash is known
    uint64_t chain = 0;
    uint64_t moment = 0;  // now, for others_brought()
  };
  Mark mark(const Id128& stream) FLUME_EXCLUDES(mutex_);
  // Whether another link than this one brought some of these rows since that moment.
  bool others_brought(const Id128& stream, uint64_t first, uint64_t below, uint64_t moment, uint64_t link)
      FLUME_EXCLUDES(mutex_);
  // Claimed rows.
  void settled(const Id128& stream, uint64_t first, uint64_t below) FLUME_EXCLUDES(mutex_);
  void forget(const Id128& stream, uint64_t first, uint64_t below) FLUME_EXCLUDES(mutex_);

 private:
  struct Claim {
    uint64_t below;
    const void* owner;
  };
  struct Brought {
    uint64_t link;
    uint64_t moment;  // of the last of these rows
    uint64_t first;
    uint64_t below;
  };
  struct Stream {
    IntervalSet durable;
    std::map<uint64_t, Claim> under_way;  // by first
    uint64_t below = 0;
    uint64_t chain = 0;
    std::vector<Brought> brought;  // the last few
    std::list<Id128>::iterator turn;
  };
  Stream& touch(const Id128& stream) FLUME_REQUIRES(mutex_);
  static Part part_at(const Stream& stream, uint64_t at, uint64_t below, const void* owner);
  static void release(Stream& stream, uint64_t first, uint64_t below);

  const size_t max_streams_;
  Mutex mutex_;
  std::map<Id128, Stream> streams_ FLUME_GUARDED_BY(mutex_);
  uint64_t moment_ FLUME_GUARDED_BY(mutex_) = 0;
  std::list<Id128> turns_ FLUME_GUARDED_BY(mutex_);  // touched longest ago first
};

}  // namespace flume::node

// Homes: which collector the rows of a log were offered to, where its chain has several. A row that one of them was
// offered and has not confirmed may be stored there: it stays with that one, its home (R7), while new rows go to
// another. Rows are meant by their ordinals in the log.
//
// Every row is in one of three states: offered to one host and not confirmed; new, from top() on; done, which is every
// other row below top(). So nothing has to be kept of rows that are confirmed.
//
// The note, a file in the log's folder (docs/formats/wal.md), says the same for the next process. It is written and
// synced before a host is offered rows that it does not say may be there: once for each change of collector. Used by
// one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/interval_set.h"
#include "common/base/status.h"

namespace flume::node {

struct HomesNote {
  struct Host {
    IntervalSet offered;
    int64_t lost_millis = 0;  // wall time since when it confirms nothing; 0: it is not known to be away
    bool operator==(const Host&) const = default;
  };
  uint64_t top = 0;
  std::string current;  // rows from top on may have been offered to this host; "": none was
  std::map<std::string, Host> hosts;

  std::string text() const;
  static Result<HomesNote> parse(std::string_view text);
  bool operator==(const HomesNote&) const = default;
};

class Homes {
 public:
  enum class Known : uint8_t { kNew, kOffered, kDone };
  struct Part {
    Known known;
    std::string host;  // kOffered
    uint64_t first;
    uint64_t below;
  };

  // Of the chain with this number among those that one log feeds.
  static std::string path(const std::string& log_folder, int chain);

  // `clock` outlives it.
  Homes(std::string path, Clock& clock) : path_(std::move(path)), clock_(clock) {}

  // Takes up what an earlier process noted about rows that are in the log now, which are those of [released, end), and
  // notes that anew: numbers from `end` on are given to other rows. A note that cannot be read is said and ignored; an
  // error is the disk's.
  Status open(uint64_t released, uint64_t end);

  // In order, all of [first, below) once.
  std::vector<Part> look_up(uint64_t first, uint64_t below) const;
  bool is_done(uint64_t first, uint64_t below) const;
  const IntervalSet& offered(const std::string& host) const;  // and not confirmed
  std::vector<std::string> hosts() const;                     // that were offered rows which they have not confirmed
  uint64_t top() const { return top_; }

  // Before a host is given new rows. An error: they must not be given to it.
  Status prepare(const std::string& host);
  void offer(const std::string& host, uint64_t first, uint64_t below);
  void confirm(const std::string& host, uint64_t first, uint64_t below);
  // The way to it broke.
  void lose(const std::string& host);
  // Since when it confirms nothing; none: nothing is waited for, or it is not away.
  std::optional<TimePoint> lost_since(const std::string& host) const;
  // What `from` was offered is another one's from now on. An error: it is not.
  Status move(const std::string& from, const std::string& to);

 private:
  struct Host {
    IntervalSet offered;
    std::optional<TimePoint> lost;
  };
  HomesNote note(const std::string& current) const;
  Status write(const HomesNote& note);

  const std::string path_;
  Clock& clock_;
  uint64_t top_ = 0;
  std::map<std::string, Host> hosts_;
  HomesNote written_;  // what the file says
};

}  // namespace flume::node

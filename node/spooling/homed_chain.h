// HomedChain: < rpcSink(a) ? rpcSink(b) ? ... > behind a write-ahead log. As any failover it gives rows to the first
// host that works; but rows that a host was offered and has not confirmed when its link died stay with it, since it may
// have stored them, and another one cannot know (R7):
//
//   row is                   goes
//   new                      to the first host that works, which is its home from then on (homes.h)
//   offered to a host        to that one, once it is back, before any new rows; read from the log again
//   so for longer than       to the first host that works; counted, for it may be stored twice. So are rows of a host
//   resend_elsewhere         that the chain does not have any more
//   confirmed                nowhere: it is settled, also when the log's source went back behind it
//
// Life of a row: append() -> its token is kept -> host, with a token of our own -> confirmed: its token is settled.
// When a link dies the tokens stay, so the log's source does not go back. Order is kept within what one host gets for
// the first time; across hosts it cannot be. Rows without a number of the log go as through any failover. Thread: the
// sending driver's.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/runtime/branch.h"
#include "node/runtime/component.h"
#include "node/runtime/feeding_log.h"
#include "node/spooling/homes.h"

namespace flume::node {

class HomedChain final : public Sink {
 public:
  struct HostSink {
    std::string name;  // that rows are noted with: "host:port"
    std::unique_ptr<Sink> sink;
  };
  explicit HomedChain(std::vector<HostSink> hosts);

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;  // kTimeout while rows wait for a host that is away
  Status close(const Wait& wait) override;
  bool reads_bodies() const override { return false; }

 private:
  using Reasons = std::map<std::string, uint64_t>;  // rows by why they were dropped
  struct Flight {
    uint64_t end;  // the tracker's position behind it
    uint64_t first;
    uint64_t below;
  };
  struct Host : Branch {
    std::string name = {};
    // Rows on their way, in order, and who is told what became of them; new with each opening.
    std::deque<Flight> flights = {};
    std::shared_ptr<AckTracker> tracker = nullptr;
    uint64_t position = 0;
    Reasons dropped = {};  // of the tracker's rows, as far as they were passed on
  };
  // A row's token until it is settled.
  struct Owed {
    uint64_t below;
    uint32_t rows;
    uint64_t bytes;
    AckToken token;
  };

  bool none_is_open() const;
  Status open_one_of_all(const Wait& wait);
  Status open_host(Host& host, size_t left, const Wait& wait);
  void fail(Host& host, Status status, const Wait& wait);
  void forget_flights(Host& host);
  Status nothing_works() const;

  AppendResult send_new(const EventBatch& rows, const Wait& wait);
  AppendResult send_home(const EventBatch& rows, const std::string& name, const Wait& wait);
  AppendResult give(Host& host, const EventBatch& rows, const Wait& wait);
  Status send_again(Host& host, const Wait& wait);
  Status read_again(uint64_t ordinal);
  void skip(const std::string& name, uint64_t first, uint64_t below);
  void move_elsewhere();

  void owe(const EventBatch& batch, uint32_t taken);
  void collect(Host& host);
  void settle(uint64_t first, uint64_t below, Reasons& dropped);
  void count();
  Host* find(const std::string& name);
  bool has_again(const Host& host) const;
  size_t left_from(const Host& host) const;

  std::vector<Host> hosts_;
  Context* context_ = nullptr;  // given to open(); outlives the component
  FeedingLog* log_ = nullptr;   // likewise
  Duration resend_elsewhere_{};
  std::optional<RowLedger> ledger_;
  Counter* failovers_ = nullptr;
  Counter* doubled_ = nullptr;
  Gauge* parked_ = nullptr;
  std::optional<Homes> homes_;                // from the first opening on
  std::optional<int> number_;                 // of this chain in its log
  std::map<std::string, IntervalSet> again_;  // by host: rows to be read from the log and sent to it
  TimePoint next_move_ = TimePoint::min();
  std::multimap<uint64_t, Owed> owed_;  // by first ordinal
  int64_t owed_rows_ = 0;
  int64_t parked_rows_ = 0;                   // as it was counted last
  std::unique_ptr<wal::WalReader> reader_;    // of rows that are sent again
  uint64_t reader_at_ = 0;                    // ordinal behind what it read last
  std::optional<wal::WalReader::Item> read_;  // by it, and not sent to the end
};

}  // namespace flume::node

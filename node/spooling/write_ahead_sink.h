// WriteAheadSink: the sink that takes responsibility for rows by writing them to a log on this machine (common/wal) and
// sends them on from there, in order, by a chain of its own, for as long as it takes. What agentSink, ackedWriteAhead
// and the chains of both are made of.
//
// Life of a batch: append() -> log, synced -> its token is settled, the source's position may move -> a second driver
// reads it back (from the page cache) and appends it to the chain -> the chain's far end settles it -> released in the
// log. A far end that is away, slow or full holds nothing up but the log's own space; at its limit append() takes
// nothing. When it is nearly full and nothing leaves it the chain is asked to settle what it can (R8), and so it is
// when this node's own sender asks.
//
// The log lies in STATE/NODE/wal/PLACE. open() takes up what is there and tells the source how far it was read (R4),
// before the source opens. close() waits for the disk and a moment for a far end that takes rows; what is left is sent
// after the next open().
// Thread: the driver of the node; the second driver is this object's own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/wal/wal.h"
#include "dataflow-lang/catalog.h"
#include "node/runtime/driver.h"
#include "node/runtime/log_book.h"
#include "node/spooling/wal_source.h"

namespace flume::node {

class WriteAheadSink final : public Sink {
 public:
  static constexpr char kFolder[] = "wal";           // in the node's own; in it one folder for each place in the plan
  static constexpr char kChainFile[] = "chain";      // in a log's folder: how the sink was written
  static constexpr char kDrainedFile[] = "drained";  // likewise: nothing was left in it

  // `chain` makes what the rows are sent through. `text` is how this sink is written: kept with the log, so that its
  // rows can be sent when the configuration names it no more (log_drains.h).
  WriteAheadSink(std::function<std::unique_ptr<Sink>()> chain, std::string text, std::string folder = kFolder);
  ~WriteAheadSink() override;

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  Status flush(const Wait& wait) override;  // on this machine's disk
  Status close(const Wait& wait) override;
  uint64_t held_rows() const;        // not delivered yet; 0 while closed
  void wait_sent(const Wait& wait);  // until all that was appended is delivered, or the wait is over

 private:
  struct Sending;  // the second driver and what it needs

  Status open_log(Context& context);
  Status renew_homes(Clock& clock) const;
  void ask_for_commit();
  void wait_for_far_end(const Wait& wait);
  LogStatus status() const;
  LogCounts counts(const Ledger& sent, const WalProgress::State& progress, const wal::WalStatus& wal) const;

  const std::function<std::unique_ptr<Sink>()> chain_;
  const std::string text_;
  const std::string kind_;   // of the log: the folder it lies in
  LogBook* logs_ = nullptr;  // of the context given to open(), while open
  std::string folder_;
  std::string path_;
  uint64_t limit_bytes_ = 0;
  Clock* clock_ = nullptr;
  wal::Recovered recovered_;
  std::optional<RowLedger> ledger_;
  uint64_t commit_at_bytes_ = 0;
  CommitWish wish_;        // of this node's sender
  TimePoint next_wish_{};  // of our own: not before
  uint64_t released_ = 0;  // at the last look
  Counter* wanted_commits_ = nullptr;
  std::unique_ptr<wal::Wal> wal_;  // null: closed
  std::unique_ptr<Sending> sending_;
};

// maxmillis, which the classic sinks with a log had and configurations name; without effect here.
lang::ArgSpec max_millis_argument();

}  // namespace flume::node

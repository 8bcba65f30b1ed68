// Source, Sink and Decorator: the contract between components and the driver.
//
// All calls come from the logical node's driver thread, one at a time. open() after close() is legal; close() is legal
// always, twice too, and before open(). An open() that fails leaves the object closed. Components start no threads and
// set no timers: time comes through due() and tick(). Whatever waits takes a Wait (deadline and stop token) and obeys
// it. The token of a Wait ends that one call (stop, or another configuration): it is not kept. The Context given to
// open() lives as long as the component.
//
// LAW: what a component does must not depend on how rows are cut into batches (contract test: 1 row, all rows, random
// cuts).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/stop.h"
#include "common/config/settings.h"
#include "common/event/batch.h"
#include "common/io/storage.h"
#include "common/metrics/metrics.h"

namespace flume::journal {
class Journal;  // common/journal/journal.h
}

namespace flume::node {

class LogBook;    // node/runtime/log_book.h: logs of one logical node, for its status
class FileWatch;  // node/tailing/file_watch.h: one inotify instance per process
class Positions;  // node/runtime/positions.h: durable read positions of one logical node
class NetServer;  // node/net/net_server.h: the process's Asio threads

// What the node's owner allows, whatever a master says. Immutable.
struct Capabilities {
  bool pushed_exec = false;  // exec sources in configurations that come from a master
};

// Identity of the physical node, minted at its first start.
struct Identity {
  std::string physical_node;
  std::string host;
  Id128 node_id{};
  uint32_t boot_epoch = 0;
};

// What a component may use. References live as long as the logical node.
struct Context {
  std::string logical_node;
  std::string instance;  // place in the plan ("sink.0"): unique within the logical node, stable over rolls
  Clock& clock;
  Metrics metrics;  // labelled with node and path
  const Settings& settings;
  const Capabilities& capabilities;
  const Identity& identity;
  FileWatch& watch;
  Positions& positions;  // a recovered log moves positions in sink.open(), before the source opens
  StorageSet& storage;
  NetServer& net;
  BatchLimits limits;  // event limit from the settings
  LogBook& logs;       // for sinks that keep a log
  // The logical node's own folder, for logs; empty: nothing is kept beyond the process (`flume dump`).
  std::string state_folder;
  // What its sinks have made durable, so that rows are written once; null: nothing is kept beyond the process.
  journal::Journal* journal = nullptr;

  Context at(const std::string& path) const;  // the same for a child at this place of the plan
};

// The origin of a stream that begins now: this node, a random stream identity, position 0.
Origin new_origin(const Context& context);

class Source {
 public:
  enum class Next : uint8_t { kBatch, kNothingYet, kEnd };
  virtual ~Source() = default;
  virtual Status open(Context& context, const Wait& wait) = 0;  // the driver opens the sink first
  // Returns at the first of: any complete row, deadline (kNothingYet), stop (kNothingYet), end. Never waits to fill a
  // batch. The batch carries a token of one of this source's AckTrackers.
  virtual Result<Next> next(EventBatch& out, const Wait& wait) = 0;
  // Goes back to the first row that is not settled. False: cannot (stdin, UDP): the driver keeps those batches itself.
  virtual Result<bool> rewind() { return false; }
  // Rows handed out cannot be read again once the source is closed: whoever has some keeps them.
  virtual bool forgets_at_close() const { return false; }
  // Before close(): nothing more comes in, and next() gives only what a sender counts as delivered.
  virtual void end_intake() {}
  // Rows that a sender counts as delivered and nobody can bring again: they are in here, or handed out and not settled.
  virtual bool holds_rows() const { return false; }
  // It holds as many rows as it may until some are settled: the driver flushes the sink before it asks for more.
  virtual bool is_full() const { return false; }
  // Called by the driver between batches: make positions durable as far as rows are settled (at most every second or
  // so).
  virtual Status checkpoint() { return {}; }
  virtual Status close(const Wait& wait) = 0;
  // The trackers whose counts make up this source's side of the ledger.
  virtual std::vector<std::shared_ptr<AckTracker>> trackers() const = 0;
};

// status OK <=> taken == rows. The taken rows are the sink's to settle; the others were not touched.
struct AppendResult {
  Status status;
  uint32_t taken = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual Status open(Context& context, const Wait& wait) = 0;
  // kTimeout or kStopped with taken < rows is normal.
  virtual AppendResult append(const EventBatch& batch, const Wait& wait) = 0;
  // The driver waits for the source no longer than this, and before each append calls tick() when it is due: rolls,
  // flushes, the latency of batch(n, ms), heartbeats of a link.
  virtual TimePoint due() const { return TimePoint::max(); }
  virtual Status tick(TimePoint now) {
    (void)now;
    return {};
  }
  virtual Status flush(const Wait& wait) = 0;  // OK: all taken so far is settled
  // After a failure or before a swap: rows taken and not settled, in order; they may have arrived at the far end.
  virtual std::vector<EventBatch> take_back() { return {}; }
  virtual Status close(const Wait& wait) = 0;  // flushes; what it could not settle remains in take_back()
  // False: append() takes compressed batches too, and hands them on as they are. All others get them uncompressed
  // (placed.h), so bodies are unpacked by whoever needs them first, and never on the way through a relay.
  virtual bool reads_bodies() const { return true; }
};

// A sink that owns a sink. Every default forwards; due() = min(own, sub).
class Decorator : public Sink {
 public:
  explicit Decorator(std::unique_ptr<Sink> sub) : sub_(std::move(sub)) {}
  Status open(Context& context, const Wait& wait) override { return sub_->open(context, wait); }
  AppendResult append(const EventBatch& batch, const Wait& wait) override { return sub_->append(batch, wait); }
  TimePoint due() const override { return sub_->due(); }
  Status tick(TimePoint now) override { return sub_->tick(now); }
  Status flush(const Wait& wait) override { return sub_->flush(wait); }
  std::vector<EventBatch> take_back() override { return sub_->take_back(); }
  Status close(const Wait& wait) override { return sub_->close(wait); }

 protected:
  std::unique_ptr<Sink> sub_;
};

// The component ledger, checked by the contract test: in + added + recovered = out + held + dropped(reason) + filtered
// + returned (taken back). Counters named flume_rows_in_total, flume_rows_out_total, flume_rows_added_total,
// flume_rows_filtered_total, flume_rows_dropped_total{reason}, gauge flume_rows_held. Touched per batch.
class RowLedger {
 public:
  explicit RowLedger(const Metrics& metrics);
  void in(uint64_t rows, uint64_t bytes);
  void out(uint64_t rows, uint64_t bytes);
  void added(uint64_t rows);
  void filtered(uint64_t rows);
  void returned(uint64_t rows);  // given back by take_back(), or not delivered: they come again
  void held(int64_t rows);       // how many now
  // The one way to lose data on purpose: counter, rate-limited log line and the batch's rows settled as dropped.
  void drop(const EventBatch& batch, std::string_view reason);

 private:
  Metrics metrics_;
  Counter* rows_in_;
  Counter* bytes_in_;
  Counter* rows_out_;
  Counter* bytes_out_;
  Counter* added_;
  Counter* filtered_;
  Counter* returned_;
  Gauge* held_;
};

}  // namespace flume::node

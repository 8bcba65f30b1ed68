#include "node/runtime/ledger.h"

#include <algorithm>
#include <utility>

namespace flume::node {

namespace {

void add(AckCounts& sum, const AckCounts& more) {
  sum.issued_rows += more.issued_rows;
  sum.issued_bytes += more.issued_bytes;
  sum.expected_rows += more.expected_rows;
  sum.delivered_rows += more.delivered_rows;
  sum.delivered_bytes += more.delivered_bytes;
  sum.not_delivered_rows += more.not_delivered_rows;
  sum.not_delivered_bytes += more.not_delivered_bytes;
  for (const auto& [reason, amount] : more.dropped) {
    auto& [rows, bytes] = sum.dropped[reason];
    rows += amount.first;
    bytes += amount.second;
  }
}

// The driver hands these rows on under its own tracker; only what the source itself dropped is added to that.
void add_drops(AckCounts& sum, const AckCounts& source) {
  AckCounts drops;
  for (const auto& [reason, amount] : source.dropped) {
    drops.issued_rows += amount.first;
    drops.issued_bytes += amount.second;
  }
  drops.dropped = source.dropped;
  add(sum, drops);
}

bool owes_nothing(const AckCounts& counts) {
  uint64_t settled = counts.delivered_rows + counts.not_delivered_rows;
  for (const auto& [reason, amount] : counts.dropped) {
    settled += amount.first;
  }
  return settled == counts.issued_rows + counts.expected_rows;
}

// What is left of `whole`; false when there is less than nothing.
bool take(uint64_t& whole, uint64_t part) {
  const bool enough = whole >= part;
  whole -= std::min(whole, part);
  return enough;
}

Ledger ledger_of(const AckCounts& counts) {
  Ledger ledger;
  ledger.again = {counts.not_delivered_rows, counts.not_delivered_bytes};
  ledger.delivered = {counts.delivered_rows, counts.delivered_bytes};
  ledger.copies = counts.expected_rows;
  for (const auto& [reason, amount] : counts.dropped) {
    ledger.dropped[reason] = {amount.first, amount.second};
  }
  const Amount dropped = ledger.dropped_sum();
  // A copy of a fan-out that was not delivered is not a row that was read, but it comes back as one.
  uint64_t rows = counts.issued_rows + counts.expected_rows;
  ledger.balanced = take(rows, counts.not_delivered_rows);
  ledger.read = {rows - std::min(rows, counts.expected_rows), counts.issued_bytes};
  ledger.balanced = take(ledger.read.bytes, counts.not_delivered_bytes) && ledger.balanced;
  ledger.in_flight = {rows, ledger.read.bytes};
  ledger.balanced = take(ledger.in_flight.events, counts.delivered_rows) && ledger.balanced;
  ledger.balanced = take(ledger.in_flight.events, dropped.events) && ledger.balanced;
  ledger.balanced = take(ledger.in_flight.bytes, counts.delivered_bytes) && ledger.balanced;
  ledger.balanced = take(ledger.in_flight.bytes, dropped.bytes) && ledger.balanced;
  return ledger;
}

}  // namespace

Amount Ledger::dropped_sum() const {
  Amount sum;
  for (const auto& [reason, amount] : dropped) {
    sum.events += amount.events;
    sum.bytes += amount.bytes;
  }
  return sum;
}

int64_t LogCounts::unexplained() const {
  uint64_t gone = delivered.events + held + missing;
  for (const auto& [reason, amount] : dropped) {
    gone += amount.events;
  }
  return static_cast<int64_t>(recovered + accepted) - static_cast<int64_t>(gone);
}

void LogCounts::add(const LogCounts& more) {
  recovered += more.recovered;
  recovered_bytes += more.recovered_bytes;
  accepted += more.accepted;
  accepted_bytes += more.accepted_bytes;
  repeated += more.repeated;
  delivered.events += more.delivered.events;
  delivered.bytes += more.delivered.bytes;
  for (const auto& [reason, amount] : more.dropped) {
    dropped[reason].events += amount.events;
    dropped[reason].bytes += amount.bytes;
  }
  missing += more.missing;
  held += more.held;
  settling += more.settling;
}

void LogCounts::reopened(const LogCounts& now) {
  // Less than it held: unexplained. More: rows whose delivery was not written down; they are delivered once more.
  const uint64_t known = std::min(held, now.recovered);
  LogCounts more = now;
  more.recovered -= known;
  more.recovered_bytes = more.recovered == 0 ? 0 : more.recovered_bytes;
  held = 0;
  add(more);
}

Ledger with_logs(Ledger source, const LogCounts& logs, bool may_join) {
  Ledger whole = std::move(source);
  take(whole.read.events, logs.repeated);
  whole.recovered = {logs.recovered, logs.recovered_bytes};
  whole.held = {logs.held, 0};
  whole.missing = logs.missing;
  // Rows that were settled as delivered and are in no log.
  uint64_t straight = whole.delivered.events;
  const uint64_t logged = logs.accepted + logs.repeated;
  take(straight, logged);
  if (may_join) {
    whole.copies += logged - std::min(logged, whole.delivered.events);
    whole.joined = std::exchange(straight, 0);
  }
  take(whole.delivered.bytes, logs.accepted_bytes);
  whole.delivered = {straight + logs.delivered.events, whole.delivered.bytes + logs.delivered.bytes};
  for (const auto& [reason, amount] : logs.dropped) {
    whole.dropped[reason].events += amount.events;
    whole.dropped[reason].bytes += amount.bytes;
  }
  const uint64_t in = logs.recovered_bytes + logs.accepted_bytes;
  whole.held.bytes = logs.held == 0 ? 0 : in - std::min(in, logs.delivered.bytes);
  const uint64_t came = whole.read.events + whole.copies + whole.recovered.events;
  const uint64_t went = whole.delivered.events + whole.in_flight.events + whole.held.events + whole.joined +
                        whole.dropped_sum().events + whole.missing;
  whole.unexplained = static_cast<int64_t>(came) - static_cast<int64_t>(went);
  whole.balanced = whole.balanced && whole.unexplained == 0;
  return whole;
}

LedgerBook::LedgerBook(const Metrics& metrics) : metrics_(metrics) {}

void LedgerBook::watch(std::span<const std::shared_ptr<AckTracker>> sources, const std::shared_ptr<AckTracker>& driver,
                       bool driver_stands_for_sources) {
  const MutexLock lock(mutex_);
  std::vector<Entry> kept;
  const auto keeps = [&](const AckTracker* tracker) {
    return tracker == driver.get() ||
           std::any_of(sources.begin(), sources.end(), [&](const auto& source) { return source.get() == tracker; });
  };
  for (Entry& entry : entries_) {
    if (keeps(entry.tracker.get())) {
      continue;  // added anew below
    }
    const AckCounts counts = entry.tracker->counts();
    if (!owes_nothing(counts)) {
      kept.push_back(std::move(entry));
    } else if (entry.only_drops) {
      add_drops(closed_, counts);
    } else {
      add(closed_, counts);
    }
  }
  for (const auto& source : sources) {
    kept.push_back({source, driver_stands_for_sources});
  }
  if (driver != nullptr) {
    kept.push_back({driver, false});
  }
  entries_ = std::move(kept);
}

AckCounts LedgerBook::total() const {
  AckCounts sum = closed_;
  for (const Entry& entry : entries_) {
    if (entry.only_drops) {
      add_drops(sum, entry.tracker->counts());
    } else {
      add(sum, entry.tracker->counts());
    }
  }
  return sum;
}

Ledger LedgerBook::sum() const {
  const MutexLock lock(mutex_);
  return ledger_of(total());
}

uint64_t LedgerBook::not_delivered_rows() const {
  const MutexLock lock(mutex_);
  return total().not_delivered_rows;
}

bool LedgerBook::has_in_flight() const {
  const MutexLock lock(mutex_);
  return !owes_nothing(total());
}

void LedgerBook::publish() {
  const MutexLock lock(mutex_);
  const AckCounts now = total();
  const auto bring = [this](std::string_view name, const Labels& labels, uint64_t value) {
    Counter& counter = metrics_.counter(name, labels);
    counter.add(value - std::min(value, counter.value()));
  };
  bring("flume_flow_read_events_total", {}, now.issued_rows);
  bring("flume_flow_read_bytes_total", {}, now.issued_bytes);
  bring("flume_flow_again_events_total", {}, now.not_delivered_rows);
  bring("flume_flow_delivered_events_total", {}, now.delivered_rows);
  bring("flume_flow_delivered_bytes_total", {}, now.delivered_bytes);
  for (const auto& [reason, amount] : now.dropped) {
    bring("flume_flow_dropped_events_total", {{"reason", reason}}, amount.first);
    bring("flume_flow_dropped_bytes_total", {{"reason", reason}}, amount.second);
  }
  metrics_.gauge("flume_flow_in_flight_events").set(static_cast<int64_t>(ledger_of(now).in_flight.events));
}

}  // namespace flume::node

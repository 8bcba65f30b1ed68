#include "node/spooling/homed_chain.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/runtime/log_book.h"

namespace flume::node {

namespace {

// Its rows with numbers below this one.
EventBatch rows_below(const EventBatch& batch, uint64_t below) {
  const Hop hop = batch.hop();
  if (below >= hop.ordinal + hop.span) {
    return batch;
  }
  uint32_t rows = 0;
  while (rows < batch.rows() && batch.hop_ordinal(rows) < below) {
    ++rows;
  }
  return batch.slice(0, rows);
}

Interval numbers_of(const EventBatch& batch) {
  const Hop hop = batch.hop();
  return {hop.ordinal, hop.ordinal + hop.span};
}

bool is_numbered(const EventBatch& batch) { return batch.hop().stream != Id128{} && !batch.multiplied(); }

}  // namespace

AppendResult HomedChain::append(const EventBatch& batch, const Wait& wait) {
  for (Host& host : hosts_) {
    collect(host);
  }
  if (!is_numbered(batch)) {
    return send_new(batch, wait);
  }
  const Interval numbers = numbers_of(batch);
  uint32_t taken = 0;
  for (const Homes::Part& part : homes_->look_up(numbers.first, numbers.below)) {
    const EventBatch rest = batch.from(taken);
    const EventBatch rows = rest.empty() ? rest : rows_below(rest, part.below);
    if (rows.empty()) {
      continue;  // numbers that no row has
    }
    AppendResult result{{}, rows.rows()};
    switch (part.known) {
      case Homes::Known::kNew: result = send_new(rows, wait); break;
      case Homes::Known::kOffered: result = send_home(rows, part.host, wait); break;
      case Homes::Known::kDone: rows.settle(Outcome::kDelivered); break;
    }
    taken += result.taken;
    if (!result.status.ok()) {
      return {std::move(result.status), taken};
    }
  }
  return {{}, batch.rows()};
}

// To the first host that works, behind what it has to get again.
AppendResult HomedChain::send_new(const EventBatch& rows, const Wait& wait) {
  uint32_t taken = 0;
  for (Host& host : hosts_) {
    if (!host.is_open) {
      if (!host.may_open(*context_)) {
        continue;
      }
      if (wait.over()) {
        return {wait.stop.stop_requested() ? stopped() : Status(Code::kTimeout, "no time left to open a link"), taken};
      }
      Status opened = open_host(host, left_from(host), wait);
      if (opened.kind() == Kind::kClosed) {
        return {std::move(opened), taken};
      }
      if (!opened.ok()) {
        continue;
      }
    }
    Status ready = send_again(host, wait);
    if (ready.ok() && is_numbered(rows)) {
      ready = homes_->prepare(host.name).with_context("note which collector is used");
    }
    if (!ready.ok() && !host.is_open) {
      continue;
    }
    if (!ready.ok()) {
      return {std::move(ready), taken};
    }
    const EventBatch rest = rows.from(taken);
    AppendResult result = give(host, rest, wait);
    owe(rest, result.taken);
    taken += result.taken;
    if (result.status.ok() || result.status.ran_out_of_time()) {
      return {std::move(result.status), taken};
    }
    fail(host, std::move(result.status), wait);
  }
  return {nothing_works(), taken};
}

// R7: to the host that they were offered to, now or when it is back.
AppendResult HomedChain::send_home(const EventBatch& rows, const std::string& name, const Wait& wait) {
  uint32_t taken = 0;
  Host* host = find(name);
  if (host != nullptr && host->is_open) {
    Status ready = send_again(*host, wait);
    if (!ready.ok() && host->is_open) {
      return {std::move(ready), 0};
    }
    if (ready.ok()) {
      AppendResult result = give(*host, rows, wait);
      owe(rows, result.taken);
      if (result.status.ok() || result.status.ran_out_of_time()) {
        return result;
      }
      taken = result.taken;
      fail(*host, std::move(result.status), wait);
    }
  }
  if (taken < rows.rows()) {
    const EventBatch rest = rows.from(taken);
    const Interval numbers = numbers_of(rest);
    again_[name].add(numbers.first, numbers.below);
    owe(rest, rest.rows());
    count();
  }
  return {{}, rows.rows()};
}

AppendResult HomedChain::give(Host& host, const EventBatch& rows, const Wait& wait) {
  if (!is_numbered(rows)) {
    return host.sink->append(rows, wait);
  }
  host.position += rows.rows();
  const EventBatch given = rows.with_token(host.tracker->issue(host.position, rows.rows(), rows.body_bytes()));
  AppendResult result = host.sink->append(given, wait);
  if (result.taken < rows.rows()) {
    given.from(result.taken).settle(Outcome::kDelivered);  // not its business: it waits for the others
  }
  if (result.taken > 0) {
    host.backoff.reset();
    const EventBatch taken = rows.slice(0, result.taken);
    const Interval numbers = numbers_of(taken);
    host.flights.push_back({host.position, numbers.first, numbers.below});
    homes_->offer(host.name, numbers.first, numbers.below);
  }
  return result;
}

// The first rows of the batch: their tokens are kept until they are confirmed.
void HomedChain::owe(const EventBatch& batch, uint32_t taken) {
  if (taken == 0 || !is_numbered(batch)) {
    return;
  }
  const EventBatch rows = batch.slice(0, taken);
  const uint64_t bytes = rows.body_bytes();
  const Interval numbers = numbers_of(rows);
  ledger_->in(rows.rows(), bytes);
  owed_.emplace(numbers.first, Owed{numbers.below, rows.rows(), bytes, rows.token()});
  owed_rows_ += rows.rows();
  ledger_->held(owed_rows_);
}

// Takes the host's word for what it confirmed.
void HomedChain::collect(Host& host) {
  if (host.flights.empty()) {
    return;
  }
  const uint64_t settled = host.tracker->settled();
  if (host.flights.front().end > settled) {
    return;
  }
  Reasons dropped;
  for (const auto& [reason, amount] : host.tracker->counts().dropped) {
    dropped[reason] = amount.first - host.dropped[reason];
    host.dropped[reason] = amount.first;
  }
  while (!host.flights.empty() && host.flights.front().end <= settled) {
    const Flight flight = host.flights.front();
    host.flights.pop_front();
    homes_->confirm(host.name, flight.first, flight.below);
    settle(flight.first, flight.below, dropped);
  }
  for (const auto& [reason, rows] : dropped) {
    host.dropped[reason] -= rows;  // of rows that are still to be confirmed
  }
}

void HomedChain::settle(uint64_t first, uint64_t below, Reasons& dropped) {
  auto at = owed_.lower_bound(first);
  while (at != owed_.begin() && std::prev(at)->second.below > first) {
    --at;
  }
  while (at != owed_.end() && at->first < below) {
    const Owed& owed = at->second;
    if (!homes_->is_done(at->first, owed.below)) {
      ++at;
      continue;
    }
    uint32_t rows = owed.rows;
    for (auto& [reason, count] : dropped) {
      const auto some = static_cast<uint32_t>(std::min<uint64_t>(rows, count));
      if (some > 0) {
        owed.token.settle(some, Outcome::kDropped, reason);
        count -= some;
        rows -= some;
      }
    }
    if (rows > 0) {
      owed.token.settle(rows, Outcome::kDelivered, {}, rows == owed.rows ? owed.bytes : 0);
    }
    ledger_->out(owed.rows, owed.bytes);
    owed_rows_ -= owed.rows;
    at = owed_.erase(at);
  }
  ledger_->held(owed_rows_);
}

// Rows that are this host's, from the log. kTimeout, kStopped: it takes no more now. Another error: of the host, which
// has failed then, or of the log.
Status HomedChain::send_again(Host& host, const Wait& wait) {
  IntervalSet& rows = again_[host.name];
  while (!rows.empty()) {
    const Interval wanted = rows.intervals().front();
    FLUME_RETURN_IF_ERROR(read_again(wanted.first));
    const uint64_t found = read_ ? std::min(wanted.below, numbers_of(read_->batch).first) : wanted.below;
    if (found > wanted.first) {
      rows.remove(wanted.first, found);
      skip(host.name, wanted.first, found);
      continue;
    }
    const EventBatch batch = rows_below(read_->batch, wanted.below);
    if (batch.empty()) {
      rows.remove(wanted.first, wanted.below);
      skip(host.name, wanted.first, wanted.below);
      continue;
    }
    AppendResult result = give(host, batch, wait);
    if (result.taken > 0) {
      const Interval sent = numbers_of(read_->batch.slice(0, result.taken));
      rows.remove(sent.first, sent.below);
      read_->batch = read_->batch.from(result.taken);
    }
    if (!result.status.ok()) {
      if (!result.status.ran_out_of_time()) {
        fail(host, result.status, wait);
      }
      return std::move(result.status);
    }
  }
  return {};
}

// Leaves in read_ the rows of a record from this one on; or the next there are; or nothing.
Status HomedChain::read_again(uint64_t ordinal) {
  if (read_ && !read_->batch.empty()) {
    const Interval numbers = numbers_of(read_->batch);
    if (numbers.first == ordinal) {
      return {};
    }
  }
  if (reader_ == nullptr) {
    reader_ = log_->wal.reader();
    reader_at_ = UINT64_MAX;
  }
  if (reader_at_ != ordinal) {
    reader_->seek(ordinal);
  }
  FLUME_ASSIGN_OR_RETURN(read_, reader_->next());
  reader_at_ = read_ ? numbers_of(read_->batch).below : UINT64_MAX;
  return {};
}

// Numbers that no row in the log has: filtered out before it, or, which is said, damaged.
void HomedChain::skip(const std::string& name, uint64_t first, uint64_t below) {
  const bool is_lost = !read_ || !read_->hole.empty();
  Reasons dropped;
  if (is_lost) {
    dropped["unreadable"] = below - first;
    FLUME_LOG(kError, "rows of a write-ahead log cannot be read again and are lost unless they arrived",
              kv("node", context_->logical_node), kv("collector", name), kv("first", first), kv("below", below));
  }
  homes_->confirm(name, first, below);
  settle(first, below, dropped);
}

}  // namespace flume::node

// The hosts of a HomedChain: opened, closed, left alone; whose rows go elsewhere. The way of the rows: homed_chain.cpp.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/runtime/log_book.h"
#include "node/spooling/homed_chain.h"

namespace flume::node {

namespace {

constexpr Duration kTickTime = std::chrono::seconds(1);           // for a host to open, between two batches
constexpr Duration kAgainTime = std::chrono::milliseconds(20);    // for rows that are sent again, between others
constexpr Duration kMovePause = std::chrono::milliseconds(1000);  // after one that could not be noted

uint64_t size_of(const IntervalSet& set) {
  uint64_t size = 0;
  for (const Interval& part : set.intervals()) {
    size += part.below - part.first;
  }
  return size;
}

}  // namespace

HomedChain::HomedChain(std::vector<HostSink> hosts) {
  for (HostSink& host : hosts) {
    Host& added = hosts_.emplace_back();
    added.name = std::move(host.name);
    added.sink = std::move(host.sink);
  }
}

Status HomedChain::open(Context& context, const Wait& wait) {
  context_ = &context;
  log_ = context.logs.feeding();
  FLUME_CHECK(log_ != nullptr, "a chain with homes stands behind a log");
  ledger_.emplace(context.metrics);
  failovers_ = &context.metrics.counter("flume_failovers_total");
  doubled_ = &context.metrics.counter("flume_possibly_doubled_rows_total");
  parked_ = &context.metrics.gauge("flume_wal_parked_rows");
  resend_elsewhere_ = context.settings.millis("flume.wal.resend.elsewhere.millis");
  if (!homes_) {
    number_ = number_ ? number_ : log_->chains++;
    homes_.emplace(Homes::path(log_->folder, *number_), context.clock);
    if (Status status = homes_->open(log_->wal.status().released, log_->recovered_end); !status.ok()) {
      homes_.reset();
      return status;
    }
  }
  return open_one_of_all(wait);
}

bool HomedChain::none_is_open() const {
  return std::none_of(hosts_.begin(), hosts_.end(), [](const Host& host) { return host.is_open; });
}

HomedChain::Host* HomedChain::find(const std::string& name) {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(), [&](const Host& host) { return host.name == name; });
  return found == hosts_.end() ? nullptr : &*found;
}

bool HomedChain::has_again(const Host& host) const {
  const auto found = again_.find(host.name);
  return found != again_.end() && !found->second.empty();
}

size_t HomedChain::left_from(const Host& host) const {
  return hosts_.size() - static_cast<size_t>(&host - hosts_.data());
}

// Those that failed last are tried last, so that what was left of the time is theirs.
Status HomedChain::open_one_of_all(const Wait& wait) {
  for (const bool rested : {true, false}) {
    for (Host& host : hosts_) {
      if (host.may_open(*context_) != rested) {
        continue;
      }
      Status status = open_host(host, left_from(host), wait);
      if (status.ok() || status.kind() == Kind::kClosed) {
        return status;
      }
    }
  }
  return nothing_works();
}

Status HomedChain::open_host(Host& host, size_t left, const Wait& wait) {
  Status status = host.open(*context_, !none_is_open(), left, wait);
  if (host.is_open) {
    host.tracker = AckTracker::create(0);
    host.position = 0;
    host.dropped.clear();
  }
  return status;
}

// What it had not confirmed stays its own (R7).
void HomedChain::fail(Host& host, Status status, const Wait& wait) {
  failovers_->add(1);
  FLUME_LOG_EVERY(60'000, kWarn, "a collector failed", kv("node", context_->logical_node), kv("collector", host.name),
                  kv("error", status));
  (void)host.sink->take_back();
  (void)host.sink->close(wait);  // the failure that led here is the one to report
  (void)host.sink->take_back();
  host.is_open = false;
  forget_flights(host);
  host.back_off(*context_, std::move(status));
}

void HomedChain::forget_flights(Host& host) {
  collect(host);
  for (const Flight& flight : std::exchange(host.flights, {})) {
    again_[host.name].add(flight.first, flight.below);
  }
  host.tracker.reset();
  homes_->lose(host.name);
  count();
}

// R7: not for ever. A host that does not come back, or that the chain does not have any more.
void HomedChain::move_elsewhere() {
  const TimePoint now = context_->clock.now();
  const auto target = std::find_if(hosts_.begin(), hosts_.end(), [](const Host& host) { return host.is_open; });
  if (target == hosts_.end() || now < next_move_) {
    return;
  }
  for (const std::string& name : homes_->hosts()) {
    const Host* host = find(name);
    const auto since = homes_->lost_since(name);
    const bool is_over = host == nullptr || (!host->is_open && since && now - *since >= resend_elsewhere_);
    if (!is_over || name == target->name) {
      continue;
    }
    const uint64_t rows = size_of(homes_->offered(name));
    if (const Status moved = homes_->move(name, target->name); !moved.ok()) {
      next_move_ = now + kMovePause;
      FLUME_LOG_EVERY(60'000, kWarn, "rows wait for a collector that is away", kv("collector", name),
                      kv("error", moved));
      return;
    }
    for (const Interval& part : again_[name].intervals()) {
      again_[target->name].add(part.first, part.below);
    }
    again_.erase(name);
    doubled_->add(rows);
    log_->doubled.fetch_add(rows, std::memory_order_relaxed);
    FLUME_LOG(kWarn, "rows that a collector may have go to another one: they may be stored twice",
              kv("node", context_->logical_node), kv("from", name), kv("to", target->name), kv("rows", rows));
  }
}

TimePoint HomedChain::due() const {
  const bool none = none_is_open();
  TimePoint earliest = TimePoint::max();
  for (const Host& host : hosts_) {
    if (host.is_open) {
      earliest = std::min(earliest, has_again(host) ? TimePoint::min() : host.sink->due());
    } else if (none || has_again(host)) {
      earliest = std::min(earliest, host.next_try);
    }
  }
  if (!none && homes_) {
    for (const std::string& name : homes_->hosts()) {
      const auto host = std::find_if(hosts_.begin(), hosts_.end(), [&](const Host& one) { return one.name == name; });
      if (host != hosts_.end() && host->is_open) {
        continue;
      }
      const auto since = homes_->lost_since(name);
      const TimePoint then = host == hosts_.end() || !since ? TimePoint::min() : *since + resend_elsewhere_;
      earliest = std::min(earliest, std::max(next_move_, then));
    }
  }
  return earliest;
}

Status HomedChain::tick(TimePoint now) {
  for (Host& host : hosts_) {
    if (!host.is_open || host.sink->due() > now) {
      continue;
    }
    Status status = host.sink->tick(now);
    if (!status.ok() && !status.ran_out_of_time()) {
      fail(host, std::move(status), Wait{TimePoint::min(), {}});
    } else {
      collect(host);
    }
  }
  move_elsewhere();
  for (Host& host : hosts_) {
    if (!has_again(host)) {
      continue;
    }
    if (!host.is_open && host.may_open(*context_)) {
      (void)open_host(host, 1, Wait::for_duration(kTickTime));
    }
    if (host.is_open) {
      Status status = send_again(host, Wait::for_duration(kAgainTime));
      if (!status.ok() && host.is_open && !status.ran_out_of_time()) {
        return status;  // of the log
      }
    }
  }
  count();
  if (none_is_open()) {
    Status status = open_one_of_all(Wait::for_duration(kTickTime));
    return status.ran_out_of_time() ? Status() : status;
  }
  return {};
}

Status HomedChain::flush(const Wait& wait) {
  for (size_t round = 0; round <= hosts_.size() && !owed_.empty(); ++round) {
    for (Host& host : hosts_) {
      if (!host.is_open) {
        continue;
      }
      Status status = send_again(host, wait);
      status = status.ok() ? host.sink->flush(wait) : status;
      if (status.ran_out_of_time()) {
        return status;
      }
      if (!status.ok() && host.is_open) {
        fail(host, std::move(status), wait);
      }
      collect(host);
    }
  }
  if (owed_.empty()) {
    return {};
  }
  return {Code::kTimeout, str_cat(owed_rows_, " rows wait for a collector that is away")};
}

// What is not confirmed is not delivered: the log's source reads it again, and it is known whose it is.
Status HomedChain::close(const Wait& wait) {
  Status first;
  for (Host& host : hosts_) {
    if (!host.is_open) {
      continue;
    }
    Status status = host.sink->close(wait);
    host.is_open = false;
    first = first.ok() ? std::move(status) : first;
    forget_flights(host);
  }
  if (ledger_) {
    ledger_->returned(static_cast<uint64_t>(owed_rows_));
    ledger_->held(0);
  }
  owed_.clear();
  owed_rows_ = 0;
  again_.clear();
  reader_.reset();
  read_.reset();
  if (homes_) {
    count();
  }
  return first;
}

void HomedChain::count() {
  int64_t rows = 0;
  for (const std::string& name : homes_->hosts()) {
    const Host* host = find(name);
    rows += host != nullptr && host->is_open ? 0 : static_cast<int64_t>(size_of(homes_->offered(name)));
  }
  log_->parked.fetch_add(rows - parked_rows_, std::memory_order_relaxed);
  parked_->set(rows);
  parked_rows_ = rows;
}

Status HomedChain::nothing_works() const {
  std::string message = "no collector works:";
  for (const Host& host : hosts_) {
    str_append(message, &host == hosts_.data() ? " " : "; ", host.name, ": ", host.failure.message());
  }
  return {Code::kUnavailable, std::move(message)};
}

}  // namespace flume::node

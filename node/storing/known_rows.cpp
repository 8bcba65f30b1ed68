#include "node/storing/known_rows.h"

#include <algorithm>

namespace flume::node {

namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(1);

void deliver(const EventBatch& rows, RowAccount& account) {
  account.delivered(rows.rows(), rows.body_bytes());
  rows.settle(Outcome::kDelivered);
}

}  // namespace

Status KnownRows::open(Context& context) {
  held_.clear();
  journal_ = context.journal;
  sink_ = context.instance;
  repeated_ = &context.metrics.counter("flume_rows_repeated_total");
  return journal_ == nullptr ? Status() : journal_->open();
}

AppendResult KnownRows::append(const EventBatch& batch, RowAccount& account, TimePoint now,
                               const std::function<AppendResult(const EventBatch&)>& write) {
  const journal::Range hop = hop_rows(batch);
  if (journal_ == nullptr || !has_hop(hop)) {
    return write(batch);
  }
  const auto known = journal_->known(sink_, hop.stream, hop.first, hop.below);
  if (known.rows.empty()) {
    return write(batch);
  }
  const auto is_known = [&](uint32_t row) {
    const uint64_t ordinal = batch.hop_ordinal(row);
    return known.rows.covers(ordinal, ordinal + 1);
  };
  uint32_t taken = 0;
  while (taken < batch.rows()) {
    const bool here = is_known(taken);
    uint32_t end = taken + 1;
    while (end < batch.rows() && is_known(end) == here) {
      ++end;
    }
    const EventBatch part = batch.slice(taken, end - taken);
    if (!here) {
      AppendResult result = write(part);
      taken += result.taken;
      if (!result.status.ok()) {
        return {std::move(result.status), taken};
      }
      continue;
    }
    account.took(part);
    repeated_->add(part.rows());
    taken = end;
    if (journal_->done(known.ticket)) {
      deliver(part, account);
    } else {
      held_.push_back({part, known.ticket});
      next_look_ = now + kLookAgain;
    }
  }
  return {{}, taken};
}

void KnownRows::settle_done(RowAccount& account) {
  const auto done = [&](const Held& held) {
    const bool is_done = journal_->done(held.ticket);
    if (is_done) {
      deliver(held.rows, account);
    }
    return is_done;
  };
  held_.erase(std::remove_if(held_.begin(), held_.end(), done), held_.end());
}

void KnownRows::tick(TimePoint now, RowAccount& account) {
  if (now >= due()) {
    settle_done(account);
    next_look_ = now + kLookAgain;
  }
}

Status KnownRows::flush(const Wait& wait, RowAccount& account) {
  Status status;
  for (const Held& held : held_) {
    status = status.ok() ? journal_->wait(held.ticket, wait) : status;
  }
  settle_done(account);
  return status;
}

void KnownRows::take_back(std::vector<EventBatch>& out, RowAccount& account) {
  for (Held& held : held_) {
    account.returned(held.rows.rows());
    out.push_back(std::move(held.rows));
  }
  held_.clear();
}

}  // namespace flume::node

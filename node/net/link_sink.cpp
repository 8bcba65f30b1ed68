#include "node/net/link_sink.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/runtime/feeding_log.h"
#include "node/runtime/log_book.h"

namespace flume::node {

namespace {

constexpr Duration kOpenTime = std::chrono::seconds(10);
constexpr Duration kFirstLook = std::chrono::milliseconds(1);  // for confirmations, when no more rows come
constexpr Duration kLastLook = std::chrono::seconds(1);
constexpr Duration kPatience = std::chrono::seconds(1);  // with nothing confirmed, before a commit is asked for

}  // namespace

Status LinkSink::open(Context& context, const Wait& wait) {
  clock_ = &context.clock;
  if (!ledger_) {
    ledger_.emplace(context.metrics);
  }
  max_held_bytes_ = static_cast<uint64_t>(context.settings.integer("flume.link.unsettled.bytes"));
  confirmed_ = 0;
  look_ = kFirstLook;
  wish_ = CommitWish(context.logs.commits());
  next_wish_ = clock_->now() + kPatience;
  log_ = context.logs.feeding();
  foreign_ = &context.metrics.counter("flume_link_foreign_streams_total");
  doubled_ = &context.metrics.counter("flume_possibly_doubled_rows_total");
  std::vector<Id128> streams;
  if (log_ != nullptr) {
    FLUME_ASSIGN_OR_RETURN(streams, log_->wal.unreleased_streams());
  }
  FLUME_RETURN_IF_ERROR(link_.open(
      context, host_, port_, promise_ == Promise::kDurable ? LinkClient::Ack::kDurable : LinkClient::Ack::kReceived,
      wait.at_most(std::chrono::steady_clock::now() + kOpenTime), named(streams)));
  Status status = compare_histories(streams);
  if (!status.ok()) {
    link_.close();
  }
  return status;
}

// As they are called on the link; of too many the newest.
std::vector<rpc::LinkStream> LinkSink::named(const std::vector<Id128>& streams) const {
  std::vector<rpc::LinkStream> named;
  for (size_t i = streams.size() - std::min(streams.size(), rpc::kMaxStreams); i < streams.size(); ++i) {
    named.push_back({log_->wal.sent_as(streams[i]), 0, 0});
  }
  return named;
}

// R6: the far end says how far it has the streams of the log, with their running hash. Where our log has other rows
// under these numbers, or fewer, a live copy of this process has sent them (its machine was copied while it ran). What
// is unsent here would be taken for known there, so it gets another name first.
Status LinkSink::compare_histories(const std::vector<Id128>& streams) {
  for (const Id128& stream : streams) {
    const Id128 name = log_->wal.sent_as(stream);
    const auto& theirs = link_.their_streams();
    const auto known = std::find_if(theirs.begin(), theirs.end(), [&](const auto& one) { return one.stream == name; });
    if (known == theirs.end() || known->below == 0) {
      continue;
    }
    const auto below = static_cast<uint64_t>(known->below);
    FLUME_ASSIGN_OR_RETURN(const wal::Wal::History history, log_->wal.compare(stream, below, known->chain));
    if (history != wal::Wal::History::kOther) {
      continue;
    }
    FLUME_RETURN_IF_ERROR(log_->wal.rename_stream(stream));
    const wal::WalStatus status = log_->wal.status();
    const uint64_t doubled = std::min(below, status.synced) - std::min(below, status.released);
    log_->doubled += doubled;
    doubled_->add(doubled);
    foreign_->add(1);
    FLUME_LOG(kWarn,
              "another log has sent rows under the name of this one, as a live copy of this machine would: what is "
              "unsent here goes under a new name, and may be there twice",
              kv("to", link_.name()), kv("rows", doubled));
  }
  return {};
}

EventBatch LinkSink::as_sent(const EventBatch& batch) const {
  if (log_ == nullptr || batch.empty()) {
    return batch;
  }
  Hop hop = batch.hop();
  const Id128 name = log_->wal.sent_as(hop.stream);
  if (name == hop.stream) {
    return batch;
  }
  hop.stream = name;
  return batch.with_hop(hop);
}

AppendResult LinkSink::append(const EventBatch& batch, const Wait& wait) {
  uint32_t taken = 0;
  while (taken < batch.rows()) {
    const Part part = next_part(as_sent(batch.from(taken)));
    Status status = wait_for_room(wait);
    if (status.ok() && (part.unfit.empty() || !link_.is_open())) {
      status = link_.send(part.batch, wait);
    }
    if (!status.ok()) {
      settle_confirmed();
      return {failed(std::move(status)), taken};
    }
    ledger_->in(part.batch.rows(), part.batch.body_bytes());
    taken += part.batch.rows();
    if (part.unfit.empty()) {
      sent(part.batch);
    } else {
      ledger_->drop(part.batch, part.unfit);
    }
    settle_confirmed();
  }
  next_look_ = clock_->now() + kFirstLook;
  look_ = kFirstLook;
  return {{}, batch.rows()};
}

// As many rows as the far end takes at once, in a form that it understands.
LinkSink::Part LinkSink::next_part(const EventBatch& rest) const {
  EventBatch rows = rest;
  for (;;) {
    auto part = rows.encodable({});
    if (part.ok() && !link_.understands(part->codec())) {
      part = part->uncompressed({});
    }
    if (!part.ok()) {
      FLUME_LOG_EVERY(60'000, kError, "events cannot be uncompressed", kv("error", part.status()));
      return {rows, "undecodable"};
    }
    if (link_.fits(part->encoded())) {
      return {std::move(part).value(), {}};
    }
    if (rows.rows() == 1) {
      return {rows, "too_large_for_peer"};
    }
    rows = rows.slice(0, (rows.rows() + 1) / 2);
  }
}

// What the far end has not made durable is bounded, so that little is sent again.
Status LinkSink::wait_for_room(const Wait& wait) {
  FLUME_RETURN_IF_ERROR(ask_for_commit());
  while (promise_ == Promise::kDurable && held_bytes_ >= max_held_bytes_) {
    const Status status = link_.wait_settled(confirmed_ + 1, wait);
    settle_confirmed();
    FLUME_RETURN_IF_ERROR(status);
  }
  return {};
}

// R8: the far end may settle rows only when it publishes a file, and wait with that for more than we may send or keep.
Status LinkSink::ask_for_commit() {
  if (promise_ != Promise::kDurable || unconfirmed_.empty()) {
    return {};
  }
  const TimePoint now = clock_->now();
  const bool is_stuck = held_bytes_ >= max_held_bytes_ && now >= next_wish_;
  if (!wish_.take() && !is_stuck) {
    return {};
  }
  next_wish_ = now + kPatience;
  return link_.want_commit();
}

void LinkSink::sent(const EventBatch& part) {
  const bool keep = promise_ == Promise::kReceived;
  unconfirmed_.push_back({keep ? part : EventBatch(), part.token(), part.rows(), part.body_bytes()});
  held_ += part.rows();
  held_bytes_ += part.body_bytes();
}

TimePoint LinkSink::due() const {
  return !link_.is_open() || unconfirmed_.empty() ? link_.due() : std::min(link_.due(), next_look_);
}

Status LinkSink::tick(TimePoint now) {
  Status status = link_.tick(now);
  settle_confirmed();
  if (status.ok()) {
    status = ask_for_commit();
  }
  look_ = std::min(look_ * 2, kLastLook);
  next_look_ = now + look_;
  return failed(status);
}

Status LinkSink::flush(const Wait& wait) {
  if (unconfirmed_.empty()) {
    return {};
  }
  const Status status =
      promise_ == Promise::kDurable ? link_.wait_settled(link_.sent(), wait) : link_.wait_received(link_.sent(), wait);
  settle_confirmed();
  return failed(status);
}

std::vector<EventBatch> LinkSink::take_back() {
  if (unconfirmed_policy_ == Unconfirmed::kGiveBack) {
    give_up_unconfirmed();
  }
  return std::exchange(returned_, {});
}

Status LinkSink::close(const Wait& wait) {
  if (!link_.is_open()) {
    give_up_unconfirmed();
    return {};
  }
  Status status = flush(wait);
  give_up_unconfirmed();
  link_.close();
  return status;
}

int64_t LinkSink::confirmed_by_peer() const {
  return promise_ == Promise::kDurable ? link_.settled() : link_.received();
}

void LinkSink::settle_confirmed() {
  const int64_t confirmed = confirmed_by_peer();
  if (confirmed > confirmed_) {
    next_wish_ = clock_->now() + kPatience;
  }
  while (confirmed_ < confirmed && !unconfirmed_.empty()) {
    Waiting& first = unconfirmed_.front();
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(first.rows, confirmed - confirmed_));
    const bool whole = rows == first.rows;
    const uint64_t bytes =
        whole || first.batch.empty() ? (whole ? first.bytes : 0) : first.batch.slice(0, rows).body_bytes();
    confirmed_ += rows;
    ledger_->out(rows, bytes);
    first.token.settle(rows, Outcome::kDelivered, {}, bytes);
    held_ -= rows;
    held_bytes_ -= bytes;
    if (whole) {
      unconfirmed_.pop_front();
    } else {
      first.rows -= rows;
      first.bytes -= bytes;
      first.batch = first.batch.empty() ? EventBatch() : first.batch.from(rows);
    }
  }
  ledger_->held(held_);
}

// A dead link: what it had not confirmed may have arrived. Only now is it sent again, by whoever kept it, on another
// link; while a link lives there is no timer for that (R5).
Status LinkSink::failed(Status status) {
  if (!link_.is_open()) {
    give_up_unconfirmed();
  }
  return status;
}

void LinkSink::give_up_unconfirmed() {
  for (Waiting& waiting : std::exchange(unconfirmed_, {})) {
    if (promise_ == Promise::kReceived && unconfirmed_policy_ == Unconfirmed::kDrop) {
      ledger_->drop(waiting.batch, "unconfirmed");
      continue;
    }
    ledger_->returned(waiting.rows);
    if (promise_ == Promise::kReceived) {
      returned_.push_back(std::move(waiting.batch));
    }
  }
  held_ = 0;
  held_bytes_ = 0;
  if (ledger_) {
    ledger_->held(0);
  }
}

}  // namespace flume::node

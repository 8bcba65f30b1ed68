#include "node/runtime/row_expand.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/log.h"

namespace flume::node {

namespace {

constexpr size_t kRunBytes = 256U << 10;  // of new bodies and attributes; ends a run, so that memory stays bounded

size_t size_of(const Event& event) {
  size_t bytes = event.body.size() + 64;
  for (const auto& [name, value] : event.attributes) {
    bytes += name.size() + value.size();
  }
  return bytes;
}

}  // namespace

Status RowExpand::open(Context& context, const Wait& wait) {
  ledger_.emplace(context.metrics);
  not_understood_ = &context.metrics.counter("flume_rows_not_understood_total");
  limits_ = context.limits;
  outbox_.clear();
  return Decorator::open(context, wait);
}

Status RowExpand::drain(const Wait& wait) {
  Status status = outbox_.drain(*sub_, wait, *ledger_);
  ledger_->held(outbox_.rows());
  return status;
}

bool RowExpand::replaces(const EventBatch& batch, uint32_t row) {
  const size_t before = events_.size();
  Result<bool> result = expand(batch, row, events_);
  if (result.ok() && *result) {
    FLUME_CHECK(events_.size() > before, "a row is replaced by something");
    const auto bad = std::find_if(events_.begin() + static_cast<ptrdiff_t>(before), events_.end(),
                                  [this](const Event& event) { return !BatchBuilder::check(event, limits_).ok(); });
    if (bad == events_.end()) {
      return true;
    }
    result = BatchBuilder::check(*bad, limits_);
  }
  events_.resize(before);
  if (!result.ok()) {
    not_understood_->add(1);
    FLUME_LOG_EVERY(60'000, kWarn, "an event that cannot be unpacked passes as it is", kv("reason", result.status()));
  }
  return false;
}

uint32_t RowExpand::replace_run(const EventBatch& batch, uint32_t from) {
  uint32_t end = from + 1;
  size_t bytes = 0;
  size_t counted = 0;
  while (end < batch.rows()) {
    for (; counted < events_.size(); ++counted) {
      bytes += size_of(events_[counted]);
    }
    if (bytes >= kRunBytes || !replaces(batch, end)) {
      break;
    }
    ++end;
  }
  make(batch.slice(from, end - from));
  return end;
}

void RowExpand::make(const EventBatch& rows) {
  const auto count = static_cast<uint32_t>(events_.size());
  const bool one_for_one = count == rows.rows();
  AckToken token = rows.token();
  if (!one_for_one) {
    const AckToken::Share share{rows.token(), rows.rows(), rows.body_bytes()};
    token = AckToken::join({&share, 1}, count);
  }
  BuilderOptions options;
  options.origin = rows.origin();
  options.origin.counts_bytes = false;
  options.limits = limits_;
  const bool same_places = one_for_one && !rows.origin().counts_bytes;
  BatchBuilder builder(std::move(options));
  const auto seal = [&] {
    const EventBatch batch = builder.seal(token);
    outbox_.push(same_places ? batch : batch.with_multiplied());
  };
  for (const Event& event : events_) {
    if (!builder.add(event)) {
      seal();
      FLUME_CHECK(builder.add(event), "an event within the limits fits an empty batch");
    }
  }
  seal();
  events_.clear();
  ledger_->in(rows.rows(), rows.body_bytes());
  ledger_->added(count - rows.rows());
}

AppendResult RowExpand::append(const EventBatch& batch, const Wait& wait) {
  if (Status status = drain(wait); !status.ok()) {
    return {std::move(status), 0};
  }
  const bool any = concerns(batch);
  uint32_t done = 0;
  while (done < batch.rows()) {
    events_.clear();
    uint32_t pass = any ? done : batch.rows();
    while (pass < batch.rows() && !replaces(batch, pass)) {
      ++pass;
    }
    if (pass > done) {
      const EventBatch run = batch.slice(done, pass - done);
      AppendResult below = sub_->append(run, wait);
      if (below.taken > 0) {
        const uint64_t bytes = run.slice(0, below.taken).body_bytes();
        ledger_->in(below.taken, bytes);
        ledger_->out(below.taken, bytes);
        done += below.taken;
      }
      if (!below.status.ok()) {
        return {std::move(below.status), done};
      }
    }
    if (done < batch.rows()) {
      done = replace_run(batch, done);
      Status status = drain(wait);
      if (!status.ok() && done < batch.rows()) {
        return {std::move(status), done};
      }
    }
  }
  return {{}, done};
}

TimePoint RowExpand::due() const { return outbox_.empty() ? sub_->due() : TimePoint::min(); }

Status RowExpand::tick(TimePoint now) {
  FLUME_RETURN_IF_ERROR(outbox_.drain_briefly(*sub_, *ledger_));
  ledger_->held(outbox_.rows());
  return sub_->due() <= now ? sub_->tick(now) : Status();
}

Status RowExpand::flush(const Wait& wait) {
  FLUME_RETURN_IF_ERROR(drain(wait));
  return sub_->flush(wait);
}

std::vector<EventBatch> RowExpand::take_back() {
  sub_->take_back();
  if (!outbox_.empty()) {
    ledger_->out(outbox_.rows(), 0);  // given back, in a way
    ledger_->held(0);
    outbox_.clear();
  }
  return {};
}

Status RowExpand::close(const Wait& wait) {
  Status status = outbox_.empty() ? Status() : drain(wait);
  Status below = sub_->close(wait);
  return status.ok() ? below : status;
}

}  // namespace flume::node

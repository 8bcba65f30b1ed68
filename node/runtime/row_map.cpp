#include "node/runtime/row_map.h"

namespace flume::node {

namespace {

uint64_t body_bytes(const EventBatch& batch, uint32_t first, uint32_t end) {
  uint64_t bytes = 0;
  for (uint32_t row = first; row < end; ++row) {
    bytes += batch.body(row).size();
  }
  return bytes;
}

}  // namespace

Status RowMap::open(Context& context, const Wait& wait) {
  ledger_.emplace(context.metrics);
  return Decorator::open(context, wait);
}

AppendResult RowMap::append(const EventBatch& batch, const Wait& wait) {
  const EventBatch mapped = map(batch);
  FLUME_CHECK(mapped.rows() == batch.rows(), "a map keeps the number of rows");
  AppendResult result = Decorator::append(mapped, wait);
  if (result.taken > 0) {
    ledger_->in(result.taken, batch.slice(0, result.taken).body_bytes());
    ledger_->out(result.taken, mapped.slice(0, result.taken).body_bytes());
  }
  return result;
}

std::vector<EventBatch> RowMap::take_back() {
  sub_->take_back();
  return {};
}

Status RowFilter::open(Context& context, const Wait& wait) {
  ledger_.emplace(context.metrics);
  return Decorator::open(context, wait);
}

AppendResult RowFilter::append(const EventBatch& batch, const Wait& wait) {
  pass_.clear();
  choose(batch, pass_);
  AppendResult below;
  EventBatch passed;
  if (!pass_.empty()) {
    passed = pass_.size() == batch.rows() ? batch : batch.pick(pass_);
    below = Decorator::append(passed, wait);
  }
  // Decided are all rows before the first one that should have passed and was not taken.
  const uint32_t decided = below.taken < pass_.size() ? pass_[below.taken] : batch.rows();
  const uint32_t left_out = decided - below.taken;
  if (left_out > 0) {
    const uint64_t bytes =
        body_bytes(batch, 0, decided) - (below.taken > 0 ? passed.slice(0, below.taken).body_bytes() : 0);
    batch.token().settle(left_out, Outcome::kDropped, reason_, bytes);
    ledger_->filtered(left_out);
  }
  if (decided > 0) {
    ledger_->in(decided, body_bytes(batch, 0, decided));
    ledger_->out(below.taken, below.taken > 0 ? passed.slice(0, below.taken).body_bytes() : 0);
    advance(decided);
  }
  return {std::move(below.status), decided};
}

}  // namespace flume::node

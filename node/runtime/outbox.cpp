#include "node/runtime/outbox.h"

namespace flume::node {

void Outbox::push(EventBatch batch) { batches_.push_back(std::move(batch)); }

Status Outbox::drain(Sink& sink, const Wait& wait, RowLedger& ledger) {
  while (!batches_.empty()) {
    EventBatch& first = batches_.front();
    AppendResult result = sink.append(first, wait);
    if (result.taken > 0) {
      ledger.out(result.taken, first.slice(0, result.taken).body_bytes());
      first = first.from(result.taken);
    }
    if (first.empty()) {
      batches_.pop_front();
    }
    FLUME_RETURN_IF_ERROR(std::move(result.status));
  }
  return {};
}

Status Outbox::drain_briefly(Sink& sink, RowLedger& ledger) {
  Status status = drain(sink, Wait::for_duration(std::chrono::milliseconds(100)), ledger);
  return status.ran_out_of_time() ? Status() : status;
}

uint32_t Outbox::rows() const {
  uint32_t rows = 0;
  for (const EventBatch& batch : batches_) {
    rows += batch.rows();
  }
  return rows;
}

}  // namespace flume::node

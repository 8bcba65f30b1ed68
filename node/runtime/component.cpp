#include "node/runtime/component.h"

#include "common/base/log.h"

namespace flume::node {

Context Context::at(const std::string& path) const {
  Context child = *this;
  child.instance = path;
  child.metrics = metrics.with("path", path);
  return child;
}

Origin new_origin(const Context& context) {
  Origin origin;
  origin.node = context.identity.node_id;
  origin.stream = random_id();
  origin.boot_epoch = context.identity.boot_epoch;
  return origin;
}

RowLedger::RowLedger(const Metrics& metrics)
    : metrics_(metrics),
      rows_in_(&metrics.counter("flume_rows_in_total")),
      bytes_in_(&metrics.counter("flume_bytes_in_total")),
      rows_out_(&metrics.counter("flume_rows_out_total")),
      bytes_out_(&metrics.counter("flume_bytes_out_total")),
      added_(&metrics.counter("flume_rows_added_total")),
      filtered_(&metrics.counter("flume_rows_filtered_total")),
      returned_(&metrics.counter("flume_rows_returned_total")),
      held_(&metrics.gauge("flume_rows_held")) {}

void RowLedger::in(uint64_t rows, uint64_t bytes) {
  rows_in_->add(rows);
  bytes_in_->add(bytes);
}

void RowLedger::out(uint64_t rows, uint64_t bytes) {
  rows_out_->add(rows);
  bytes_out_->add(bytes);
}

void RowLedger::added(uint64_t rows) { added_->add(rows); }
void RowLedger::filtered(uint64_t rows) { filtered_->add(rows); }
void RowLedger::returned(uint64_t rows) { returned_->add(rows); }
void RowLedger::held(int64_t rows) { held_->set(rows); }

void RowLedger::drop(const EventBatch& batch, std::string_view reason) {
  metrics_.counter("flume_rows_dropped_total", {{"reason", std::string(reason)}}).add(batch.rows());
  batch.settle(Outcome::kDropped, reason);
  FLUME_LOG_EVERY(60'000, kWarn, "events dropped", kv("reason", reason), kv("events", batch.rows()));
}

}  // namespace flume::node

#include "master/nodes/ledger.h"

#include <string_view>

namespace flume::master {

namespace {

constexpr std::string_view kDropped = "dropped.";
constexpr std::string_view kEvents = ".events";
constexpr std::string_view kBytes = ".bytes";

// The amount that `name` belongs to; null: none that this version knows.
FlowAmount* amount_of(FlowLedger& ledger, std::string_view name) {
  if (name == "read") {
    return &ledger.read;
  }
  if (name == "recovered") {
    return &ledger.recovered;
  }
  if (name == "delivered") {
    return &ledger.delivered;
  }
  if (name == "in_flight") {
    return &ledger.in_flight;
  }
  if (name == "held") {
    return &ledger.held;
  }
  return name.starts_with(kDropped) ? &ledger.dropped[std::string(name.substr(kDropped.size()))] : nullptr;
}

void write_amount(JsonWriter& json, std::string_view name, const FlowAmount& amount) {
  json.key(name).begin_object().member("events", amount.events).member("bytes", amount.bytes).end_object();
}

}  // namespace

void FlowAmount::add(const FlowAmount& other) {
  events += other.events;
  bytes += other.bytes;
}

FlowLedger FlowLedger::from(const LedgerNumbers& numbers) {
  FlowLedger ledger;
  for (const auto& [name, value] : numbers) {
    const std::string_view view = name;
    if (view == "copies") {
      ledger.copies = value;
    } else if (view == "joined") {
      ledger.joined = value;
    } else if (view == "missing") {
      ledger.missing = value;
    } else if (view == "unexplained") {
      ledger.unexplained = value;
    } else if (view == "balanced") {
      ledger.balanced = value != 0;
    } else if (view.ends_with(kEvents)) {
      if (FlowAmount* const amount = amount_of(ledger, view.substr(0, view.size() - kEvents.size()))) {
        amount->events = value;
      }
    } else if (view.ends_with(kBytes)) {
      if (FlowAmount* const amount = amount_of(ledger, view.substr(0, view.size() - kBytes.size()))) {
        amount->bytes = value;
      }
    }
  }
  const int64_t came = ledger.read.events + ledger.copies + ledger.recovered.events;
  const int64_t went = ledger.delivered.events + ledger.in_flight.events + ledger.held.events + ledger.joined +
                       ledger.dropped_sum().events + ledger.missing;
  ledger.balanced = ledger.balanced && came == went;
  return ledger;
}

void FlowLedger::add(const FlowLedger& other) {
  read.add(other.read);
  recovered.add(other.recovered);
  copies += other.copies;
  delivered.add(other.delivered);
  in_flight.add(other.in_flight);
  held.add(other.held);
  joined += other.joined;
  missing += other.missing;
  unexplained += other.unexplained;
  for (const auto& [reason, amount] : other.dropped) {
    dropped[reason].add(amount);
  }
  balanced = balanced && other.balanced;
}

FlowAmount FlowLedger::dropped_sum() const {
  FlowAmount sum;
  for (const auto& [reason, amount] : dropped) {
    sum.add(amount);
  }
  return sum;
}

void write_ledger(JsonWriter& json, const FlowLedger& ledger) {
  json.begin_object();
  write_amount(json, "read", ledger.read);
  write_amount(json, "recovered", ledger.recovered);
  json.member("copies", ledger.copies);
  write_amount(json, "delivered", ledger.delivered);
  write_amount(json, "in_flight", ledger.in_flight);
  write_amount(json, "held", ledger.held);
  json.member("joined", ledger.joined).member("missing", ledger.missing);
  const FlowAmount sum = ledger.dropped_sum();
  json.key("dropped").begin_object().member("events", sum.events).member("bytes", sum.bytes);
  json.key("reasons").begin_object();
  for (const auto& [reason, amount] : ledger.dropped) {
    write_amount(json, reason, amount);
  }
  json.end_object().end_object().member("unexplained", ledger.unexplained);
  json.member("balanced", ledger.balanced).end_object();
}

}  // namespace flume::master

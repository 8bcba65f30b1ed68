// FlowLedger: the ledger of one logical node or one flow as the master knows it, from the numbers that nodes report by
// name: read.events, read.bytes, recovered.events, recovered.bytes, copies, delivered.events, delivered.bytes,
// in_flight.events, in_flight.bytes, held.events, held.bytes, joined, missing, unexplained, dropped.REASON.events,
// dropped.REASON.bytes, balanced (1 or 0). Value; pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/json/json.h"

namespace flume::master {

using LedgerNumbers = std::map<std::string, int64_t>;

struct FlowAmount {
  int64_t events = 0;
  int64_t bytes = 0;
  void add(const FlowAmount& other);
  bool operator==(const FlowAmount&) const = default;
};

struct FlowLedger {
  FlowAmount read;
  FlowAmount recovered;
  int64_t copies = 0;
  FlowAmount delivered;
  FlowAmount in_flight;
  FlowAmount held;  // in logs
  int64_t joined = 0;
  int64_t missing = 0;
  int64_t unexplained = 0;                    // as the nodes say
  std::map<std::string, FlowAmount> dropped;  // by reason
  bool balanced = true;                       // as the nodes say, and by these very numbers

  static FlowLedger from(const LedgerNumbers& numbers);  // names that this version does not know are left out
  void add(const FlowLedger& other);
  FlowAmount dropped_sum() const;
};

void write_ledger(JsonWriter& json, const FlowLedger& ledger);  // the object of docs/api.md

}  // namespace flume::master

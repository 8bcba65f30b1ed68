#include "master/nodes/ledger.h"

#include <gtest/gtest.h>

namespace flume::master {
namespace {

const LedgerNumbers kNumbers = {{"read.events", 10},       {"read.bytes", 100},       {"copies", 10},
                                {"recovered.events", 1},   {"recovered.bytes", 7},    {"delivered.events", 15},
                                {"delivered.bytes", 150},  {"in_flight.events", 2},   {"in_flight.bytes", 20},
                                {"dropped.a.b.events", 4}, {"dropped.a.b.bytes", 40}, {"balanced", 1},
                                {"later.version", 3}};

TEST(FlowLedger, ReadsWhatNodesReport) {
  const FlowLedger ledger = FlowLedger::from(kNumbers);
  EXPECT_TRUE(ledger.balanced);
  JsonWriter json;
  write_ledger(json, ledger);
  EXPECT_EQ(
      json.take(),
      R"({"read":{"events":10,"bytes":100},"recovered":{"events":1,"bytes":7},"copies":10,)"
      R"("delivered":{"events":15,"bytes":150},"in_flight":{"events":2,"bytes":20},)"
      R"("held":{"events":0,"bytes":0},"joined":0,"missing":0,)"
      R"("dropped":{"events":4,"bytes":40,"reasons":{"a.b":{"events":4,"bytes":40}}},"unexplained":0,"balanced":true})");
}

TEST(FlowLedger, WhatLogsHoldAndMissHasItsPlace) {
  LedgerNumbers numbers = kNumbers;
  numbers["delivered.events"] = 4;
  numbers["held.events"] = 6;
  numbers["held.bytes"] = 60;
  numbers["missing"] = 3;
  numbers["joined"] = 2;
  FlowLedger ledger = FlowLedger::from(numbers);
  EXPECT_TRUE(ledger.balanced);
  ledger.add(ledger);
  EXPECT_EQ(ledger.held, (FlowAmount{12, 120}));
  EXPECT_EQ(ledger.missing, 6);
  EXPECT_EQ(ledger.joined, 4);
  numbers["missing"] = 2;
  numbers["unexplained"] = 1;
  EXPECT_FALSE(FlowLedger::from(numbers).balanced);
  EXPECT_EQ(FlowLedger::from(numbers).unexplained, 1);
}

TEST(FlowLedger, ADifferenceShows) {
  LedgerNumbers numbers = kNumbers;
  numbers["delivered.events"] = 14;
  EXPECT_FALSE(FlowLedger::from(numbers).balanced);
  numbers = kNumbers;
  numbers["balanced"] = 0;
  EXPECT_FALSE(FlowLedger::from(numbers).balanced) << "the node says so";
}

TEST(FlowLedger, SumsAreExact) {
  FlowLedger sum = FlowLedger::from(kNumbers);
  sum.add(FlowLedger::from(kNumbers));
  EXPECT_EQ(sum.read, (FlowAmount{20, 200}));
  EXPECT_EQ(sum.copies, 20);
  EXPECT_EQ(sum.dropped_sum(), (FlowAmount{8, 80}));
  EXPECT_TRUE(sum.balanced);
  FlowLedger wrong;
  wrong.balanced = false;
  sum.add(wrong);
  EXPECT_FALSE(sum.balanced);
}

}  // namespace
}  // namespace flume::master

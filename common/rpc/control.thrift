// Configurations from masters to nodes and reports back, beside the classic calls on the same port (flumeconfig.thrift).
// poll() answers at once when the node is behind or the master wants something of it, else when there is news or
// wait_ms is over. A new poll on a connection answers the parked one empty first, so one connection does. Rules and
// limits: docs/formats/control.md. Fields are never renumbered.
namespace cpp flume.rpc.control

struct LogicalState {
  1: string name;
  2: i32 state;            // NodeState of the node, as flumeconfig.thrift numbers them; 100 BACKOFF, 101 BLOCKED, 102 DRAINING
  3: i64 revision;         // of the configuration that runs
  4: string text_hash;     // of the last SetLogical taken, whether it runs or was refused
  5: string error;
  6: map<string, i64> counters;
  7: i64 wanted_revision;  // of that SetLogical
  8: i64 since_ms;
  9: i64 error_ms;
  10: i64 next_try_ms;
  11: map<string, i64> ledger;  // read.events, read.bytes, ..., dropped.REASON.events; balanced
  12: string promise;           // JSON as docs/api.md has it: an object ...
  13: string logs;              // ... and an array
}

struct NodeReport {
  1: binary node_id;
  2: string name;
  3: string host;
  4: i64 boot_epoch;       // differs from one start of the process to the next
  5: string version;
  6: binary catalog_hash;  // not used yet
  7: binary store_id;      // of the store that the node obeys; empty: none yet
  8: i64 revision;         // the newest Desired taken in whole
  9: bool full;            // `changed` is everything the node runs
  10: list<LogicalState> changed;
  11: list<string> addresses;
  12: list<string> removed;  // stopped because they were listed in Desired.remove
  13: i32 http_port;
  14: i64 boot_ms;
}

struct SetLogical {
  1: string name;
  2: i64 revision;
  3: string flow;
  4: string source;        // translated
  5: string sink;
  6: string text_hash;
}

struct RemoveLogical {
  1: string name;
  2: i64 revision;
}

struct Desired {
  1: binary store_id;
  2: i64 revision;         // stays old until the last part of a large answer
  3: bool full;
  4: list<SetLogical> configs;
  5: list<RemoveLogical> remove;
  6: map<string, i32> chokes;  // not used yet
  7: i32 retry_ms;         // how long to wait before the next poll; 0 = not at all
  8: bool send_full_report;
  9: bool send_catalog;    // not used yet
  10: binary adopt_from;   // a node that obeys this store may obey this master's from now on
}

service NodeControl {
  Desired poll(1: NodeReport report, 2: i32 wait_ms),
  void catalog(1: binary hash, 2: binary json_zstd)
}

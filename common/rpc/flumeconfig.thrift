// Node to master, as classic nodes speak it: unframed strict binary on the node port. Names, numbers and types are
// theirs. getConfig of an unknown node is answered with an empty result.
namespace cpp flume.rpc.classic

typedef i64 Timestamp

enum FlumeNodeState {
  HELLO = 0,
  IDLE = 1,
  CONFIGURING = 2,
  ACTIVE = 3,
  ERROR = 4,
  LOST = 5,
  DECOMMISSIONED = 6,
  CLOSING = 7
}

struct FlumeConfigData {
  1: Timestamp timestamp,
  2: string sourceConfig,
  3: string sinkConfig,
  4: i64 sourceVersion,
  5: i64 sinkVersion,
  6: string flowID
}

struct FlumeReport {
  3: map<string, string> stringMetrics,
  4: map<string, i64> longMetrics,
  5: map<string, double> doubleMetrics
}

service ThriftFlumeClientServer {
  bool heartbeat(1: string logicalNode, 4: string physicalNode, 5: string host, 2: i32 s /* FlumeNodeState */, 3: i64 timestamp),
  FlumeConfigData getConfig(1: string sourceId),
  list<string> getLogicalNodes(1: string physNode),
  map<string, i32> getChokeMap(1: string physNode),
  void acknowledge(1: string ackid),
  bool checkAck(1: string ackid),
  void putReports(1: map<string, FlumeReport> reports)
}

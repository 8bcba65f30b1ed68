// Administration, as the classic shell speaks it: unframed strict binary on the admin port. Names, numbers and types
// are theirs.
namespace cpp flume.rpc.admin

struct FlumeMasterCommandThrift {
  1: string command,
  2: list<string> arguments
}

struct CommandStatusThrift {
  1: i64 cmdId,
  2: string state,
  3: string message,
  4: FlumeMasterCommandThrift cmd
}

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

struct FlumeNodeStatusThrift {
  1: i32 state,            // FlumeNodeState
  2: i64 version,
  3: i64 lastseen,
  4: string host,
  5: string physicalNode,
  6: i64 lastSeenDeltaMillis
}

struct FlumeConfigData {
  1: i64 timestamp,
  2: string sourceConfig,
  3: string sinkConfig,
  4: i64 sourceVersion,
  5: i64 sinkVersion,
  6: string flowID
}

service FlumeMasterAdminServer {
  i64 submit(1: FlumeMasterCommandThrift command),
  bool isSuccess(1: i64 cmdid),
  bool isFailure(1: i64 cmdid),
  bool hasCmdId(1: i64 cmdid),
  CommandStatusThrift getCmdStatus(1: i64 cmdid),
  map<string, FlumeNodeStatusThrift> getNodeStatuses(),
  map<string, FlumeConfigData> getConfigs(),
  map<string, list<string>> getMappings(1: string physicalNode)
}

// The classic system's events, unframed on the port of a collector. Where the classic IDL has an enum as a type there is
// i32, which is the same on the wire: a foreign number in an enum would be undefined behaviour in C++.
namespace cpp flume.rpc.classic

enum Priority { FATAL = 0, ERROR = 1, WARN = 2, INFO = 3, DEBUG = 4, TRACE = 5 }

enum EventStatus { ACK = 0, COMMITED = 1, ERR = 2 }

struct ThriftFlumeEvent {
  1: i64 timestamp,
  2: i32 priority,         // Priority
  3: binary body,
  4: i64 nanos,
  5: string host,
  6: map<string, binary> fields
}

struct RawEvent {
  1: binary raw            // the event as the classic system's files hold it
}

service ThriftFlumeEventServer {
  oneway void append(1: ThriftFlumeEvent evt),
  oneway void rawAppend(1: RawEvent evt),
  i32 ackedAppend(1: ThriftFlumeEvent evt),  // EventStatus
  void close()
}

// FaultProxy: stands between an agent and its collector on 127.0.0.1 and does to their connections what networks do:
// delay, silence, reset in the middle of a frame, a flipped bit, a half-close, 10 KB/s, old bytes after a new
// connection. Faults are set at any moment and hold for the connections that are open then, for those to come, or both.
//
// Owns one thread, "torture-proxy". Thread-safe.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/status.h"
#include "common/base/sync.h"
#include "common/base/thread.h"

namespace flume::torture {

enum class NetFault : uint8_t {
  kNone,
  kDelay,          // each piece `delay` later
  kBlackhole,      // nothing passes and no end is told, either way; what came before and in between is never delivered
  kStall,          // nothing passes until the fault is taken away: then all of it, late
  kReset,          // RST both ways after `bytes` more
  kCorrupt,        // one bit of byte `bytes` from now on, towards the collector
  kCorruptAnswer,  // the same towards the agent
  kHalfClose,      // the agent's direction is ended after `bytes` more, the other stays open
  kThrottle,       // `bytes` a second
};
std::string_view name_of(NetFault fault);

struct FaultOrder {
  NetFault fault = NetFault::kNone;
  uint64_t bytes = 0;
  Duration delay{};
  uint8_t bit = 0;        // to flip: 0 to 7
  bool open_ones = true;  // connections that are there now
  bool new_ones = false;  // and those to come
};

struct ProxyCounts {
  uint64_t connections = 0;
  uint64_t bytes = 0;              // passed on, both ways
  uint64_t corrupted = 0;          // bits flipped in bytes that were passed on, towards the collector ...
  uint64_t corrupted_answers = 0;  // ... and towards the agent
  uint64_t resets = 0;
  uint64_t half_closed = 0;
};

class FaultProxy {
 public:
  // Listens on a free port of 127.0.0.1 and connects to `target_port` there.
  static Result<std::unique_ptr<FaultProxy>> start(uint16_t target_port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  uint16_t port() const { return port_; }
  void order(const FaultOrder& order);
  void heal();  // no faults any more; blackholed connections stay dead
  ProxyCounts counts() const;

 private:
  struct Piece {
    std::string bytes;
    size_t sent = 0;
    TimePoint due;
  };
  struct Direction {
    std::deque<Piece> pieces;
    size_t held = 0;         // bytes in pieces
    bool read_end = false;   // no more will come
    bool write_end = false;  // the end was passed on
    TimePoint room_at;       // throttled: not before
  };
  struct Connection {
    UniqueFd agent;
    UniqueFd collector;
    Direction up;    // to the collector
    Direction down;  // to the agent
    FaultOrder fault;
    uint64_t until_fault = 0;  // bytes in its direction, for faults that wait for their byte
    bool dead = false;         // blackholed for good
    bool over = false;
  };

  FaultProxy() = default;
  void serve();
  void take_orders();
  void accept_one();
  void apply(Connection& connection, const FaultOrder& order);
  void pump(Connection& connection, int agent_events, int collector_events);
  void receive(Connection& connection, Direction& direction, int from, bool up);
  void transmit(Connection& connection, Direction& direction, int to);
  bool pass_up(Connection& connection, std::string& bytes);
  void pass_down(Connection& connection, std::string& bytes);
  void reset(Connection& connection);
  TimePoint next_due(TimePoint now) const;
  void count(uint64_t ProxyCounts::*which, uint64_t by);

  UniqueFd listener_;
  UniqueFd wake_;  // an eventfd
  uint16_t port_ = 0;
  uint16_t target_port_ = 0;
  std::list<Connection> connections_;  // of the thread
  FaultOrder for_new_;                 // of the thread
  mutable Mutex mutex_;
  std::deque<FaultOrder> orders_ FLUME_GUARDED_BY(mutex_);
  bool ending_ FLUME_GUARDED_BY(mutex_) = false;
  ProxyCounts counts_ FLUME_GUARDED_BY(mutex_);
  Thread thread_;
};

}  // namespace flume::torture

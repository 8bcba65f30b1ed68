// RpcPort: one listening port of the master and the connections to it, served by one thread. Cuts the bytes of a peer
// into messages, framed or not as the peer begins, and hands each to the connection's RpcSession once it is known to be
// one whole, well-formed message within the limits. What a peer can make this process hold is limited: connections,
// bytes of one message, bytes of all unfinished ones, time for one message, answers that nobody reads.
//
// Life: made, start(), stop() (may be called twice). Sessions live and are called in the port's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace flume::master {

// A connection as its session sees it; outlives the session.
class RpcPeer {
 public:
  virtual ~RpcPeer() = default;
  virtual void send(std::string_view message) = 0;
  // Calls on_time() of the session then, once, unless it is moved or called off before.
  virtual void wake_after(Duration time) = 0;
  virtual void call_off() = 0;
};

class RpcSession {
 public:
  virtual ~RpcSession() = default;
  // An error closes the connection and is logged.
  virtual Status on_message(std::string_view message) = 0;
  virtual void on_time() {}
  virtual void on_news() {}
};

struct RpcPortOptions {
  std::string name;  // of the thread
  std::string what;  // "listen for nodes", for errors
  std::string bind_address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  size_t max_connections = 1000;
  size_t max_message = 16U << 20;
  size_t max_unfinished = 256U << 20;  // of all connections together
  size_t max_unsent = 1U << 20;        // then no more of this peer is read until it reads
  Duration message_time = std::chrono::seconds(60);
  Duration silence = std::chrono::seconds(90);  // then a connection is closed
};

class RpcPort {
 public:
  using MakeSession = std::function<std::unique_ptr<RpcSession>(RpcPeer& peer)>;

  RpcPort(RpcPortOptions options, MakeSession make_session);
  ~RpcPort();
  RpcPort(const RpcPort&) = delete;
  RpcPort& operator=(const RpcPort&) = delete;

  Status start();         // kBusy: the port is in use
  uint16_t port() const;  // 0 before start()
  void news();            // any thread: on_news() of all sessions, soon; without effect unless it runs
  void stop();

  class Impl;

 private:
  const std::shared_ptr<Impl> impl_;  // shared with what is posted to its thread
};

}  // namespace flume::master

// NetServer: the process's few IO threads, owned by the physical node and shared by all its network sources. Threads
// start with the first listener, so an idle node pays nothing. No Asio type is visible here: a protocol is a
// StreamHandler that is fed bytes, so it is tested without a socket.
//
// Life of a batch: bytes arrive -> handler decodes -> the source's channel. Backpressure is the unread socket: a
// handler that says kPark is not fed until it is woken, and while the receive budget of the process is used up no large
// buffer is handed out.
//
// Thread-safe unless a line says otherwise. Handlers live on one IO thread each and are destroyed there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/stop.h"
#include "common/base/sync.h"
#include "common/base/units.h"
#include "node/net/receive_pool.h"
#include "node/net/stream_handler.h"
#include "node/net/stream_table.h"

namespace flume {
class Settings;
}

namespace flume::node {

struct NetOptions {
  int threads = 2;
  std::string bind_address = "0.0.0.0";
  int64_t receive_budget = 64_MiB;  // of batches received and not yet gone, over all connections
  int64_t link_window = 4_MiB;      // batch bytes one sender may have on the way
  int64_t max_frame = 81_MiB;       // largest batch plus its envelope
  int max_connections = 4096;
  Duration heartbeat = 5s;   // an idle link says so this often
  Duration dead_peer = 15s;  // a link silent for longer is closed

  static NetOptions from(const Settings& settings);
};

using StreamHandlerFactory = std::function<std::unique_ptr<StreamHandler>(const std::shared_ptr<StreamPeer>& peer)>;

// An open port. Owned by a source; close() is called from its driver.
class Listener {
 public:
  virtual ~Listener() = default;  // closed by then
  virtual uint16_t port() const = 0;
  virtual void wake_all() = 0;  // on_wake() of every connection: there is room again. Any thread
  virtual size_t connections() const = 0;
  // No new connections; every handler says its last words and the peers get `linger` to take them. Returns when no
  // handler is left. May be repeated.
  virtual void close(Duration linger) = 0;
};

class NetServer {
 public:
  explicit NetServer(NetOptions options);
  explicit NetServer(const Settings& settings);
  ~NetServer();  // all listeners are gone by now
  NetServer(const NetServer&) = delete;
  NetServer& operator=(const NetServer&) = delete;

  const NetOptions& options() const { return options_; }
  const std::shared_ptr<ReceivePool>& pool() const { return pool_; }
  // Of all ports of the process; shared, because settling rows hold it.
  const std::shared_ptr<StreamTable>& streams() const { return streams_; }

  // Port 0: any free one. Temporary error when the port is taken.
  Result<std::unique_ptr<Listener>> listen_stream(uint16_t port, StreamHandlerFactory factory);
  // Datagrams; the callback runs on an IO thread. False: no room, the datagram is shown again after wake_all().
  using DatagramHandler = std::function<bool(std::span<const char> datagram, std::string_view from)>;
  Result<std::unique_ptr<Listener>> listen_datagram(uint16_t port, DatagramHandler handler);

  // A host name on its way to addresses; dropping the object drops the answer.
  class Resolution {
   public:
    virtual ~Resolution() = default;
    // The socket addresses (bytes of a sockaddr each), in order of preference. kTimeout: not known yet, ask again.
    virtual Result<std::vector<std::vector<char>>> get(const Wait& wait) = 0;
  };
  std::unique_ptr<Resolution> resolve(const std::string& host, uint16_t port);

  struct Impl;

 private:
  const NetOptions options_;
  const std::shared_ptr<Impl> impl_;  // shared with the pool's callback
  const std::shared_ptr<ReceivePool> pool_;
  const std::shared_ptr<StreamTable> streams_ = std::make_shared<StreamTable>();
};

// A peer that does not speak the protocol, or too much of it: counted, and logged once per peer (without its port),
// kind and minute. Thread-safe.
class BadPeers {
 public:
  explicit BadPeers(Clock& clock) : clock_(clock) {}
  // True: logged now.
  bool report(std::string_view peer, std::string_view what, std::string_view detail) FLUME_EXCLUDES(mutex_);
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  struct Seen {
    TimePoint logged;
    uint64_t held_back = 0;
  };
  Clock& clock_;
  std::atomic<uint64_t> count_{0};
  Mutex mutex_;
  std::map<std::string, Seen, std::less<>> seen_ FLUME_GUARDED_BY(mutex_);  // bounded: forgotten when old
};

}  // namespace flume::node

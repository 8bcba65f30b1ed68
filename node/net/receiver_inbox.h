// ReceiverInbox: what the connections of a collector's port share with the driver that empties it. A batch that the
// driver takes out is what the link calls received: only then does the connection tell its peer and grant it more, so
// whatever is still in here when the port closes was promised to nobody.
//
// Thread-safe: handlers put in from IO threads, the driver takes out. Outlives the handlers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/channel.h"
#include "common/rpc/link_frame.h"
#include "node/net/net_server.h"
#include "node/runtime/component.h"

namespace flume::node {

// One connection's account, shared by its handler and the inbox: either may go first.
class LinkAccount {
 public:
  explicit LinkAccount(std::weak_ptr<StreamPeer> peer) : peer_(std::move(peer)) {}

  void take(uint32_t rows, uint64_t bytes);  // by the driver: the flow has it now
  void settle(int64_t rows, const std::optional<rpc::LinkRange>& range) FLUME_EXCLUDES(mutex_);  // the sinks have it

  int64_t received() const { return received_.load(std::memory_order_acquire); }
  uint64_t taken_bytes() const { return taken_bytes_.load(std::memory_order_acquire); }
  int64_t settled() const { return settled_.load(std::memory_order_acquire); }
  std::vector<rpc::LinkRange> new_ranges() FLUME_EXCLUDES(mutex_);  // each is told once

 private:
  void wake();

  const std::weak_ptr<StreamPeer> peer_;
  std::atomic<int64_t> received_{0};
  std::atomic<uint64_t> taken_bytes_{0};
  std::atomic<int64_t> settled_{0};
  Mutex mutex_;
  std::vector<rpc::LinkRange> ranges_ FLUME_GUARDED_BY(mutex_);
};

struct Received {
  EventBatch batch;
  std::shared_ptr<LinkAccount> account;
  uint64_t frame_bytes = 0;
  bool promised = false;  // the sender was told, or cannot be: losing it is counted here
};

class ReceiverInbox {
 public:
  ReceiverInbox(Context& context, std::function<void()> on_room);

  // False: no room, or closed; the peer is woken when there is.
  bool put(Received& item);
  // Of a connection that ended while there was no room. Its socket is gone, so it is bounded by one read of it.
  void put_last(std::vector<Received> items) FLUME_EXCLUDES(mutex_);
  // The next batch, with a token of tracker(). Driver only.
  std::optional<EventBatch> take(const Wait& wait);
  // Nothing is put in or taken out any more; rows that somebody relies on are counted as dropped. Driver only.
  void close();

  const Context& context() const { return context_; }
  const NetOptions& options() const { return context_.net.options(); }
  const std::shared_ptr<AckTracker>& tracker() const { return tracker_; }
  BadPeers& bad_peers() { return bad_peers_; }
  // A peer that is closed for what it sent.
  void refuse(std::string_view peer, std::string_view what, std::string_view detail);

  Gauge& connections;
  Counter& frames;
  Counter& frame_bytes;
  Counter& refused;         // connections closed for what came
  Counter& refused_events;  // single events that are larger than an event may be, and the like

 private:
  void settled() FLUME_EXCLUDES(mutex_);
  std::optional<Received> pop(const Wait& wait) FLUME_EXCLUDES(mutex_);

  struct Open {
    uint64_t end;  // the tracker's position after it
    std::shared_ptr<LinkAccount> account;
    uint32_t rows;
    std::optional<rpc::LinkRange> range;
  };
  Context& context_;
  BadPeers bad_peers_;
  const std::shared_ptr<AckTracker> tracker_;  // shared: tokens keep it
  uint64_t rows_ = 0;                          // driver only
  Channel<Received> channel_;
  Mutex mutex_;
  std::deque<Received> last_ FLUME_GUARDED_BY(mutex_);
  std::deque<Open> open_ FLUME_GUARDED_BY(mutex_);  // handed out, not settled, in order
};

}  // namespace flume::node

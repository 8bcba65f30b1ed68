// ReceiverInbox: what the connections of a collector's port share with the driver that empties it. A batch that the
// driver takes out is what the link calls received: only then does the connection tell its peer and grant it more, so
// whatever is still in here when the port closes was promised to nobody.
//
// Rows that came with the number of a log are claimed in the process's StreamTable: what is stored or under way is not
// handed out again, but confirmed to its sender together with the first copy (R11). When rows come back undelivered,
// those of a sender that keeps them until they are durable end its link, so that it sends them again from where it was
// confirmed (R14); of all others a copy is kept here until they are settled and handed out once more.
//
// Thread-safe: handlers put in from IO threads, the driver takes out. Outlives the handlers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
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
  explicit LinkAccount(std::weak_ptr<StreamPeer> peer);
  uint64_t id() const { return id_; }  // of all links of this process

  void take(uint32_t rows, uint64_t bytes);  // by the driver: the flow has it now
  void settle(int64_t rows, const std::optional<rpc::LinkRange>& range) FLUME_EXCLUDES(mutex_);  // the sinks have it
  // The link is to end, and its sender to send again what is not settled.
  void fail();

  int64_t received() const { return received_.load(std::memory_order_acquire); }
  uint64_t taken_bytes() const { return taken_bytes_.load(std::memory_order_acquire); }
  int64_t settled() const { return settled_.load(std::memory_order_acquire); }
  bool has_failed() const { return failed_.load(std::memory_order_acquire); }
  std::vector<rpc::LinkRange> new_ranges() FLUME_EXCLUDES(mutex_);  // each is told once
  // The sender has opened another link: what comes on this one now would come behind what that one brings (R12).
  void supersede();
  bool is_superseded() const { return superseded_.load(std::memory_order_acquire); }
  // The sender keeps rows until they are settled. Set before the first row.
  bool sender_keeps() const { return sender_keeps_.load(std::memory_order_relaxed); }
  // When the sender named a stream in its hello, and was told what is known of it. Set before the first row.
  void greeted(const Id128& stream, uint64_t moment) { greeted_[stream] = moment; }
  std::optional<uint64_t> greeting(const Id128& stream) const {
    const auto found = greeted_.find(stream);
    return found == greeted_.end() ? std::nullopt : std::optional(found->second);
  }
  void set_sender_keeps() { sender_keeps_.store(true, std::memory_order_relaxed); }

 private:
  void wake();

  const std::weak_ptr<StreamPeer> peer_;
  const uint64_t id_;
  std::atomic<int64_t> received_{0};
  std::atomic<uint64_t> taken_bytes_{0};
  std::atomic<int64_t> settled_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> superseded_{false};
  std::atomic<bool> sender_keeps_{false};
  std::map<Id128, uint64_t> greeted_;
  Mutex mutex_;
  std::vector<rpc::LinkRange> ranges_ FLUME_GUARDED_BY(mutex_);
};

struct Received {
  EventBatch batch;
  std::shared_ptr<LinkAccount> account;
  uint64_t frame_bytes = 0;
  bool promised = false;  // the sender was told, or cannot be: losing it is counted here
};

// Rows handed out and not settled, in order. Shared with the callback of their tracker, so that rows that settle after
// the port was closed are still confirmed, and what never settles is forgotten.
class RowsUnderWay {
 public:
  struct Entry {
    uint64_t end = 0;  // the tracker's position after it
    std::shared_ptr<LinkAccount> account;
    uint32_t rows = 0;
    std::optional<rpc::LinkRange> range;
    bool is_claimed = false;
    EventBatch copy;  // empty: the sender keeps the rows, or they came before
  };
  explicit RowsUnderWay(std::shared_ptr<StreamTable> streams) : streams_(std::move(streams)) {}
  ~RowsUnderWay();

  void add(Entry entry) FLUME_EXCLUDES(mutex_);
  // Everything below this position of the tracker is settled: tells the connections. Any thread.
  void settled(uint64_t below) FLUME_EXCLUDES(mutex_);
  std::deque<Entry> take_all() FLUME_EXCLUDES(mutex_);
  uint64_t copied_bytes() const { return copied_bytes_.load(std::memory_order_relaxed); }
  bool has_copies() const FLUME_EXCLUDES(mutex_);

 private:
  const std::shared_ptr<StreamTable> streams_;
  std::atomic<uint64_t> copied_bytes_{0};
  mutable Mutex mutex_;
  std::deque<Entry> entries_ FLUME_GUARDED_BY(mutex_);
};

class ReceiverInbox {
 public:
  ReceiverInbox(Context& context, std::function<void()> on_room);

  // False: no room, or closed; the peer is woken when there is. What a superseded link brings is dropped.
  bool put(Received& item) FLUME_EXCLUDES(links_mutex_);
  // Of a connection that ended while there was no room. Its socket is gone, so it is bounded by one read of it.
  void put_last(std::vector<Received> items) FLUME_EXCLUDES(mutex_);
  // The next batch, with a token of tracker(). Driver only, as all that follow.
  std::optional<EventBatch> take(const Wait& wait);
  // Goes back to the first row that is not settled.
  void rewind();
  // Copies use up their memory: some rows have to settle before more are taken.
  bool is_full() const;
  // Nothing is put in any more; taken out is only what somebody relies on.
  void end_intake();
  // Rows whose senders do not keep them, in here or handed out and not settled.
  bool holds_rows() const;
  // Nothing is put in or taken out any more; rows that somebody relies on are counted as dropped.
  void close();

  const Context& context() const { return context_; }
  const NetOptions& options() const { return context_.net.options(); }
  const std::shared_ptr<AckTracker>& tracker() const { return tracker_; }
  BadPeers& bad_peers() { return bad_peers_; }
  // A link has said who it is, and which one of the same sender it follows: that one's rows that are not in here yet
  // are taken no more, so that they are not stored behind later ones. Any thread.
  void begin_link(const Id128& link, const Id128& follows, const std::shared_ptr<LinkAccount>& account)
      FLUME_EXCLUDES(links_mutex_);
  void end_link(const Id128& link) FLUME_EXCLUDES(links_mutex_);
  // What is known here of a stream that a sender names (R6). Any thread.
  rpc::LinkStream greet(const Id128& stream, LinkAccount& account) const;
  // A sender waits for rows that are settled only when a file is published (R8). Any thread.
  void want_commit(std::string_view peer);
  // A peer that is closed for what it sent.
  void refuse(std::string_view peer, std::string_view what, std::string_view detail);

  Gauge& connections;
  Counter& frames;
  Counter& frame_bytes;
  Counter& refused;         // connections closed for what came
  Counter& refused_events;  // single events that are larger than an event may be, and the like

  Counter& foreign;         // links ended because another one brought rows with the same numbers meanwhile
  Counter& superseded;      // links whose sender opened another one while they were still here
  Counter& repeated;        // rows that came again and were known
  Counter& wanted_commits;  // how often senders asked for one

 private:
  struct Ready {
    Received item;
    std::optional<rpc::LinkRange> range;
    bool is_repeat = false;  // not handed out, only confirmed in its turn
  };
  std::optional<Received> pop(const Wait& wait) FLUME_EXCLUDES(mutex_);
  void prepare(Received item);
  void prepare_parts(const Received& item, const Hop& hop, const std::vector<StreamTable::Part>& parts);
  bool is_foreign(const Received& item, const Hop& hop, const std::vector<StreamTable::Part>& parts);
  std::optional<EventBatch> hand_out(const Ready& ready);
  void give_up(const Ready& ready);

  Context& context_;
  BadPeers bad_peers_;
  const std::shared_ptr<AckTracker> tracker_;  // shared: tokens keep it
  const std::shared_ptr<RowsUnderWay> under_way_;
  uint64_t rows_ = 0;                 // driver only
  std::deque<Ready> ready_;           // driver only
  bool is_ending_ = false;            // driver only
  std::atomic<int64_t> promised_{0};  // items in channel_ and last_ that somebody relies on
  Channel<Received> channel_;
  Mutex mutex_;
  std::deque<Received> last_ FLUME_GUARDED_BY(mutex_);
  Mutex links_mutex_;  // held while a batch is put in, so that none of a superseded link follows its successor's
  std::map<Id128, std::weak_ptr<LinkAccount>> links_ FLUME_GUARDED_BY(links_mutex_);  // that are open
};

}  // namespace flume::node

// LinkSink: rows over one link to a collector (link_client.h), and the promise that is asked of it. What agentBESink,
// the write-ahead log's chain and the disk failover's first branch are made of.
//
//   promise     rows are delivered when            a link that dies with rows unconfirmed
//   kReceived   the far end's flow has taken them  kDrop: counted as dropped(unconfirmed), they may have arrived
//                                                  kGiveBack: take_back() has them, they may arrive twice
//   kDurable    the far end's sinks took           their tokens end "not delivered": whoever kept them (a log) sends
//               responsibility for them            them again; here only what they owe is kept, not their bytes
//
// Thread: driver.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "node/net/link_client.h"
#include "node/runtime/commit_wishes.h"
#include "node/runtime/component.h"
#include "node/runtime/log_book.h"

namespace flume::node {

class LinkSink final : public Sink {
 public:
  enum class Promise : uint8_t { kReceived, kDurable };
  enum class Unconfirmed : uint8_t { kDrop, kGiveBack };

  LinkSink(std::string host, uint16_t port, Promise promise, Unconfirmed unconfirmed = Unconfirmed::kDrop)
      : host_(std::move(host)), port_(port), promise_(promise), unconfirmed_policy_(unconfirmed) {}

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;
  std::vector<EventBatch> take_back() override;
  Status close(const Wait& wait) override;
  bool reads_bodies() const override { return false; }  // what is compressed is sent as it is

 private:
  struct Waiting {
    EventBatch batch;  // kReceived only
    AckToken token;
    uint32_t rows = 0;
    uint64_t bytes = 0;  // of bodies
  };
  struct Part {
    EventBatch batch;
    std::string_view unfit;  // why it cannot be sent; empty: it can
  };
  std::vector<rpc::LinkStream> named(const std::vector<Id128>& streams) const;
  Status compare_histories(const std::vector<Id128>& streams);
  EventBatch as_sent(const EventBatch& batch) const;
  Part next_part(const EventBatch& rest) const;
  int64_t confirmed_by_peer() const;
  Status wait_for_room(const Wait& wait);
  Status ask_for_commit();
  void sent(const EventBatch& part);
  void settle_confirmed();
  Status failed(Status status);
  void give_up_unconfirmed();

  const std::string host_;
  const uint16_t port_;
  const Promise promise_;
  const Unconfirmed unconfirmed_policy_;
  LinkClient link_;
  Clock* clock_ = nullptr;      // of the context given to open()
  FeedingLog* log_ = nullptr;   // in front of this sink; null: none
  Counter* foreign_ = nullptr;  // streams that somebody else used too
  Counter* doubled_ = nullptr;  // rows that may be stored twice because of that
  std::optional<RowLedger> ledger_;
  std::deque<Waiting> unconfirmed_;  // on their way, in order
  int64_t held_ = 0;                 // rows of these
  uint64_t held_bytes_ = 0;
  uint64_t max_held_bytes_ = 0;
  int64_t confirmed_ = 0;
  std::vector<EventBatch> returned_;
  TimePoint next_look_{};
  Duration look_{};
  CommitWish wish_;        // of the log in front, or of a sender's
  TimePoint next_wish_{};  // of our own: not before
};

}  // namespace flume::node

// LinkHandler: the receiving end of one link (docs/formats/wire.md). Blobs are read from the socket straight into the
// memory that the batch keeps, out of the receive pool; each batch is verified once, here, and goes to the inbox.
// Backpressure: while pool or inbox have no room the socket is not read.
//
// Owned by its connection; one IO thread. What a peer must not send closes the connection, counted and logged.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/rpc/link_frame.h"
#include "node/net/receiver_inbox.h"
#include "node/net/stream_handler.h"

namespace flume::node {

class LinkHandler final : public StreamHandler {
 public:
  LinkHandler(ReceiverInbox& inbox, const std::shared_ptr<StreamPeer>& peer);
  ~LinkHandler() override;

  std::span<char> direct() override;
  Verdict on_direct(size_t bytes) override;
  Verdict on_bytes(std::span<const char> bytes, size_t& used) override;
  Verdict on_wake() override;
  Verdict on_tick(TimePoint now) override;
  void on_finish() override;
  void on_end(std::string_view error) override;

 private:
  Verdict begin_batch(std::string_view bytes, size_t& used);
  Verdict small_call(rpc::LinkCall call, std::string_view frame);
  Verdict hello(std::string_view frame);
  Verdict alive(std::string_view frame);
  Verdict batch_complete();
  Verdict hand_on();
  Verdict refuse(std::string_view what, std::string_view detail);
  Verdict end(std::string error);
  void send(std::string frame);
  void reply_if_news();
  rpc::LinkReply news();

  ReceiverInbox& inbox_;
  StreamPeer& peer_;  // owns this
  const std::shared_ptr<LinkAccount> account_;
  const uint64_t window_;
  Id128 link_{};  // zero: not said
  bool greeted_ = false;
  bool parked_ = false;  // we do not read: silence is ours
  TimePoint heard_;
  TimePoint said_;
  TimePoint now_;
  rpc::LinkReply told_;
  std::shared_ptr<char[]> frame_;  // of the batch that is coming; shared with the batch later
  size_t batch_bytes_ = 0;         // without the byte behind it
  size_t filled_ = 0;
  std::optional<Received> ready_;  // complete, no room in the inbox
};

}  // namespace flume::node

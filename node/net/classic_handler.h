// ClassicHandler: one connection of a classic sender (ThriftEventSink): single unframed Thrift messages, an event each.
// `append` and `rawAppend` are answered by nothing, `ackedAppend` when the flow has taken the event, `close` and
// unknown methods at once. Backpressure: while the inbox has no room the socket is not read.
//
// Owned by its connection; one IO thread. An event over the limits is refused, or cut where the source was told so, and
// counted; a message that is no message closes the connection.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/rpc/classic_event.h"
#include "common/rpc/message_scan.h"
#include "node/net/receiver_inbox.h"
#include "node/net/stream_handler.h"

namespace flume::node {

class ClassicHandler final : public StreamHandler {
 public:
  ClassicHandler(ReceiverInbox& inbox, const std::shared_ptr<StreamPeer>& peer, bool truncate);
  ~ClassicHandler() override;

  Verdict on_bytes(std::span<const char> bytes, size_t& used) override;
  Verdict on_wake() override;
  void on_end(std::string_view error) override;

 private:
  bool take_messages();  // false: the connection is to be closed
  bool obey(rpc::ClassicCall call);
  bool add(rpc::ClassicCall& call);  // false: refused
  Verdict pass_on();
  void answer();

  struct Answer {
    int64_t row;  // how many rows of the connection must have been taken
    std::string bytes;
  };
  ReceiverInbox& inbox_;
  StreamPeer& peer_;  // owns this
  const std::shared_ptr<LinkAccount> account_;
  const bool truncate_;
  BatchBuilder builder_;
  std::string buffer_;  // from the message that is not whole yet
  size_t begin_ = 0;    // where it begins
  std::optional<rpc::MessageScan> scan_;
  std::vector<Received> ready_;
  int64_t rows_ = 0;
  std::deque<Answer> answers_;  // in order of the calls
};

}  // namespace flume::node

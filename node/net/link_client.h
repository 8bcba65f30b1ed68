// LinkClient: the sending end of one link (docs/formats/wire.md). Used from one driver thread; starts none. A batch
// goes out with one sendmsg over envelope, head and blob as they lie in memory. What the far end says is read whenever
// the owner calls: at each send, wait or tick.
//
// A link that breaks stays broken: every call says why until open() makes a new one. The far end is taken for dead
// after `flume.link.silence.millis` without a word.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/event/batch.h"
#include "common/rpc/link_frame.h"
#include "node/net/client_socket.h"
#include "node/runtime/component.h"

namespace flume::node {

class LinkClient {
 public:
  // What the owner waits for: that rows are received there, or that the far end's sinks answer for them. A receiver
  // that is asked for the latter may close the link instead, when its sinks fail: then everything unsettled is sent
  // again.
  enum class Ack : uint8_t { kReceived, kDurable };
  // Connects and exchanges hellos. kUnavailable, kTimeout; kUnsupported for another protocol.
  // `streams`: that rows of this link may be of; the far end's word on them is in their_streams().
  Status open(Context& context, const std::string& host, uint16_t port, Ack ack, const Wait& wait,
              const std::vector<rpc::LinkStream>& streams = {});
  const std::vector<rpc::LinkStream>& their_streams() const { return theirs_.streams; }
  bool is_open() const { return socket_.is_open(); }

  // Hands one batch to the link. OK: it is on its way, its end perhaps still here (unsent()). kTimeout or kStopped:
  // untouched (the far end grants nothing now). Otherwise the link is dead; this batch did not arrive.
  Status send(const EventBatch& batch, const Wait& wait);
  // The far end takes batches of this size.
  bool fits(const EventBatch::Encoded& encoded) const;
  bool understands(BlobCodec codec) const;
  // Reads what has come and writes what is left, without waiting.
  Status pump();
  // pump() until `rows` rows of this link are received, or the wait is over (kTimeout, kStopped).
  Status wait_received(int64_t rows, const Wait& wait);
  // The same for rows that the far end's sinks answer for.
  Status wait_settled(int64_t rows, const Wait& wait);
  // Asks the far end to publish what it has, so that rows are settled (R8): at once, or behind what is being sent.
  Status want_commit();
  // When tick() has something to do: a word of ours, or the peer's silence.
  TimePoint due() const;
  Status tick(TimePoint now);
  void close();  // at once; what is unsent is gone

  int64_t sent() const { return sent_rows_; }
  int64_t received() const { return reply_.received; }
  int64_t settled() const { return reply_.settled; }
  bool has_unsent() const { return out_at_ < out_.size(); }  // the end of the last batch, or a call
  const std::string& name() const { return socket_.name(); }

 private:
  Status greet(Context& context, Ack ack, const std::vector<rpc::LinkStream>& streams, const Wait& wait);
  Status wait_until(int64_t rpc::LinkReply::*count, int64_t rows, const Wait& wait);
  Status read_all();
  Status last_words() const;
  Status take_frames();
  Status take_call(rpc::LinkCall call, std::string_view frame);
  Status write_out();
  Status say_alive(bool want_commit);
  Status wait_for(bool also_write, const Wait& wait);
  Status dead(Status status);  // closes; says the same from now on
  Status garbled(std::string_view what);
  Status check() const;

  ClientSocket socket_;
  Clock* clock_ = nullptr;      // of the context given to open(); outlives the component
  Counter* refused_ = nullptr;  // links ended for what came from the far end
  Id128 last_link_{};  // the last one that was greeted, so that what is left of it does not arrive behind the next one
  Duration heartbeat_{};
  Duration silence_{};
  Status broken_;
  bool greeted_ = false;
  bool commit_wanted_ = false;  // and not said yet
  rpc::LinkHello theirs_;
  rpc::LinkReply reply_;  // the last one
  std::vector<char> in_;  // bytes of frames that are not whole yet
  size_t in_size_ = 0;
  std::vector<iovec> out_;  // what is being sent
  size_t out_at_ = 0;
  std::array<char, rpc::kBatchPrefix> prefix_{};
  std::string small_;            // a call of ours that is being sent
  EventBatch::Encoded encoded_;  // keeps what out_ points to
  EventBatch sending_;           // likewise
  uint32_t sequence_ = 0;
  int64_t sent_rows_ = 0;
  int64_t sent_bytes_ = 0;
  TimePoint heard_{};
  TimePoint said_{};
};

}  // namespace flume::node

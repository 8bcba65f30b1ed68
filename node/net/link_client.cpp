#include "node/net/link_client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/base/version.h"

namespace flume::node {

namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr Duration kLongestPoll = std::chrono::seconds(1);  // the component's clock may move otherwise than ours
const char kZero = 0;

}  // namespace

Status LinkClient::dead(Status status) {
  broken_ = status;
  close();
  return status;
}

// Temporary, as any failure of a network: the next link may well bring sound bytes.
Status LinkClient::garbled(std::string_view what) {
  refused_->add(1);
  return dead(unavailable(str_cat("read from ", name(), ": ", what)));
}

void LinkClient::close() {
  socket_.close();
  out_.clear();
  out_at_ = 0;
  encoded_ = {};
  sending_ = {};
}

Status LinkClient::check() const {
  if (socket_.is_open()) {
    return {};
  }
  return broken_.ok() ? unavailable("the link is not open") : broken_;
}

Status LinkClient::open(Context& context, const std::string& host, uint16_t port, Ack ack, const Wait& wait,
                        const std::vector<rpc::LinkStream>& streams) {
  close();
  clock_ = &context.clock;
  refused_ = &context.metrics.counter("flume_link_answers_refused_total");
  heartbeat_ = context.net.options().heartbeat;
  silence_ = context.net.options().dead_peer;
  broken_ = {};
  greeted_ = false;
  commit_wanted_ = false;
  theirs_ = {};
  reply_ = {};
  in_size_ = 0;
  sent_rows_ = 0;
  sent_bytes_ = 0;
  FLUME_RETURN_IF_ERROR(socket_.connect(context.net, host, port, wait));
  Status status = greet(context, ack, streams, wait);
  if (!status.ok()) {
    close();
  }
  return status;
}

Status LinkClient::greet(Context& context, Ack ack, const std::vector<rpc::LinkStream>& streams, const Wait& wait) {
  rpc::LinkHello ours;
  ours.node_id = context.identity.node_id;
  ours.node = context.identity.physical_node;
  ours.boot_epoch = context.identity.boot_epoch;
  ours.version = kVersion;
  ours.max_frame = context.net.options().max_frame;
  ours.codecs = blob_codec_names();
  ours.acks = {ack == Ack::kDurable ? "durable" : "received"};
  ours.streams = streams;
  ours.link = random_id();
  ours.follows = last_link_;
  small_ = rpc::hello_frame(ours);
  out_.assign(1, iovec{small_.data(), small_.size()});
  out_at_ = 0;
  heard_ = said_ = clock_->now();
  while (!greeted_) {
    FLUME_RETURN_IF_ERROR(pump());
    if (greeted_) {
      break;
    }
    if (wait.over()) {
      return wait.stop.stop_requested()
                 ? stopped()
                 : Status(Code::kTimeout, str_cat("connect to ", name(), ": it does not answer the hello"));
    }
    FLUME_RETURN_IF_ERROR(wait_for(has_unsent(), wait));
  }
  last_link_ = ours.link;  // one that was never greeted has brought nothing
  return {};
}

bool LinkClient::fits(const EventBatch::Encoded& encoded) const {
  return static_cast<int64_t>(encoded.size() + rpc::kBatchPrefix + rpc::kBatchSuffix) <= theirs_.max_frame;
}

bool LinkClient::understands(BlobCodec codec) const {
  return codec == BlobCodec::kNone ||
         std::find(theirs_.codecs.begin(), theirs_.codecs.end(), blob_codec_name(codec)) != theirs_.codecs.end();
}

Status LinkClient::send(const EventBatch& batch, const Wait& wait) {
  FLUME_RETURN_IF_ERROR(pump());
  if (!reply_.error.empty()) {
    return dead(last_words());  // it closes, though the end has not come yet: nobody would read this batch
  }
  const EventBatch::Encoded encoded = batch.encoded();
  const auto bytes = static_cast<int64_t>(encoded.size());
  // A batch larger than the whole window goes alone.
  const auto may_send = [&] {
    return !has_unsent() && (sent_bytes_ + bytes <= reply_.credit || reply_.received >= sent_rows_);
  };
  while (!may_send()) {
    if (wait.over()) {
      return wait.stop.stop_requested() ? stopped() : Status(Code::kTimeout, str_cat(name(), " takes nothing now"));
    }
    FLUME_RETURN_IF_ERROR(wait_for(has_unsent(), wait));
    FLUME_RETURN_IF_ERROR(pump());
  }
  encoded_ = encoded;
  sending_ = batch.with_token({});
  prefix_ = rpc::batch_prefix(static_cast<uint32_t>(bytes), ++sequence_);
  out_.assign({{prefix_.data(), prefix_.size()},
               encoded_.pieces[0],
               encoded_.pieces[1],
               {const_cast<char*>(&kZero), rpc::kBatchSuffix}});
  out_at_ = 0;
  FLUME_RETURN_IF_ERROR(write_out());
  sent_rows_ += batch.rows();
  sent_bytes_ += bytes;
  while (has_unsent() && !wait.over()) {
    FLUME_RETURN_IF_ERROR(wait_for(true, wait));
    FLUME_RETURN_IF_ERROR(pump());
  }
  return {};
}

Status LinkClient::write_out() {
  while (has_unsent()) {
    auto sent = socket_.write_some(std::span(out_).subspan(out_at_));
    if (!sent.ok()) {
      // The peer's last words may lie in our socket: what it received, and why it closed.
      const Status read = read_all();
      return dead(read.ok() ? sent.status() : read);
    }
    if (*sent == 0) {
      return {};
    }
    said_ = clock_->now();
    size_t left = *sent;
    while (left > 0 && left >= out_[out_at_].iov_len) {
      left -= out_[out_at_++].iov_len;
    }
    if (left > 0) {
      iovec& piece = out_[out_at_];
      piece.iov_base = static_cast<char*>(piece.iov_base) + left;
      piece.iov_len -= left;
    }
  }
  out_.clear();
  out_at_ = 0;
  encoded_ = {};
  sending_ = {};
  return {};
}

Status LinkClient::pump() {
  FLUME_RETURN_IF_ERROR(check());
  FLUME_RETURN_IF_ERROR(write_out());
  if (commit_wanted_ && !has_unsent()) {
    commit_wanted_ = false;
    FLUME_RETURN_IF_ERROR(say_alive(true));
  }
  return read_all();
}

Status LinkClient::want_commit() {
  commit_wanted_ = true;
  return pump();
}

Status LinkClient::say_alive(bool want_commit) {
  small_ = rpc::alive_frame(want_commit);
  out_.assign(1, iovec{small_.data(), small_.size()});
  out_at_ = 0;
  return write_out();
}

Status LinkClient::read_all() {
  for (;;) {
    if (in_.size() < in_size_ + kReadBytes) {
      in_.resize(in_size_ + kReadBytes);
    }
    auto got = socket_.read_some({in_.data() + in_size_, kReadBytes});
    if (!got.ok()) {
      if (!reply_.error.empty()) {
        return dead(last_words());
      }
      return dead(got.status());
    }
    if (*got == 0) {
      return {};
    }
    heard_ = clock_->now();
    in_size_ += *got;
    FLUME_RETURN_IF_ERROR(take_frames());
    if (*got < kReadBytes) {
      return {};
    }
  }
}

Status LinkClient::last_words() const {
  return unavailable(str_cat("read from ", name(), ": the peer closed the link: ", reply_.error));
}

Status LinkClient::take_frames() {
  size_t at = 0;
  while (in_size_ - at >= rpc::kCallHeadBytes) {
    const std::string_view rest(in_.data() + at, in_size_ - at);
    const auto call = rpc::read_call_head(rest);
    if (!call.ok()) {
      return garbled(call.status().message());
    }
    const size_t length = rpc::read_u32(rest);
    if (length < rpc::kCallHeadBytes - rpc::kLengthBytes + 1 || length > rpc::kSmallFrame) {
      return garbled(str_cat("a frame of ", length, " bytes"));
    }
    const size_t whole = rpc::kLengthBytes + length;
    if (rest.size() < whole) {
      break;
    }
    FLUME_RETURN_IF_ERROR(take_call(*call, rest.substr(0, whole)));
    at += whole;
  }
  std::memmove(in_.data(), in_.data() + at, in_size_ - at);
  in_size_ -= at;
  return {};
}

Status LinkClient::take_call(rpc::LinkCall call, std::string_view frame) {
  switch (call) {
    case rpc::LinkCall::kAlive: {
      const auto alive = rpc::read_alive(frame);
      return alive.ok() ? Status() : garbled(alive.status().message());
    }
    case rpc::LinkCall::kHello: {
      auto hello = rpc::read_hello(frame);
      if (!hello.ok()) {
        return garbled(hello.status().message());
      }
      theirs_ = std::move(hello).value();
      if (theirs_.oldest_protocol > rpc::kLinkProtocol || theirs_.protocol < rpc::kLinkProtocol) {
        return dead(
            {Code::kUnsupported, str_cat("connect to ", name(), ": it speaks protocols ", theirs_.oldest_protocol,
                                         " to ", theirs_.protocol, ", this program ", rpc::kLinkProtocol)});
      }
      reply_.credit = theirs_.credit;
      greeted_ = true;
      return {};
    }
    case rpc::LinkCall::kReply: {
      auto reply = rpc::read_reply(frame);
      if (!reply.ok()) {
        return garbled(reply.status().message());
      }
      if (!greeted_ || reply->received < reply_.received || reply->received > sent_rows_) {
        return garbled(
            str_cat(reply->received, " rows received of ", sent_rows_, " sent, and ", reply_.received, " before"));
      }
      if (reply->settled < reply_.settled || reply->settled > reply->received) {
        return garbled(str_cat(reply->settled, " rows settled of ", reply->received, " received, and ", reply_.settled,
                               " before"));
      }
      reply_ = std::move(reply).value();
      return {};
    }
    case rpc::LinkCall::kBatch: break;
  }
  return garbled("a batch from a receiver");
}

// One wait in the kernel. A dead peer is found out here too, so nobody waits for one for ever.
Status LinkClient::wait_for(bool also_write, const Wait& wait) {
  const TimePoint now = clock_->now();
  FLUME_RETURN_IF_ERROR(tick(now));
  const Duration nap = std::min(kLongestPoll, std::max(Duration(std::chrono::milliseconds(1)), due() - now));
  const auto ready = socket_.wait_ready(also_write, wait.at_most(std::chrono::steady_clock::now() + nap));
  return ready.ok() ? Status() : dead(ready.status());
}

Status LinkClient::wait_received(int64_t rows, const Wait& wait) {
  return wait_until(&rpc::LinkReply::received, rows, wait);
}

Status LinkClient::wait_settled(int64_t rows, const Wait& wait) {
  return wait_until(&rpc::LinkReply::settled, rows, wait);
}

Status LinkClient::wait_until(int64_t rpc::LinkReply::*count, int64_t rows, const Wait& wait) {
  for (;;) {
    FLUME_RETURN_IF_ERROR(pump());
    if (reply_.*count >= rows) {
      return {};
    }
    if (wait.over()) {
      return wait.stop.stop_requested()
                 ? stopped()
                 : Status(Code::kTimeout, str_cat(name(), " has not confirmed ", rows - reply_.*count, " rows yet"));
    }
    FLUME_RETURN_IF_ERROR(wait_for(has_unsent(), wait));
  }
}

TimePoint LinkClient::due() const { return std::min(said_ + heartbeat_, heard_ + silence_); }

Status LinkClient::tick(TimePoint now) {
  FLUME_RETURN_IF_ERROR(pump());
  if (now - heard_ >= silence_) {
    return dead(unavailable(str_cat("read from ", name(), ": silent for ", format_duration(silence_))));
  }
  if (now - said_ >= heartbeat_) {
    said_ = now;
    if (!has_unsent()) {
      return say_alive(false);
    }
  }
  return {};
}

}  // namespace flume::node

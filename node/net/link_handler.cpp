#include "node/net/link_handler.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/text.h"
#include "common/base/version.h"

namespace flume::node {

using rpc::LinkCall;

LinkHandler::LinkHandler(ReceiverInbox& inbox, const std::shared_ptr<StreamPeer>& peer)
    : inbox_(inbox),
      peer_(*peer),
      account_(std::make_shared<LinkAccount>(peer)),
      window_(static_cast<uint64_t>(inbox.options().link_window)),
      heard_(std::chrono::steady_clock::now()),
      said_(heard_),
      now_(heard_) {
  inbox_.connections.add(1);
}

LinkHandler::~LinkHandler() {
  inbox_.connections.add(-1);
  if (link_ != Id128{}) {
    inbox_.end_link(link_);
  }
}

std::span<char> LinkHandler::direct() {
  if (frame_ == nullptr) {
    return {};
  }
  return {frame_.get() + filled_, batch_bytes_ + rpc::kBatchSuffix - filled_};
}

StreamHandler::Verdict LinkHandler::on_direct(size_t bytes) {
  heard_ = now_;
  filled_ += bytes;
  return filled_ == batch_bytes_ + rpc::kBatchSuffix ? batch_complete() : Verdict::kMore;
}

StreamHandler::Verdict LinkHandler::on_bytes(std::span<const char> bytes, size_t& used) {
  heard_ = now_;
  used = 0;
  if (ready_) {
    return Verdict::kPark;
  }
  const std::string_view view(bytes.data(), bytes.size());
  if (view.size() < rpc::kCallHeadBytes) {
    return Verdict::kMore;
  }
  const auto call = rpc::read_call_head(view);
  if (!call.ok()) {
    return refuse("bytes that are no call of the link", call.status().message());
  }
  const uint32_t length = rpc::read_u32(view);
  if (!greeted_ && *call != LinkCall::kHello) {
    return refuse("a call before the hello", {});
  }
  if (*call == LinkCall::kBatch) {
    return begin_batch(view, used);
  }
  if (length < rpc::kCallHeadBytes - rpc::kLengthBytes + 1 || length > rpc::kSmallFrame) {
    return refuse("a frame of a wrong size", str_cat(length, " bytes"));
  }
  const size_t whole = rpc::kLengthBytes + length;
  if (view.size() < whole) {
    return Verdict::kMore;
  }
  used = whole;
  return small_call(*call, view.substr(0, whole));
}

StreamHandler::Verdict LinkHandler::begin_batch(std::string_view bytes, size_t& used) {
  if (bytes.size() < rpc::kBatchPrefix) {
    return Verdict::kMore;
  }
  const auto size = rpc::read_batch_prefix(bytes);
  if (!size.ok()) {
    return refuse("a frame of a wrong size", size.status().message());
  }
  const int64_t frame = int64_t{*size} + static_cast<int64_t>(rpc::kBatchPrefix + rpc::kBatchSuffix);
  if (frame > inbox_.options().max_frame) {
    return refuse("a frame over the limit", str_cat(frame, " bytes, allowed are ", inbox_.options().max_frame));
  }
  frame_ = inbox_.context().net.pool()->take(*size + rpc::kBatchSuffix);
  if (frame_ == nullptr) {
    parked_ = true;
    return Verdict::kPark;  // the budget is used up; the pool wakes us
  }
  batch_bytes_ = *size;
  const std::string_view rest = bytes.substr(rpc::kBatchPrefix);
  filled_ = std::min(rest.size(), batch_bytes_ + rpc::kBatchSuffix);
  std::memcpy(frame_.get(), rest.data(), filled_);
  used = rpc::kBatchPrefix + filled_;
  return filled_ == batch_bytes_ + rpc::kBatchSuffix ? batch_complete() : Verdict::kMore;
}

StreamHandler::Verdict LinkHandler::batch_complete() {
  heard_ = now_;
  if (frame_[static_cast<std::ptrdiff_t>(batch_bytes_)] != 0) {
    return refuse("a frame that does not end where its batch does", {});
  }
  const Buffer buffer{std::exchange(frame_, nullptr), batch_bytes_};
  auto batch = EventBatch::decode(buffer, inbox_.context().limits, {});
  if (!batch.ok()) {
    return refuse("a batch that fails its checks", batch.status().message());
  }
  inbox_.frames.add(1);
  inbox_.frame_bytes.add(batch_bytes_);
  ready_.emplace(Received{std::move(batch).value(), account_, batch_bytes_, false});
  return hand_on();
}

StreamHandler::Verdict LinkHandler::hand_on() {
  if (ready_ && !inbox_.put(*ready_)) {
    parked_ = true;
    return Verdict::kPark;
  }
  ready_.reset();
  parked_ = false;
  return Verdict::kMore;
}

StreamHandler::Verdict LinkHandler::small_call(LinkCall call, std::string_view frame) {
  switch (call) {
    case LinkCall::kHello: return greeted_ ? refuse("a second hello", {}) : hello(frame);
    case LinkCall::kAlive: return alive(frame);
    case LinkCall::kReply:
    case LinkCall::kBatch: break;
  }
  return refuse("a call that is not for receivers", {});
}

StreamHandler::Verdict LinkHandler::alive(std::string_view frame) {
  const auto want_commit = rpc::read_alive(frame);
  if (!want_commit.ok()) {
    return refuse("an empty call that cannot be read", want_commit.status().message());
  }
  if (*want_commit && account_->sender_keeps()) {
    inbox_.want_commit(peer_.address());
  }
  return Verdict::kMore;
}

StreamHandler::Verdict LinkHandler::hello(std::string_view frame) {
  const auto theirs = rpc::read_hello(frame);
  if (!theirs.ok()) {
    return refuse("a hello that cannot be read", theirs.status().message());
  }
  rpc::LinkHello ours;
  ours.node_id = inbox_.context().identity.node_id;
  ours.node = inbox_.context().identity.physical_node;
  ours.boot_epoch = inbox_.context().identity.boot_epoch;
  ours.version = kVersion;
  ours.max_frame = inbox_.options().max_frame;
  ours.codecs = blob_codec_names();
  ours.acks = {"received", "durable"};
  ours.credit = static_cast<int64_t>(window_);
  told_.credit = ours.credit;
  if (std::find(theirs->acks.begin(), theirs->acks.end(), "durable") != theirs->acks.end()) {
    account_->set_sender_keeps();
  }
  link_ = theirs->link;
  if (link_ != Id128{}) {
    inbox_.begin_link(link_, theirs->follows, account_);
  }
  for (const rpc::LinkStream& stream : theirs->streams) {
    ours.streams.push_back(inbox_.greet(stream.stream, *account_));
  }
  send(rpc::hello_frame(ours));  // also to a stranger: it shows which protocols we speak
  greeted_ = true;
  if (theirs->oldest_protocol > rpc::kLinkProtocol || theirs->protocol < rpc::kLinkProtocol) {
    return refuse("another protocol", str_cat("protocols ", theirs->oldest_protocol, " to ", theirs->protocol,
                                              " are spoken there, ", rpc::kLinkProtocol, " here"));
  }
  return Verdict::kMore;
}

StreamHandler::Verdict LinkHandler::refuse(std::string_view what, std::string_view detail) {
  inbox_.refuse(peer_.address(), what, detail);
  return end(detail.empty() ? std::string(what) : str_cat(what, ": ", detail));
}

// Last words, and the end of the link.
StreamHandler::Verdict LinkHandler::end(std::string error) {
  if (greeted_) {
    rpc::LinkReply last = news();
    last.error = std::move(error);
    send(rpc::reply_frame(last));
  }
  return Verdict::kFinish;
}

void LinkHandler::send(std::string frame) {
  said_ = now_;
  peer_.send(std::move(frame));
}

rpc::LinkReply LinkHandler::news() {
  rpc::LinkReply reply;
  reply.received = account_->received();
  reply.credit = static_cast<int64_t>(account_->taken_bytes() + window_);
  reply.settled = account_->settled();
  reply.durable = account_->new_ranges();  // ranges: a collector that got only the end can say so (R13)
  return reply;
}

void LinkHandler::reply_if_news() {
  if (!greeted_) {
    return;
  }
  rpc::LinkReply reply = news();
  if (reply == told_) {
    return;
  }
  send(rpc::reply_frame(reply));
  reply.durable.clear();
  told_ = std::move(reply);
}

StreamHandler::Verdict LinkHandler::on_wake() {
  if (account_->has_failed()) {
    return end("rows could not be stored; send again what is not confirmed");
  }
  if (account_->is_superseded()) {
    return end("its sender has opened another link");
  }
  reply_if_news();
  return hand_on();
}

StreamHandler::Verdict LinkHandler::on_tick(TimePoint now) {
  now_ = now;
  if (parked_) {
    heard_ = now;
  }
  if (now - heard_ >= inbox_.options().dead_peer) {
    return refuse("a peer that says nothing any more", {});
  }
  if (greeted_ && now - said_ >= inbox_.options().heartbeat && peer_.unsent() == 0) {
    send(rpc::alive_frame());
  }
  return Verdict::kMore;
}

void LinkHandler::on_finish() {
  if (greeted_) {
    rpc::LinkReply last = news();
    last.error = "the port is closed";
    send(rpc::reply_frame(last));
  }
}

void LinkHandler::on_end(std::string_view error) {
  if (frame_ != nullptr && error.empty()) {
    inbox_.refuse(peer_.address(), "a frame that ends too early", {});
  }
}

}  // namespace flume::node

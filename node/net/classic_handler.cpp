#include "node/net/classic_handler.h"

#include <utility>

namespace flume::node {

namespace {

constexpr size_t kMessageLimit = 16U << 20;
constexpr size_t kMaxAnswers = 10'000;  // of calls that wait; then the socket is not read
constexpr size_t kSmallBuffer = 64 << 10;

BuilderOptions builder_options(const Context& context) {
  BuilderOptions options;
  options.origin = new_origin(context);
  options.limits = context.limits;
  options.target_bytes = 64 << 10;
  return options;
}

}  // namespace

ClassicHandler::ClassicHandler(ReceiverInbox& inbox, const std::shared_ptr<StreamPeer>& peer, bool truncate)
    : inbox_(inbox),
      peer_(*peer),
      account_(std::make_shared<LinkAccount>(peer)),
      truncate_(truncate),
      builder_(builder_options(inbox.context())) {
  inbox_.connections.add(1);
}

ClassicHandler::~ClassicHandler() { inbox_.connections.add(-1); }

StreamHandler::Verdict ClassicHandler::on_bytes(std::span<const char> bytes, size_t& used) {
  used = bytes.size();
  buffer_.append(bytes.data(), bytes.size());
  if (!take_messages()) {
    (void)pass_on();
    return Verdict::kFinish;
  }
  return pass_on();
}

bool ClassicHandler::take_messages() {
  bool good = true;
  while (good && begin_ < buffer_.size()) {
    if (!scan_) {
      scan_.emplace(kMessageLimit);
    }
    const std::string_view message = std::string_view(buffer_).substr(begin_);
    const rpc::MessageScan::State state = scan_->feed(message);
    if (state == rpc::MessageScan::State::kMore) {
      break;
    }
    if (state == rpc::MessageScan::State::kBad) {
      inbox_.refuse(peer_.address(), "a message that is no Thrift message", scan_->error());
      return false;
    }
    const size_t length = scan_->length();
    scan_.reset();
    auto call = rpc::read_classic_call(message.substr(0, length), inbox_.context().limits);
    if (!call.ok()) {
      inbox_.refuse(peer_.address(), "a message that is no call of a classic sender", call.status().message());
      return false;
    }
    begin_ += length;
    good = obey(std::move(call).value());
  }
  buffer_.erase(0, begin_);
  begin_ = 0;
  if (buffer_.empty() && buffer_.capacity() > kSmallBuffer) {
    buffer_.shrink_to_fit();
  }
  return good;
}

bool ClassicHandler::obey(rpc::ClassicCall call) {
  using Method = rpc::ClassicCall::Method;
  switch (call.method) {
    case Method::kAppend:
    case Method::kRawAppend: (void)add(call); return true;
    case Method::kAckedAppend: {
      const auto status = add(call) ? rpc::ClassicStatus::kAck : rpc::ClassicStatus::kError;
      answers_.push_back({rows_, rpc::classic_acked_answer(call.sequence, status)});
      return true;
    }
    case Method::kClose: answers_.push_back({rows_, rpc::classic_close_answer(call.sequence)}); return true;
    case Method::kUnknown:
      answers_.push_back({rows_, rpc::classic_unknown_answer(call.name, call.sequence)});
      return true;
  }
  return true;
}

bool ClassicHandler::add(rpc::ClassicCall& call) {
  const BatchLimits& limits = inbox_.context().limits;
  if (truncate_ && call.event.body.size() > limits.event_bytes) {
    call.event.body.resize(limits.event_bytes);
    inbox_.context().metrics.counter("flume_link_events_cut_total").add(1);
  }
  if (const Status status = BatchBuilder::check(call.event, limits); !status.ok()) {
    inbox_.refused_events.add(1);
    inbox_.bad_peers().report(peer_.address(), "an event over the limits", status.message());
    return false;
  }
  while (!builder_.add(call.event)) {
    ready_.push_back({builder_.seal({}), account_, 0, true});
  }
  ++rows_;
  return true;
}

// Everything that is complete goes to the driver at once; what has no room stays, and nothing more is read.
StreamHandler::Verdict ClassicHandler::pass_on() {
  if (builder_.rows() > 0) {
    ready_.push_back({builder_.seal({}), account_, 0, true});
  }
  size_t gone = 0;
  while (gone < ready_.size()) {
    ready_[gone].frame_bytes = ready_[gone].batch.blob().size();
    if (!inbox_.put(ready_[gone])) {
      break;
    }
    ++gone;
  }
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(gone));
  answer();
  return ready_.empty() && answers_.size() < kMaxAnswers ? Verdict::kMore : Verdict::kPark;
}

void ClassicHandler::answer() {
  std::string out;
  const int64_t taken = account_->received();
  while (!answers_.empty() && answers_.front().row <= taken) {
    out += answers_.front().bytes;
    answers_.pop_front();
  }
  if (!out.empty()) {
    peer_.send(std::move(out));
  }
}

StreamHandler::Verdict ClassicHandler::on_wake() { return pass_on(); }

void ClassicHandler::on_end(std::string_view) {
  if (begin_ < buffer_.size()) {
    inbox_.refuse(peer_.address(), "a message that ends too early", {});
  }
  (void)pass_on();
  inbox_.put_last(std::move(ready_));  // one-way senders do not come back for them
}

}  // namespace flume::node

#include "node/net/receiver.h"

#include <utility>

#include "node/net/classic_handler.h"
#include "node/net/link_handler.h"

namespace flume::node {

namespace {

constexpr Duration kLinger = std::chrono::seconds(1);  // for peers to take our last words
constexpr size_t kEnoughToTell = 8;

// Finds out who speaks, then hands everything to the handler for it.
class FirstBytes final : public StreamHandler {
 public:
  FirstBytes(ReceiverInbox& inbox, const std::shared_ptr<StreamPeer>& peer, bool truncate)
      : inbox_(inbox), peer_(peer), address_(peer->address()), truncate_(truncate) {}

  std::span<char> direct() override { return real_ ? real_->direct() : std::span<char>(); }
  Verdict on_direct(size_t bytes) override { return real_->on_direct(bytes); }
  Verdict on_bytes(std::span<const char> bytes, size_t& used) override {
    if (!real_) {
      used = 0;
      if (bytes.size() < kEnoughToTell && !is_classic(bytes)) {
        return Verdict::kMore;
      }
      const auto peer = peer_.lock();
      if (is_classic(bytes)) {
        real_ = std::make_unique<ClassicHandler>(inbox_, peer, truncate_);
      } else if (is_call(bytes.subspan(4))) {
        real_ = std::make_unique<LinkHandler>(inbox_, peer);
      } else {
        inbox_.refuse(address_, "neither a link nor a classic sender", {});
        return Verdict::kFinish;
      }
    }
    return real_->on_bytes(bytes, used);
  }
  Verdict on_wake() override { return real_ ? real_->on_wake() : Verdict::kMore; }
  Verdict on_tick(TimePoint now) override {
    if (real_) {
      return real_->on_tick(now);
    }
    if (now - born_ >= inbox_.options().dead_peer) {
      inbox_.refuse(address_, "a peer that says nothing", {});
      return Verdict::kFinish;
    }
    return Verdict::kMore;
  }
  void on_finish() override {
    if (real_) {
      real_->on_finish();
    }
  }
  void on_end(std::string_view error) override {
    if (real_) {
      real_->on_end(error);
    }
  }

 private:
  static bool is_call(std::span<const char> bytes) { return bytes[0] == '\x80' && bytes[1] == '\x01'; }
  static bool is_classic(std::span<const char> bytes) { return bytes.size() >= 2 && is_call(bytes); }

  ReceiverInbox& inbox_;
  const std::weak_ptr<StreamPeer> peer_;  // owns this
  const std::string address_;
  const bool truncate_;
  const TimePoint born_ = std::chrono::steady_clock::now();
  std::unique_ptr<StreamHandler> real_;
};

}  // namespace

Status ReceiverSource::open(Context& context, const Wait&) {
  inbox_ = std::make_shared<ReceiverInbox>(context, [this] {
    if (listener_ != nullptr) {
      listener_->wake_all();
    }
  });
  tracker_ = inbox_->tracker();
  auto listener = context.net.listen_stream(
      port_, [inbox = inbox_.get(), truncate = truncate_](const std::shared_ptr<StreamPeer>& peer) {
        return std::make_unique<FirstBytes>(*inbox, peer, truncate);
      });
  if (!listener.ok()) {
    inbox_.reset();
    return listener.status();
  }
  listener_ = std::move(listener).value();
  context.metrics.gauge("flume_listen_port").set(listener_->port());
  return {};
}

Result<Source::Next> ReceiverSource::next(EventBatch& out, const Wait& wait) {
  std::optional<EventBatch> batch = inbox_->take(wait);
  if (!batch) {
    return Next::kNothingYet;
  }
  out = std::move(*batch);
  return Next::kBatch;
}

Result<bool> ReceiverSource::rewind() {
  inbox_->rewind();
  return true;
}

void ReceiverSource::end_intake() {
  if (inbox_ != nullptr) {
    inbox_->end_intake();
  }
}

Status ReceiverSource::close(const Wait&) {
  if (listener_ == nullptr) {
    return {};
  }
  listener_->close(kLinger);
  inbox_->close();
  listener_.reset();
  inbox_.reset();
  return {};
}

std::vector<std::shared_ptr<AckTracker>> ReceiverSource::trackers() const {
  return tracker_ ? std::vector{tracker_} : std::vector<std::shared_ptr<AckTracker>>();
}

}  // namespace flume::node

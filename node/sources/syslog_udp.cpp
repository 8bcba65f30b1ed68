// syslogUdp([port]) — an event for each datagram.
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/sync.h"
#include "node/net/net_server.h"
#include "node/net/syslog_rows.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr size_t kWaitingBatches = 16;  // of 256 KiB; then datagrams wait in the kernel's queue, and are lost there

// Where the IO thread leaves rows for the driver.
class Inbox {
 public:
  explicit Inbox(const Context& context) : rows_(context, nullptr) {}

  // False: no room; wake_all() follows.
  bool put(std::string_view datagram, std::string_view peer) {
    const MutexLock lock(mutex_);
    if (!datagram.empty() && datagram.back() == '\n') {
      datagram.remove_suffix(1);
    }
    while (!rows_.add(datagram, 0, peer)) {
      if (full_.size() >= kWaitingBatches) {
        refused_ = true;
        return false;
      }
      full_.push_back(rows_.seal());
    }
    filled_.notify_one();
    return true;
  }

  // An empty batch: nothing until the wait was over. `made_room`: datagrams were refused before.
  EventBatch take(const Wait& wait, bool& made_room) {
    const MutexLock lock(mutex_);
    while (full_.empty() && rows_.rows() == 0 && filled_.wait(mutex_, wait)) {
    }
    EventBatch out;
    if (!full_.empty()) {
      out = std::move(full_.front());
      full_.pop_front();
    } else if (rows_.rows() > 0) {
      out = rows_.seal();
    }
    made_room = std::exchange(refused_, false);
    return out;
  }

 private:
  Mutex mutex_;
  CondVar filled_;
  SyslogRows rows_ FLUME_GUARDED_BY(mutex_);
  std::deque<EventBatch> full_ FLUME_GUARDED_BY(mutex_);
  bool refused_ FLUME_GUARDED_BY(mutex_) = false;
};

class SyslogUdpSource final : public Source {
 public:
  explicit SyslogUdpSource(uint16_t port) : port_(port) {}

  Status open(Context& context, const Wait&) override {
    tracker_ = AckTracker::create(0);
    rows_ = 0;
    inbox_ = std::make_unique<Inbox>(context);
    auto listener = context.net.listen_datagram(
        port_, [inbox = inbox_.get()](std::span<const char> datagram, std::string_view from) {
          return inbox->put({datagram.data(), datagram.size()}, from);
        });
    if (!listener.ok()) {
      inbox_.reset();
      return listener.status();
    }
    listener_ = std::move(listener).value();
    context.metrics.gauge("flume_listen_port").set(listener_->port());
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    bool made_room = false;
    const EventBatch batch = inbox_->take(wait, made_room);
    if (made_room) {
      listener_->wake_all();
    }
    if (batch.empty()) {
      return Next::kNothingYet;
    }
    out = with_token(batch);
    return Next::kBatch;
  }

  Status close(const Wait&) override {
    if (listener_ == nullptr) {
      return {};
    }
    listener_->close(Duration::zero());  // no callback runs any more
    listener_.reset();
    bool made_room = false;
    for (EventBatch batch = inbox_->take(Wait{TimePoint(), {}}, made_room); !batch.empty();
         batch = inbox_->take(Wait{TimePoint(), {}}, made_room)) {
      with_token(batch).settle(Outcome::kDropped, "source_closed");
    }
    inbox_.reset();
    return {};
  }

  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ ? std::vector{tracker_} : std::vector<std::shared_ptr<AckTracker>>();
  }

 private:
  EventBatch with_token(const EventBatch& batch) {
    rows_ += batch.rows();
    return batch.with_token(tracker_->issue(rows_, batch.rows(), batch.body_bytes()));
  }

  const uint16_t port_;
  std::shared_ptr<AckTracker> tracker_;  // shared: tokens keep it
  uint64_t rows_ = 0;
  std::unique_ptr<Inbox> inbox_;        // outlives the listener, whose callback uses it
  std::unique_ptr<Listener> listener_;  // null: closed
};

}  // namespace

void register_source_syslog_udp(Registry& registry) {
  lang::ComponentSpec spec = syslog_spec("syslogUdp", "Receives syslog over UDP, an event for each datagram.");
  spec.doc =
      "A datagram is `<PRI>text`; the text is the event's body as it stands, without one newline at its end. "
      "Attributes `syslogfacility` and `syslogseverity` have one byte each; the severity also gives the event's "
      "priority. Anything else is refused and counted. Time is that of arrival, host this machine's. What arrives "
      "while the flow is slow waits, at most 4 MiB here and 4 MiB in the kernel; more is lost, as UDP has it.";
  spec.examples = {{"syslogUdp", "The usual port, 514."}, {"syslogUdp(5140)", "A port that needs no privileges."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<SyslogUdpSource>(static_cast<uint16_t>(plan.args.integer("port")));
  });
}

}  // namespace flume::node

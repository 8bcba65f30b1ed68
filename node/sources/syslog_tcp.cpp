// syslogTcp([port]) — an event for each line that any connection sends.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/channel.h"
#include "common/base/log.h"
#include "common/event/syslog_record.h"
#include "node/net/net_server.h"
#include "node/net/syslog_rows.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr ChannelLimits kInboxLimits{8U << 20, 1U << 20};
constexpr size_t kPooledBlobs = 8;
constexpr size_t kBlobBytes = (256 + 16) << 10;  // a batch, and the rest of the record that did not fit

// Between the connections and the driver.
struct Inbox {
  explicit Inbox(std::function<void()> on_room) : channel(kInboxLimits, std::move(on_room)) {}

  Channel<EventBatch> channel;
  const std::shared_ptr<BlobPool> pool = BlobPool::create(kBlobBytes, kPooledBlobs);
  Mutex mutex;
  // Of connections that ended while the channel was full: there is nobody to try again. At most one read of each.
  std::vector<EventBatch> last FLUME_GUARDED_BY(mutex);
};

class SyslogHandler final : public StreamHandler {
 public:
  SyslogHandler(const Context& context, Inbox& inbox, std::string peer)
      : inbox_(inbox), peer_(std::move(peer)), rows_(context, inbox.pool), framer_(rows_.limit() + kSyslogPriBytes) {}

  Verdict on_bytes(std::span<const char> bytes, size_t& used) override {
    used = bytes.size();
    framer_.feed({bytes.data(), bytes.size()}, adder());
    return pass_on();
  }
  Verdict on_wake() override { return pass_on(); }
  void on_finish() override { end(); }
  void on_end(std::string_view) override { end(); }

 private:
  SyslogFramer::OnRecord adder() {
    return [this](std::string_view record, uint64_t cut) {
      while (!rows_.add(record, cut, peer_)) {
        ready_.push_back(rows_.seal());
      }
    };
  }

  // Everything that is complete goes to the driver at once; what has no room stays, and nothing more is read.
  Verdict pass_on() {
    if (rows_.rows() > 0) {
      ready_.push_back(rows_.seal());
    }
    rows_.go_idle();
    size_t gone = 0;
    while (gone < ready_.size() &&
           inbox_.channel.try_push(ready_[gone], ready_[gone].blob().size(), ready_[gone].rows())) {
      ++gone;
    }
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(gone));
    return ready_.empty() ? Verdict::kMore : Verdict::kPark;
  }

  void end() {
    framer_.finish(adder());
    if (pass_on() == Verdict::kMore) {
      return;
    }
    {
      const MutexLock lock(inbox_.mutex);
      std::move(ready_.begin(), ready_.end(), std::back_inserter(inbox_.last));
    }
    ready_.clear();
    EventBatch nothing;
    (void)inbox_.channel.try_push(nothing, 0, 0);  // wakes the driver, which looks at them when the channel is empty
  }

  Inbox& inbox_;
  const std::string peer_;
  SyslogRows rows_;
  SyslogFramer framer_;
  std::vector<EventBatch> ready_;
};

class SyslogTcpSource final : public Source {
 public:
  explicit SyslogTcpSource(uint16_t port) : port_(port) {}

  Status open(Context& context, const Wait&) override {
    tracker_ = AckTracker::create(0);
    rows_ = 0;
    inbox_ = std::make_unique<Inbox>([this] {
      if (listener_ != nullptr) {
        listener_->wake_all();
      }
    });
    auto listener =
        context.net.listen_stream(port_, [&context, inbox = inbox_.get()](const std::shared_ptr<StreamPeer>& peer) {
          return std::make_unique<SyslogHandler>(context, *inbox, peer->address());
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
    for (;;) {
      std::optional<EventBatch> batch = inbox_->channel.pop(Wait{TimePoint(), wait.stop});
      if (!batch) {
        batch = take_last();
      }
      if (!batch) {
        batch = inbox_->channel.pop(wait);
      }
      if (!batch) {
        return Next::kNothingYet;
      }
      if (!batch->empty()) {
        out = with_token(*batch);
        return Next::kBatch;
      }
    }
  }

  Status close(const Wait&) override {
    if (listener_ == nullptr) {
      return {};
    }
    listener_->close(Duration::zero());  // no handler is left, and none had anything to say to its peer
    uint64_t lost = 0;
    for (auto batch = take_any(); batch; batch = take_any()) {
      if (batch->empty()) {
        continue;
      }
      lost += batch->rows();
      with_token(*batch).settle(Outcome::kDropped, "source_closed");
    }
    if (lost > 0) {
      FLUME_LOG(kWarn, "events were received but not handed on before the source closed", kv("source", "syslogTcp"),
                kv("events", lost));
    }
    listener_.reset();
    inbox_.reset();
    return {};
  }

  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ ? std::vector{tracker_} : std::vector<std::shared_ptr<AckTracker>>();
  }

 private:
  std::optional<EventBatch> take_last() {
    const MutexLock lock(inbox_->mutex);
    if (inbox_->last.empty()) {
      return std::nullopt;
    }
    EventBatch batch = std::move(inbox_->last.front());
    inbox_->last.erase(inbox_->last.begin());
    return batch;
  }
  std::optional<EventBatch> take_any() {
    auto batch = inbox_->channel.pop(Wait{TimePoint(), {}});
    return batch ? std::move(batch) : take_last();
  }
  EventBatch with_token(const EventBatch& batch) {
    rows_ += batch.rows();
    return batch.with_token(tracker_->issue(rows_, batch.rows(), batch.body_bytes()));
  }

  const uint16_t port_;
  std::shared_ptr<AckTracker> tracker_;  // shared: tokens keep it
  uint64_t rows_ = 0;
  std::unique_ptr<Inbox> inbox_;        // outlives the listener, whose handlers use it
  std::unique_ptr<Listener> listener_;  // null: closed
};

}  // namespace

void register_source_syslog_tcp(Registry& registry) {
  lang::ComponentSpec spec = syslog_spec("syslogTcp", "Receives syslog over TCP, an event for each line.");
  spec.doc =
      "A line is `<PRI>text`; the text is the event's body as it stands. Attributes `syslogfacility` and "
      "`syslogseverity` have one byte each; the severity also gives the event's priority. Other lines are refused and "
      "counted; text over `flume.event.max.size.bytes` is cut and counted. Time is that of arrival, host this "
      "machine's. While the flow is slow the connections are not read, so that senders wait.";
  spec.examples = {{"syslogTcp", "The usual port, 514."}, {"syslogTcp(5140)", "A port that needs no privileges."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<SyslogTcpSource>(static_cast<uint16_t>(plan.args.integer("port")));
  });
}

}  // namespace flume::node

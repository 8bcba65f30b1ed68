// agentBESink([host[, port]]) — sends events to a collector, best effort.
#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/log.h"
#include "node/net/link_client.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr Duration kOpenTime = std::chrono::seconds(10);
constexpr Duration kFirstLook = std::chrono::milliseconds(2);  // for confirmations, when no more rows come
constexpr Duration kLastLook = std::chrono::seconds(1);

class AgentBestEffortSink final : public Sink {
 public:
  AgentBestEffortSink(std::string host, uint16_t port) : host_(std::move(host)), port_(port) {}

  Status open(Context& context, const Wait& wait) override {
    clock_ = &context.clock;
    ledger_.emplace(context.metrics);
    confirmed_ = 0;
    return link_.open(context, host_, port_, wait.at_most(std::chrono::steady_clock::now() + kOpenTime));
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    uint32_t taken = 0;
    while (taken < batch.rows()) {
      uint32_t rows = batch.rows() - taken;
      while (rows > 1 && !link_.fits(batch.slice(taken, rows).encoded())) {
        rows = (rows + 1) / 2;
      }
      const EventBatch part = batch.slice(taken, rows);
      const bool fits = link_.fits(part.encoded());
      if (Status status = fits || !link_.is_open() ? link_.send(part, wait) : Status(); !status.ok()) {
        settle_confirmed();
        return {failed(std::move(status)), taken};
      }
      ledger_->in(rows, part.body_bytes());
      taken += rows;
      if (fits) {
        unconfirmed_.push_back(part);
        held_ += rows;
      } else {
        ledger_->drop(part, "too_large_for_peer");
      }
      settle_confirmed();
    }
    next_look_ = clock_->now() + kFirstLook;
    look_ = kFirstLook;
    return {{}, batch.rows()};
  }

  TimePoint due() const override {
    return !link_.is_open() || unconfirmed_.empty() ? link_.due() : std::min(link_.due(), next_look_);
  }

  Status tick(TimePoint now) override {
    const Status status = link_.tick(now);
    settle_confirmed();
    look_ = std::min(look_ * 2, kLastLook);
    next_look_ = now + look_;
    return failed(status);
  }

  Status flush(const Wait& wait) override {
    if (unconfirmed_.empty()) {
      return {};
    }
    const Status status = link_.wait_received(link_.sent(), wait);
    settle_confirmed();
    return failed(status);
  }

  Status close(const Wait& wait) override {
    if (!link_.is_open()) {
      drop_unconfirmed();
      return {};
    }
    Status status = flush(wait);
    drop_unconfirmed();
    link_.close();
    return status;
  }

 private:
  void settle_confirmed() {
    while (confirmed_ < link_.received() && !unconfirmed_.empty()) {
      EventBatch& first = unconfirmed_.front();
      const auto rows = static_cast<uint32_t>(std::min<int64_t>(first.rows(), link_.received() - confirmed_));
      const EventBatch part = first.slice(0, rows);
      confirmed_ += rows;
      ledger_->out(rows, part.body_bytes());
      part.settle(Outcome::kDelivered);
      if (rows == first.rows()) {
        unconfirmed_.pop_front();
      } else {
        first = first.from(rows);
      }
      held_ -= rows;
    }
    ledger_->held(held_);
  }

  // A dead link: what it had not confirmed may have arrived, so best effort does not send it again.
  Status failed(Status status) {
    if (!link_.is_open()) {
      drop_unconfirmed();
    }
    return status;
  }

  void drop_unconfirmed() {
    for (const EventBatch& batch : std::exchange(unconfirmed_, {})) {
      ledger_->drop(batch, "unconfirmed");
    }
    held_ = 0;
    if (ledger_) {
      ledger_->held(0);
    }
  }

  const std::string host_;
  const uint16_t port_;
  LinkClient link_;
  Clock* clock_ = nullptr;  // of the context given to open()
  std::optional<RowLedger> ledger_;
  std::deque<EventBatch> unconfirmed_;  // on their way, in order
  int64_t held_ = 0;                    // rows of these
  int64_t confirmed_ = 0;
  TimePoint next_look_{};
  Duration look_ = kFirstLook;
};

}  // namespace

void register_sink_agent_be(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "agentBESink";
  spec.aliases = {"agentBestEffortSink"};
  spec.summary = "Sends events to a collector, best effort.";
  spec.doc =
      "Rows are delivered once the collector's flow has taken them. While the collector takes nothing the source is "
      "not "
      "read; while it cannot be reached the sink fails, the source is not read and the connection is tried again. When "
      "a link dies, rows sent and not confirmed (at most `flume.link.window.bytes`) are not sent again: they are "
      "counted "
      "as dropped, reason `unconfirmed`. A silent collector is taken for dead after `flume.link.silence.millis`.";
  spec.args = {{.name = "host",
                .doc = "The collector's host name or address.",
                .default_text = "\"localhost\"",
                .setting = "flume.collector.event.host",
                .type = lang::ArgType::kText},
               {.name = "port",
                .doc = "The collector's port.",
                .default_text = "35853",
                .setting = "flume.collector.event.port",
                .type = lang::ArgType::kPort}};
  spec.examples = {{"agentBESink", "The collector of the settings."},
                   {"agentBESink(\"collector1\", 35853)", "This collector."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<AgentBestEffortSink>(plan.args.text("host"),
                                                 static_cast<uint16_t>(plan.args.integer("port")));
  });
}

}  // namespace flume::node

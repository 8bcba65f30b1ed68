// thriftSink([host[, port]]) — sends events as a classic sender does.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/text.h"
#include "common/rpc/classic_event.h"
#include "node/net/client_socket.h"
#include "node/runtime/collector_address.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr Duration kNextTry = std::chrono::milliseconds(10);
constexpr size_t kPieceBytes = 64 << 10;  // of messages that are made before they are sent

class ClassicSink final : public Sink {
 public:
  ClassicSink(std::string host, uint16_t port) : host_(std::move(host)), port_(port) {}

  Status open(Context& context, const Wait& wait) override {
    clock_ = &context.clock;
    ledger_.emplace(context.metrics);
    stuck_since_.reset();
    timeout_ = context.settings.millis("flume.thrift.socket.timeout.ms");
    sequence_ = 0;
    out_.clear();
    return socket_.connect(context.net, host_, port_, wait.at_most(std::chrono::steady_clock::now() + timeout_));
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (!socket_.is_open()) {
      return {unavailable("the connection is not open"), 0};
    }
    uint32_t taken = 0;
    while (taken < batch.rows()) {
      if (Status status = write_out(wait); !status.ok()) {
        return {std::move(status), taken};
      }
      taken += make_piece(batch.from(taken));
    }
    // What is left after the wait goes with the next call.
    const Status status = write_out(wait);
    last_try_ = clock_->now();
    return {failure(status) ? status : Status(), taken};
  }

  // What the last append left is written as soon as the peer takes it.
  TimePoint due() const override { return piece_.empty() ? TimePoint::max() : last_try_ + kNextTry; }
  Status tick(TimePoint now) override {
    last_try_ = now;
    return piece_.empty() ? Status() : write_out(Wait{TimePoint(), {}});
  }

  Status flush(const Wait& wait) override { return write_out(wait); }

  // Not known to be whole at the other end; may have arrived.
  std::vector<EventBatch> take_back() override {
    std::vector<EventBatch> back;
    if (!piece_.empty()) {
      ledger_->held(0);
      back.push_back(std::exchange(piece_, {}));
    }
    out_.clear();
    return back;
  }

  Status close(const Wait& wait) override {
    if (!socket_.is_open()) {
      return {};
    }
    Status status = write_out(wait);
    socket_.end_writing();
    socket_.close();
    return status;
  }

 private:
  static bool failure(const Status& status) {
    return !status.ok() && status.code() != Code::kTimeout && status.code() != Code::kStopped;
  }

  // Messages of the first rows of `batch`; how many.
  uint32_t make_piece(const EventBatch& batch) {
    uint32_t rows = 0;
    out_.clear();
    written_ = 0;
    while (rows < batch.rows() && out_.size() < kPieceBytes) {
      out_ += rpc::classic_append(batch, rows++, ++sequence_);
    }
    piece_ = batch.slice(0, rows);
    ledger_->in(rows, piece_.body_bytes());
    ledger_->held(rows);
    return rows;
  }

  // OK: the kernel has all of it, which is all that one-way calls let a sender know. A peer that takes nothing for the
  // time of the setting is taken for dead.
  Status write_out(const Wait& wait) {
    FLUME_RETURN_IF_ERROR(notice_end());
    while (written_ < out_.size()) {
      const iovec rest{out_.data() + written_, out_.size() - written_};
      auto sent = socket_.write_some({&rest, 1});
      if (!sent.ok()) {
        return dead(sent.status());
      }
      written_ += *sent;
      const TimePoint now = std::chrono::steady_clock::now();
      if (*sent > 0) {
        stuck_since_.reset();
        continue;
      }
      if (!stuck_since_) {
        stuck_since_ = now;
      }
      if (now - *stuck_since_ >= timeout_) {
        return dead(unavailable(str_cat("send to ", socket_.name(), ": it takes nothing any more")));
      }
      if (wait.over()) {
        return wait.stop.stop_requested() ? stopped()
                                          : Status(Code::kTimeout, str_cat(socket_.name(), " takes nothing now"));
      }
      if (auto ready = socket_.wait_ready(true, wait.at_most(*stuck_since_ + timeout_)); !ready.ok()) {
        return dead(ready.status());
      }
    }
    if (!piece_.empty()) {
      ledger_->out(piece_.rows(), piece_.body_bytes());
      ledger_->held(0);
      std::exchange(piece_, {}).settle(Outcome::kDelivered);
    }
    return {};
  }

  // One-way calls are not answered: what can be read is the end of the connection.
  Status notice_end() {
    if (!socket_.is_open()) {
      return unavailable("the connection is not open");
    }
    std::array<char, 256> nothing{};
    auto got = socket_.read_some(nothing);
    return got.ok() ? Status() : dead(got.status());
  }

  Status dead(Status status) {
    socket_.close();
    return status;
  }

  const std::string host_;
  const uint16_t port_;
  ClientSocket socket_;
  Clock* clock_ = nullptr;  // of the context given to open()
  Duration timeout_{};
  TimePoint last_try_{};
  std::optional<RowLedger> ledger_;
  EventBatch piece_;  // rows of the messages in out_, not all of them sent
  std::string out_;
  size_t written_ = 0;
  int32_t sequence_ = 0;
  std::optional<TimePoint> stuck_since_;
};

}  // namespace

void register_sink_thrift(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "thriftSink";
  spec.summary = "Sends events one by one to a classic collector (ThriftFlumeEventServer).";
  spec.doc =
      "Speaks the classic wire: unframed Thrift, a one-way call for each event. Nothing comes back, so rows count as "
      "delivered when the kernel has them, and some may be lost when the connection breaks; between nodes of this "
      "program `rpcSink` and the agent sinks are faster and know what arrived. A peer that takes nothing for "
      "`flume.thrift.socket.timeout.ms` is taken for dead.";
  spec.args = collector_arguments();
  spec.keeps = lang::Keeps::kLink;
  spec.examples = {{"thriftSink", "The collector of the settings."},
                   {"thriftSink(\"old-collector\", 12345)", "A classic collector's thriftSource(12345)."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    const HostPort to = collector_of(plan.args);
    return std::make_unique<ClassicSink>(to.host, to.port);
  });
}

}  // namespace flume::node

// batch(n{, latencyMs}) and unbatch — many events in one, as the classic system packs them: their binary forms one
// after another in an attribute of an event without a body.
#include <algorithm>

#include "common/event/writable_event.h"
#include "node/runtime/registry.h"
#include "node/runtime/row_expand.h"

namespace flume::node {
namespace {

constexpr std::string_view kSize = "batchSize";
constexpr std::string_view kData = "batchData";
constexpr Duration kIdle = std::chrono::seconds(1);

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

// Makes the binary form of rows and notes where each ends.
class BinaryEvents final : public OutputFormat {
 public:
  std::string_view name() const override { return "binary"; }
  std::vector<size_t>& ends() { return ends_; }

 protected:
  void append_row(const FormatRow& row, std::string& out) override {
    append_writable_event(row, out);
    ends_.push_back(out.size());
  }

 private:
  std::vector<size_t> ends_;
};

class BatchDecorator final : public Decorator {
 public:
  BatchDecorator(std::unique_ptr<Sink> sub, uint32_t count, Duration latency)
      : Decorator(std::move(sub)), wanted_(count), latency_(latency) {}

  Status open(Context& context, const Wait& wait) override {
    ledger_.emplace(context.metrics);
    clock_ = &context.clock;
    largest_ = std::min(context.limits.event_bytes, BatchLimits().event_bytes);
    let_go();
    return Decorator::open(context, wait);
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    uint32_t done = 0;
    while (done < batch.rows()) {
      if (Status status = drain(wait); !status.ok()) {
        return {std::move(status), done};
      }
      done += take(batch, done);
    }
    (void)drain(wait);  // what it cannot hand on now waits for the next call
    return {{}, done};
  }

  TimePoint due() const override {
    const TimePoint own = !outbox_.empty() ? TimePoint::min() : held_ > 0 ? deadline_ : TimePoint::max();
    return std::min(own, sub_->due());
  }

  Status tick(TimePoint now) override {
    if (held_ > 0 && deadline_ <= now) {
      pack();
    }
    FLUME_RETURN_IF_ERROR(outbox_.drain_briefly(*sub_, *ledger_));
    report_held();
    return sub_->due() <= now ? sub_->tick(now) : Status();
  }

  Status flush(const Wait& wait) override {
    pack();
    FLUME_RETURN_IF_ERROR(drain(wait));
    return sub_->flush(wait);
  }

  // Lets everything go: the rows are then not delivered, and the source or the driver offers them again.
  std::vector<EventBatch> take_back() override {
    sub_->take_back();
    let_go();
    return {};
  }

  Status close(const Wait& wait) override {
    Status status;
    if (held_ > 0 || !outbox_.empty()) {
      pack();
      status = drain(wait);
    }
    Status below = sub_->close(wait);
    return status.ok() ? below : status;
  }

 private:
  // Takes rows from `from` on until the event is full; returns how many.
  uint32_t take(const EventBatch& batch, uint32_t from) {
    const EventBatch rows = batch.slice(from, std::min(wanted_ - held_, batch.rows() - from));
    const size_t before = payload_.size();
    events_.ends().clear();
    events_.append(rows, payload_);
    const std::vector<size_t>& ends = events_.ends();
    const auto fits = static_cast<uint32_t>(std::upper_bound(ends.begin(), ends.end(), largest_) - ends.begin());
    payload_.resize(fits == 0 ? before : ends[fits - 1]);
    if (fits == 0 && held_ == 0) {  // larger than an attribute can be: passes as it is
      outbox_.push(rows.slice(0, 1));
      ledger_->in(1, rows.slice(0, 1).body_bytes());
      return 1;
    }
    if (fits > 0) {
      hold(rows.slice(0, fits));
    }
    if (held_ == wanted_ || fits < rows.rows()) {
      pack();
    }
    return fits;
  }

  void hold(const EventBatch& rows) {
    const TimePoint now = clock_->now();
    if (held_ == 0) {
      first_ = rows.slice(0, 1).with_token({});
      first_ = first_.with_bodies(std::vector<std::string_view>(1), first_.delimiter()).with_only_attributes({});
      deadline_ = now + latency_;
    }
    if (latency_ == Duration(0)) {
      deadline_ = now + kIdle;  // else rows that nothing follows would never be settled (R10)
    }
    shares_.push_back({rows.token(), rows.rows(), rows.body_bytes()});
    held_ += rows.rows();
    ledger_->in(rows.rows(), rows.body_bytes());
  }

  void pack() {
    if (held_ == 0) {
      return;
    }
    const EventBatch packed = first_.with_constant(kSize, big_endian(held_)).with_constant(kData, payload_);
    outbox_.push(packed.with_token(AckToken::join(shares_, 1)));
    ledger_->filtered(held_ - 1);
    forget();
  }

  void forget() {
    first_ = {};
    shares_.clear();
    payload_.clear();
    held_ = 0;
  }

  void let_go() {
    if (held_ == 0 && outbox_.empty()) {
      return;
    }
    ledger_->out(held_ + outbox_.rows(), 0);  // given back, in a way
    for (const AckToken::Share& share : shares_) {
      share.token.settle(share.rows, Outcome::kNotDelivered, {}, share.bytes);
    }
    forget();
    outbox_.clear();
    report_held();
  }

  Status drain(const Wait& wait) {
    Status status = outbox_.empty() ? Status() : outbox_.drain(*sub_, wait, *ledger_);
    report_held();
    return status;
  }

  void report_held() { ledger_->held(int64_t{held_} + outbox_.rows()); }

  const uint32_t wanted_;
  const Duration latency_;
  Clock* clock_ = nullptr;
  size_t largest_ = 0;

  // Rows taken and not packed yet: their binary form, who is owed, and the event that will carry them.
  EventBatch first_;
  std::vector<AckToken::Share> shares_;
  std::string payload_;
  uint32_t held_ = 0;
  TimePoint deadline_{};

  BinaryEvents events_;
  Outbox outbox_;
  std::optional<RowLedger> ledger_;
};

class UnbatchDecorator final : public RowExpand {
 public:
  using RowExpand::RowExpand;

 protected:
  bool concerns(const EventBatch& batch) const override {
    const auto names = batch.attribute_names();
    return std::find(names.begin(), names.end(), kData) != names.end() &&
           std::find(names.begin(), names.end(), kSize) != names.end();
  }

  Result<bool> expand(const EventBatch& batch, uint32_t row, std::vector<Event>& out) override {
    const auto size = batch.attribute(row, kSize);
    const auto data = batch.attribute(row, kData);
    if (!size || !data) {
      return false;
    }
    if (size->size() != 4) {
      return corrupt("the attribute batchSize has not 4 bytes");
    }
    uint32_t left = 0;
    for (const char byte : *size) {
      left = left << 8 | static_cast<uint8_t>(byte);
    }
    if (left == 0) {
      return corrupt("it holds no event");
    }
    std::string_view bytes = *data;
    for (; left > 0; --left) {
      size_t used = 0;
      FLUME_ASSIGN_OR_RETURN(Event event, read_writable_event(bytes, limits(), &used));
      out.push_back(std::move(event));
      bytes.remove_prefix(used);
    }
    if (!bytes.empty()) {
      return corrupt("bytes follow its last event");
    }
    return true;
  }

 private:
  static Status corrupt(std::string_view what) { return {Code::kCorrupt, "unbatch: " + std::string(what)}; }
};

void register_batch(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "batch";
  spec.summary = "Packs n events into one.";
  spec.doc =
      "The event has no body and the attributes `batchSize` and `batchData`, with the events in the classic binary "
      "form; unbatch gives them back. Time, host and priority are those of the first. Fewer than n are packed when "
      "the latency is over, when more would not fit an attribute, at a flush and at close. An event that does not fit "
      "an attribute alone passes as it is. What is lost on the way is lost for all of them: a decorator that tries "
      "again belongs below batch. Between two nodes of this system it is not needed: they send batches anyway.";
  lang::ArgSpec count{.name = "n", .doc = "How many events become one.", .unit = "events"};
  count.type = lang::ArgType::kInteger;
  count.min = 1;
  count.max = 1'000'000;
  count.required = true;
  lang::ArgSpec latency{.name = "latencyMs",
                        .doc =
                            "An event waits no longer than this for the others. 0: until no "
                            "event came for a second.",
                        .default_text = "0"};
  latency.type = lang::ArgType::kDuration;
  latency.min = 0;
  spec.args = {count, latency};
  spec.remakes_rows = true;
  spec.examples = {{"batch(100, 1000) console", "A hundred events in one, or those of a second."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<BatchDecorator>(build.sink(plan.children[0]), static_cast<uint32_t>(plan.args.integer("n")),
                                            plan.args.duration("latencyMs"));
  });
}

void register_unbatch(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "unbatch";
  spec.summary = "Gives back the events that batch packed.";
  spec.doc =
      "Other events pass. One that cannot be unpacked passes as it is and is counted in "
      "`flume_rows_not_understood_total`.";
  spec.remakes_rows = true;
  spec.examples = {{"gunzip unbatch console", "What classic agents sent with gzip and batch."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<UnbatchDecorator>(build.sink(plan.children[0]));
  });
}

}  // namespace

void register_decorator_batch(Registry& registry) {
  register_batch(registry);
  register_unbatch(registry);
}

}  // namespace flume::node

// roll(millis) { sink } — writes to its body for a while, then closes it and builds a new one.
//
// Every event gets the attribute rolltag, the name of the current period: `yyyyMMdd-HHmmssSSSZ.nanos.number` in local
// time, later tags sort behind earlier ones. A period without events goes on until there is one, so nothing empty is
// written. Rows that a body could not settle when it was closed go to the next one. Thread: driver.
#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <optional>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/units.h"
#include "common/text/local_time.h"
#include "node/runtime/registry.h"

namespace flume::node {
namespace {

constexpr char kRollTag[] = "rolltag";
constexpr Duration kCloseTime = 30s;  // for a body whose time is over
constexpr Duration kRetryReturned = 10ms;

struct RollOptions {
  Duration period;
  uint64_t bytes = std::numeric_limits<uint64_t>::max();  // of bodies; also ends a period
};

// Unlike a time alone never the same twice, not in two processes either.
class RollTags {
 public:
  std::string next(Clock& clock) {
    const LocalTime time = TimeZone::local().at(clock.wall_millis());
    last_nanos_ = std::max(last_nanos_ + 1, clock.monotonic_nanos());
    std::string tag;
    append_padded(tag, time.year, 4);
    append_padded(tag, time.month, 2);
    append_padded(tag, time.day, 2);
    tag += '-';
    append_padded(tag, time.hour, 2);
    append_padded(tag, time.minute, 2);
    append_padded(tag, time.second, 2);
    append_padded(tag, time.millis, 3);
    const int minutes = time.utc_offset_seconds / 60;
    tag += minutes < 0 ? '-' : '+';
    append_padded(tag, std::abs(minutes) / 60, 2);
    append_padded(tag, std::abs(minutes) % 60, 2);
    tag += '.';
    append_padded(tag, last_nanos_, 12);
    tag += '.';
    append_padded(tag, number_, 8);
    return tag;
  }

 private:
  const int64_t number_ = static_cast<int64_t>(random_seed() % 100'000'000);
  int64_t last_nanos_ = 0;
};

class Roll final : public Sink {
 public:
  Roll(std::function<std::unique_ptr<Sink>()> make_body, RollOptions options)
      : make_body_(std::move(make_body)), options_(options) {}

  Status open(Context& context, const Wait& wait) override {
    context_ = &context;
    ledger_.emplace(context.metrics);
    rolls_ = &context.metrics.counter("flume_rolls_total");
    roll_failures_ = &context.metrics.counter("flume_roll_failures_total");
    return start(wait);
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    uint32_t taken = 0;
    while (taken < batch.rows()) {
      if (Status status = prepare(wait); !status.ok()) {
        return {std::move(status), taken};
      }
      const EventBatch part = batch.slice(taken, rows_until_full(batch, taken));
      const AppendResult result = give(part, wait);
      if (result.taken > 0) {
        const uint64_t bytes = part.slice(0, result.taken).body_bytes();
        ledger_->in(result.taken, bytes);
        ledger_->out(result.taken, bytes);
        taken += result.taken;
      }
      if (!result.status.ok()) {
        return {result.status, taken};
      }
    }
    return {{}, taken};
  }

  TimePoint due() const override {
    if (body_ == nullptr) {
      return TimePoint::max();
    }
    const TimePoint own =
        std::min(rows_ > 0 ? period_end_ : TimePoint::max(), returned_.empty() ? TimePoint::max() : next_send_);
    return std::min(own, body_->due());
  }

  Status tick(TimePoint now) override {
    if (body_ == nullptr) {
      return {};
    }
    if (rows_ > 0 && now >= period_end_) {
      FLUME_RETURN_IF_ERROR(roll(Wait::for_duration(kCloseTime)));
    } else if (body_->due() <= now) {
      FLUME_RETURN_IF_ERROR(body_->tick(now));
    }
    return send_returned(Wait{TimePoint::min(), {}});
  }

  Status flush(const Wait& wait) override {
    if (body_ == nullptr) {
      return returned_.empty() ? Status() : unavailable("flush: no file is open for rows that were given back");
    }
    FLUME_RETURN_IF_ERROR(send_returned(wait));
    return body_->flush(wait);
  }

  std::vector<EventBatch> take_back() override {
    collect_returned();
    std::vector<EventBatch> all(returned_.begin(), returned_.end());
    returned_.clear();
    return all;
  }

  Status close(const Wait& wait) override {
    if (body_ == nullptr) {
      return {};
    }
    Status status = send_returned(wait);
    Status closed = body_->close(wait);
    collect_returned();
    body_.reset();
    return closed.ok() ? status : closed;
  }

 private:
  // A new period with a new body. On failure there is no body.
  Status start(const Wait& wait) {
    body_ = make_body_();
    if (Status status = body_->open(*context_, wait); !status.ok()) {
      body_.reset();
      return status;
    }
    tag_ = tags_.next(context_->clock);
    period_end_ = context_->clock.now() + options_.period;
    rows_ = 0;
    bytes_ = 0;
    return {};
  }

  Status roll(const Wait& wait) {
    Status closed = body_->close(wait);
    if (!closed.ok()) {
      roll_failures_->add(1);
      FLUME_LOG_EVERY(60'000, kWarn, "closing failed; what was not delivered goes into the next roll",
                      kv("node", context_->logical_node), kv("path", context_->instance),
                      kv("error", closed.to_string()));
    }
    collect_returned();
    rolls_->add(1);
    return start(wait);
  }

  // A body is there, its period is not over, and what came back was given to it.
  Status prepare(const Wait& wait) {
    if (body_ == nullptr) {
      FLUME_RETURN_IF_ERROR(start(wait));
    }
    if (rows_ > 0 && (bytes_ >= options_.bytes || context_->clock.now() >= period_end_)) {
      FLUME_RETURN_IF_ERROR(roll(Wait::for_duration(kCloseTime, wait.stop)));
    }
    return send_returned(wait);
  }

  AppendResult give(const EventBatch& batch, const Wait& wait) {
    AppendResult result = body_->append(batch.with_constant(kRollTag, tag_), wait);
    rows_ += result.taken;
    if (options_.bytes != std::numeric_limits<uint64_t>::max() && result.taken > 0) {
      bytes_ += batch.slice(0, result.taken).body_bytes();
    }
    return result;
  }

  // The row that reaches the size is the last one of its period.
  uint32_t rows_until_full(const EventBatch& batch, uint32_t from) const {
    const uint32_t rest = batch.rows() - from;
    if (options_.bytes == std::numeric_limits<uint64_t>::max()) {
      return rest;
    }
    uint64_t bytes = bytes_;
    for (uint32_t i = 0; i < rest; ++i) {
      bytes += batch.body(from + i).size();
      if (bytes >= options_.bytes) {
        return i + 1;
      }
    }
    return rest;
  }

  void collect_returned() {
    if (body_ == nullptr) {
      return;
    }
    static const std::string names[] = {kRollTag};
    for (const EventBatch& batch : body_->take_back()) {
      returned_.push_back(batch.without_attributes(names));
    }
    next_send_ = context_->clock.now();
  }

  Status send_returned(const Wait& wait) {
    while (!returned_.empty()) {
      const EventBatch batch = returned_.front();
      const AppendResult result = give(batch, wait);
      if (result.taken == batch.rows()) {
        returned_.pop_front();
      } else if (result.taken > 0) {
        returned_.front() = batch.from(result.taken);
      }
      if (!result.status.ok()) {
        next_send_ = context_->clock.now() + kRetryReturned;
        return result.status;
      }
    }
    return {};
  }

  const std::function<std::unique_ptr<Sink>()> make_body_;
  const RollOptions options_;
  RollTags tags_;
  std::unique_ptr<Sink> body_;  // null: closed, or the last attempt to build one failed
  std::string tag_;
  TimePoint period_end_ = TimePoint::max();
  uint64_t rows_ = 0;  // of this period
  uint64_t bytes_ = 0;
  std::deque<EventBatch> returned_;  // of bodies that are closed
  TimePoint next_send_ = TimePoint::min();
  Context* context_ = nullptr;
  std::optional<RowLedger> ledger_;
  Counter* rolls_ = nullptr;
  Counter* roll_failures_ = nullptr;
};

RollOptions options_of(const lang::Args& args) {
  RollOptions options{.period = args.duration("rollmillis")};
  const lang::FunctionValue& trigger = args.function("trigger");
  if (trigger.name == "size" && !trigger.args.empty()) {
    options.bytes = static_cast<uint64_t>(std::get<int64_t>(trigger.args[0]));
  }
  return options;
}

lang::ComponentSpec describe() {
  lang::ComponentSpec spec;
  spec.name = "roll";
  spec.summary = "Writes to a sink for a while, then closes it and builds it anew.";
  spec.doc =
      "Every event gets the attribute `rolltag`, which names the period; use `%{rolltag}` in file names. A `rolltag` "
      "that an event already has is replaced. A period without events is not ended. Rows that could not be settled "
      "when a period was closed go into the next one.";
  lang::ArgSpec millis{.name = "rollmillis", .doc = "how long one period lasts"};
  millis.unit = "ms";
  millis.type = lang::ArgType::kDuration;
  millis.min = 1;
  millis.required = true;
  lang::ArgSpec check{.name = "checkmillis",
                      .doc = "accepted for older specifications; periods end on time without it"};
  check.default_text = "250";
  check.unit = "ms";
  check.type = lang::ArgType::kDuration;
  check.min = 1;
  lang::ArgSpec trigger{
      .name = "trigger",
      .doc = "`time`: the period alone; `size(bytes)`: also when so many bytes of bodies were written"};
  trigger.default_text = "time";
  trigger.type = lang::ArgType::kFunction;
  trigger.one_of = {"time", "size(bytes)"};
  trigger.keyword_only = true;
  spec.args = {millis, check, trigger};
  spec.examples = {
      {R"(roll(60000) { counter("lines") })", "Counts, in periods of a minute."},
      {R"(roll(60000, trigger=size(100000000)) { null })", "A new period every minute, or after 100 MB."},
  };
  return spec;
}

}  // namespace

void register_compose_roll(Registry& registry) {
  registry.add_sink(describe(), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<Roll>(build.again(plan.children[0]), options_of(plan.args));
  });
}

}  // namespace flume::node

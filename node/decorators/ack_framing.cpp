// ackInjector and ackChecker — the classic system's end-to-end framing. A group of events is what was sent between an
// open and a close; every event of it says so in three attributes:
//
//   AckType      "beg", "msg" or "end"; the first and the last of a group are events of their own, without a body
//   AckTag       names the group
//   AckChecksum  8 bytes, big-endian: beg a start value, msg the CRC-32 of the body, end the exclusive or of all these
//
// ackChecker tells whole groups from damaged ones. The order within a group does not matter. Between nodes of this
// system nobody needs this: their links say what has become durable.
#include <zlib.h>

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/runtime/outbox.h"
#include "node/runtime/registry.h"

namespace flume::node {
namespace {

constexpr std::string_view kType = "AckType";
constexpr std::string_view kTag = "AckTag";
constexpr std::string_view kChecksum = "AckChecksum";
constexpr std::string_view kBegin = "beg";
constexpr std::string_view kMessage = "msg";
constexpr std::string_view kEnd = "end";

constexpr size_t kMaxGroups = 10'000;  // begun and not ended; beyond, the one that was quiet longest is given up
constexpr size_t kMaxTag = 256;        // bytes; a classic tag has about fifty
constexpr Duration kMaxQuiet = std::chrono::hours(1);

uint64_t checksum_of(std::string_view body) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
}

std::string encoded(uint64_t checksum) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(checksum >> (56 - 8 * i));
  }
  return bytes;
}

std::optional<uint64_t> decoded(std::optional<std::string_view> bytes) {
  if (!bytes || bytes->size() != 8) {
    return std::nullopt;
  }
  uint64_t checksum = 0;
  for (const char byte : *bytes) {
    checksum = checksum << 8 | static_cast<uint8_t>(byte);
  }
  return checksum;
}

// A group begins with its first event, so that an idle flow sends none.
class AckInjector final : public Decorator {
 public:
  using Decorator::Decorator;

  Status open(Context& context, const Wait& wait) override {
    context_ = &context;
    if (!ledger_) {
      ledger_.emplace(context.metrics);
    }
    forget();
    return Decorator::open(context, wait);
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (tag_.empty()) {
      begin();
    }
    if (Status status = drain(wait); !status.ok()) {
      return {std::move(status), 0};
    }
    std::vector<std::string> checksums;
    std::vector<std::optional<std::string_view>> values;
    checksums.reserve(batch.rows());  // views into them stay valid
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      values.emplace_back(checksums.emplace_back(encoded(checksum_of(batch.body(row)))));
    }
    AppendResult result = Decorator::append(
        batch.with_constant(kTag, tag_).with_constant(kType, kMessage).with_attribute(kChecksum, values), wait);
    for (uint32_t row = 0; row < result.taken; ++row) {
      sum_ ^= checksum_of(batch.body(row));
    }
    if (result.taken > 0) {
      const uint64_t bytes = batch.slice(0, result.taken).body_bytes();
      ledger_->in(result.taken, bytes);
      ledger_->out(result.taken, bytes);
    }
    return result;
  }

  TimePoint due() const override { return outbox_.empty() ? Decorator::due() : TimePoint::min(); }
  Status tick(TimePoint now) override {
    FLUME_RETURN_IF_ERROR(outbox_.drain_briefly(*sub_, *ledger_));
    ledger_->held(outbox_.rows());
    return sub_->due() <= now ? sub_->tick(now) : Status();
  }
  Status flush(const Wait& wait) override {
    FLUME_RETURN_IF_ERROR(drain(wait));
    return Decorator::flush(wait);
  }
  // Rows are read again, and get their attributes again.
  std::vector<EventBatch> take_back() override {
    (void)Decorator::take_back();
    if (ledger_ && !outbox_.empty()) {
      ledger_->out(outbox_.rows(), 0);
      ledger_->held(0);
    }
    outbox_.clear();
    return {};
  }
  Status close(const Wait& wait) override {
    Status status;
    if (!tag_.empty()) {
      push_marker(kEnd, sum_);
      status = drain(wait);
      tag_.clear();
    }
    Status below = Decorator::close(wait);
    return status.ok() ? below : status;
  }

 private:
  void begin() {
    tag_ = str_cat(context_->identity.host, context_->clock.monotonic_nanos());
    sum_ = static_cast<uint64_t>(context_->clock.wall_millis());
    push_marker(kBegin, sum_);
  }

  void push_marker(std::string_view type, uint64_t checksum) {
    Event event;
    event.timestamp = context_->clock.wall_millis();
    event.nanos = context_->clock.monotonic_nanos();
    event.host = context_->identity.host;
    event.attributes = {{std::string(kTag), tag_},
                        {std::string(kType), std::string(type)},
                        {std::string(kChecksum), encoded(checksum)}};
    BuilderOptions options;
    options.origin = new_origin(*context_);
    BatchBuilder builder(std::move(options));
    FLUME_CHECK(builder.add(event), "a marker fits an empty batch");
    outbox_.push(builder.seal({}));
    ledger_->added(1);
  }

  Status drain(const Wait& wait) {
    Status status = outbox_.empty() ? Status() : outbox_.drain(*sub_, wait, *ledger_);
    ledger_->held(outbox_.rows());
    return status;
  }

  void forget() {
    tag_.clear();
    outbox_.clear();
  }

  Context* context_ = nullptr;
  std::optional<RowLedger> ledger_;
  Outbox outbox_;    // markers
  std::string tag_;  // of the group; empty: none has begun
  uint64_t sum_ = 0;
};

// The groups that have begun, and what has become of the others.
class AckGroups {
 public:
  AckGroups(const Context& context)
      : clock_(context.clock),
        verified_(context.metrics.counter("flume_ack_groups_verified_total")),
        no_begin_(context.metrics.counter("flume_ack_groups_damaged_total", {{"reason", "no_begin"}})),
        checksum_(context.metrics.counter("flume_ack_groups_damaged_total", {{"reason", "checksum"}})),
        unfinished_(context.metrics.counter("flume_ack_groups_damaged_total", {{"reason", "unfinished"}})),
        unexpected_(context.metrics.counter("flume_ack_events_unexpected_total")),
        damaged_(context.metrics.counter("flume_ack_events_damaged_total")),
        open_(context.metrics.gauge("flume_ack_groups_open")) {}

  static bool is_marker(const EventBatch& batch, uint32_t row) {
    const auto type = batch.attribute(row, kType);
    return type == kBegin || type == kEnd;
  }

  void see(const EventBatch& batch, uint32_t row) {
    const auto type = batch.attribute(row, kType);
    if (!type) {
      return;
    }
    const std::string_view tag = batch.attribute(row, kTag).value_or("");
    const auto checksum = decoded(batch.attribute(row, kChecksum));
    if (type == kBegin) {
      begin(tag, checksum);
    } else if (type == kEnd) {
      end(tag, checksum);
    } else if (type == kMessage) {
      message(tag, checksum, checksum_of(batch.body(row)));
    }
  }

 private:
  struct Group {
    uint64_t sum = 0;
    uint64_t events = 0;
    TimePoint seen{};
  };

  // One that begins again was sent again: what was seen of it before counts no more.
  void begin(std::string_view tag, std::optional<uint64_t> checksum) {
    if (tag.empty() || tag.size() > kMaxTag || !checksum) {
      return;  // its events and its end will not be expected
    }
    const TimePoint now = clock_.now();
    if (groups_.size() >= kMaxGroups || now - swept_ >= kMaxQuiet) {
      sweep(now);
    }
    groups_[std::string(tag)] = {*checksum, 0, now};
    open_.set(static_cast<int64_t>(groups_.size()));
  }

  void message(std::string_view tag, std::optional<uint64_t> said, uint64_t checksum) {
    if (said != checksum) {
      damaged_.add(1);
    }
    const auto group = groups_.find(tag);
    if (group == groups_.end()) {
      unexpected_.add(1);
      return;
    }
    group->second.sum ^= checksum;
    ++group->second.events;
    group->second.seen = clock_.now();
  }

  void end(std::string_view tag, std::optional<uint64_t> checksum) {
    const auto group = groups_.find(tag);
    if (group == groups_.end()) {
      report(no_begin_, tag.substr(0, kMaxTag), "its begin was not seen", 0);
      return;
    }
    if (group->second.sum == checksum) {
      verified_.add(1);
    } else {
      report(checksum_, tag, "its events do not give its checksum", group->second.events);
    }
    groups_.erase(group);
    open_.set(static_cast<int64_t>(groups_.size()));
  }

  // Gives up those that were quiet for long, or the one that was quiet longest.
  void sweep(TimePoint now) {
    swept_ = now;
    for (auto group = groups_.begin(); group != groups_.end();) {
      if (now - group->second.seen < kMaxQuiet) {
        ++group;
        continue;
      }
      report(unfinished_, group->first, "it has not ended", group->second.events);
      group = groups_.erase(group);
    }
    if (groups_.size() >= kMaxGroups) {
      const auto quietest = std::min_element(
          groups_.begin(), groups_.end(), [](const auto& a, const auto& b) { return a.second.seen < b.second.seen; });
      report(unfinished_, quietest->first, "it has not ended, and too many are open", quietest->second.events);
      groups_.erase(quietest);
    }
  }

  static void report(Counter& counter, std::string_view tag, std::string_view what, uint64_t events) {
    counter.add(1);
    FLUME_LOG_EVERY(60'000, kWarn, "a group of events is damaged", kv("tag", quoted(tag)), kv("reason", what),
                    kv("events_seen", events));
  }

  Clock& clock_;
  Counter& verified_;
  Counter& no_begin_;
  Counter& checksum_;
  Counter& unfinished_;
  Counter& unexpected_;
  Counter& damaged_;
  Gauge& open_;
  std::map<std::string, Group, std::less<>> groups_;
  TimePoint swept_{};
};

// Markers end here: they are no events of the user's, and count as delivered.
class AckChecker final : public Decorator {
 public:
  using Decorator::Decorator;

  Status open(Context& context, const Wait& wait) override {
    if (!ledger_) {
      ledger_.emplace(context.metrics);
      groups_.emplace(context);  // for good: a group may go on when the sink below is opened again
    }
    return Decorator::open(context, wait);
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    const auto names = batch.attribute_names();
    const bool framed = std::find(names.begin(), names.end(), kType) != names.end();
    pass_.clear();
    for (uint32_t row = 0; framed && row < batch.rows(); ++row) {
      if (!AckGroups::is_marker(batch, row)) {
        pass_.push_back(row);
      }
    }
    const bool all = !framed || pass_.size() == batch.rows();
    AppendResult below;
    if (all || !pass_.empty()) {
      below = Decorator::append(all ? batch : batch.pick(pass_), wait);
    }
    uint32_t decided = below.taken;
    if (!all) {
      decided = below.taken < pass_.size() ? pass_[below.taken] : batch.rows();
    }
    for (uint32_t row = 0; framed && row < decided; ++row) {
      groups_->see(batch, row);
      if (!all && AckGroups::is_marker(batch, row)) {
        batch.slice(row, 1).settle(Outcome::kDelivered);
      }
    }
    if (decided > 0) {
      const uint64_t bytes = batch.slice(0, decided).body_bytes();
      ledger_->in(decided, bytes);
      ledger_->out(below.taken, bytes);
      ledger_->filtered(decided - below.taken);
    }
    return {std::move(below.status), decided};
  }

 private:
  std::vector<uint32_t> pass_;  // kept to save the allocation
  std::optional<RowLedger> ledger_;
  std::optional<AckGroups> groups_;
};

}  // namespace

void register_decorator_ack_framing(Registry& registry) {
  lang::ComponentSpec injector;
  injector.name = "ackInjector";
  injector.summary = "Frames what is sent between an open and a close, as the classic end-to-end agent does.";
  injector.doc =
      "Every event gets the attributes `AckTag`, `AckType` and `AckChecksum`; one more event opens the group and one "
      "closes it. A group begins with its first event, so nothing is sent while nothing comes. For classic collectors.";
  injector.examples = {{"ackInjector console", "A begin, the events, and an end when the node stops."}};
  registry.add_decorator(std::move(injector), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<AckInjector>(build.sink(plan.children[0]));
  });
  lang::ComponentSpec checker;
  checker.name = "ackChecker";
  checker.summary = "Checks the groups that classic end-to-end agents send.";
  checker.doc =
      "The events that open and close a group end here; all others pass, those of no group too. Groups are counted in "
      "`flume_ack_groups_verified_total` and, with the log, `flume_ack_groups_damaged_total{reason}`: `checksum`, "
      "`no_begin` and `unfinished` (no end for an hour). Part of `collectorSink` and `collector() { }`, and of "
      "every other sink behind `collectorSource` or `rpcSource` that sends nothing on.";
  checker.examples = {{"ackChecker console", "The events without those that only frame them."}};
  registry.add_decorator(std::move(checker), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<AckChecker>(build.sink(plan.children[0]));
  });
}

}  // namespace flume::node

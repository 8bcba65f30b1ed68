// lazyOpen, insistentOpen, insistentAppend, stubbornAppend — how patiently a sink is opened and fed.
#include <poll.h>

#include "common/base/text.h"
#include "node/runtime/registry.h"
#include "node/runtime/retry.h"

namespace flume::node {
namespace {

// Opens at the first append: a sink that gets nothing is never opened.
class LazyOpen final : public Decorator {
 public:
  using Decorator::Decorator;

  Status open(Context& context, const Wait&) override {
    context_ = &context;
    is_open_ = false;
    return {};
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (!is_open_) {
      if (Status status = Decorator::open(*context_, wait); !status.ok()) {
        return {std::move(status), 0};
      }
      is_open_ = true;
    }
    return Decorator::append(batch, wait);
  }
  TimePoint due() const override { return is_open_ ? Decorator::due() : TimePoint::max(); }
  Status tick(TimePoint now) override { return is_open_ ? Decorator::tick(now) : Status(); }
  Status flush(const Wait& wait) override { return is_open_ ? Decorator::flush(wait) : Status(); }
  Status close(const Wait& wait) override {
    if (!is_open_) {
      return {};
    }
    is_open_ = false;
    return Decorator::close(wait);
  }
  bool reads_bodies() const override { return false; }

 private:
  Context* context_ = nullptr;
  bool is_open_ = false;
};

struct Patience {
  BackoffOptions backoff;
  std::optional<Duration> give_up_after;  // none: never
};

// Tries again with growing pauses until it works, the wait is over, or patience ends. A pause that the wait cuts short
// goes on in the next call.
class Insistence {
 public:
  explicit Insistence(Patience patience) : patience_(patience), backoff_(patience.backoff) {}

  void use(Clock& clock) { clock_ = &clock; }
  void succeeded() {
    backoff_.reset();
    next_try_.reset();
    failing_since_.reset();
  }
  // After a failure with `status`. True: try again now. False: leave with `status`, which may have been changed.
  bool again_after(Status& status, const Wait& wait) {
    if (status.kind() == Kind::kClosed) {
      return false;
    }
    const TimePoint now = clock_->now();
    failing_since_ = failing_since_.value_or(now);
    if (patience_.give_up_after && now - *failing_since_ >= *patience_.give_up_after) {
      failing_since_.reset();
      status = status.with_context("gave up");
      return false;
    }
    next_try_ = now + backoff_.next();
    return pause(wait);
  }
  // Ends a pause that an earlier call began. False: the wait is over first.
  bool pause(const Wait& wait) {
    while (next_try_ && clock_->now() < *next_try_) {
      if (wait.over()) {
        return false;
      }
      pollfd stop{wait.stop.fd(), POLLIN, 0};
      ::poll(&stop, 1, wait.at_most(*next_try_).poll_millis());
    }
    next_try_.reset();
    return true;
  }

 private:
  const Patience patience_;
  Backoff backoff_;
  Clock* clock_ = nullptr;
  std::optional<TimePoint> next_try_;
  std::optional<TimePoint> failing_since_;
};

Status wait_ended(const Wait& wait, std::string_view what) {
  return wait.stop.stop_requested() ? stopped() : Status(Code::kTimeout, str_cat(what, ": waiting to try again"));
}

class InsistentOpen final : public Decorator {
 public:
  InsistentOpen(std::unique_ptr<Sink> sub, Patience patience) : Decorator(std::move(sub)), insistence_(patience) {}

  Status open(Context& context, const Wait& wait) override {
    insistence_.use(context.clock);
    if (!insistence_.pause(wait)) {
      return wait_ended(wait, "insistentOpen");
    }
    while (true) {
      Status status = Decorator::open(context, wait);
      if (status.ok()) {
        insistence_.succeeded();
        return {};
      }
      if (!insistence_.again_after(status, wait)) {
        return status;
      }
    }
  }
  bool reads_bodies() const override { return false; }

 private:
  Insistence insistence_;
};

class InsistentAppend final : public Decorator {
 public:
  InsistentAppend(std::unique_ptr<Sink> sub, Patience patience) : Decorator(std::move(sub)), insistence_(patience) {}

  Status open(Context& context, const Wait& wait) override {
    insistence_.use(context.clock);
    return Decorator::open(context, wait);
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (!insistence_.pause(wait)) {
      return {wait_ended(wait, "insistentAppend"), 0};
    }
    uint32_t taken = 0;
    while (true) {
      AppendResult below = Decorator::append(batch.from(taken), wait);
      taken += below.taken;
      if (below.taken > 0) {
        insistence_.succeeded();
      }
      if (below.status.ok()) {
        return {{}, taken};
      }
      const bool ended = below.status.code() == Code::kTimeout && wait.over();
      if (ended || !insistence_.again_after(below.status, wait)) {
        return {below.status, taken};
      }
    }
  }
  bool reads_bodies() const override { return false; }

 private:
  Insistence insistence_;
};

// One more chance: after a failure the sink is closed, opened and given the rest once.
class StubbornAppend final : public Decorator {
 public:
  using Decorator::Decorator;

  Status open(Context& context, const Wait& wait) override {
    context_ = &context;
    return Decorator::open(context, wait);
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    AppendResult first = Decorator::append(batch, wait);
    const Kind kind = first.status.kind();
    if (first.status.ok() || kind == Kind::kClosed || first.status.code() == Code::kTimeout) {
      return first;
    }
    // What the broken sink could not settle is let go: its rows count as not delivered and are offered again from
    // above.
    (void)Decorator::close(wait);
    (void)Decorator::take_back();
    if (Status status = Decorator::open(*context_, wait); !status.ok()) {
      return {status.with_context("reopen after a failure"), first.taken};
    }
    const AppendResult second = Decorator::append(batch.from(first.taken), wait);
    return {second.status, first.taken + second.taken};
  }
  bool reads_bodies() const override { return false; }

 private:
  Context* context_ = nullptr;
};

lang::ArgSpec duration_argument(std::string name, std::string doc, std::string default_text) {
  lang::ArgSpec argument{.name = std::move(name), .doc = std::move(doc)};
  argument.default_text = std::move(default_text);
  argument.unit = "ms";
  argument.type = lang::ArgType::kDuration;
  argument.min = 1;
  return argument;
}

std::vector<lang::ArgSpec> patience_arguments() {
  lang::ArgSpec initial = duration_argument("initial", "First pause; each next one is twice as long.", "1000");
  initial.setting = "flume.inisistentOpen.init.backoff";
  lang::ArgSpec longest = duration_argument("max", "Longest pause between two tries.", "60000");
  longest.setting = "flume.agent.failover.backoff.max";
  return {std::move(longest), std::move(initial),
          duration_argument("cumulativeMax", "Gives up after failing for this long; without it never.", "")};
}

Patience patience_of(const lang::Args& args) {
  Patience patience;
  patience.backoff.cap = args.duration("max");
  patience.backoff.initial = std::min(args.duration("initial"), patience.backoff.cap);
  if (args.has("cumulativeMax")) {
    patience.give_up_after = args.duration("cumulativeMax");
  }
  return patience;
}

lang::ComponentSpec describe(std::string name, std::string summary, std::string example, std::string meaning) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.examples = {{std::move(example), std::move(meaning)}};
  return spec;
}

}  // namespace

void register_decorator_retrying(Registry& registry) {
  registry.add_decorator(describe("lazyOpen", "Opens its sink at the first event.", R"(lazyOpen text("/tmp/out.log"))",
                                  "No file is made while nothing arrives."),
                         [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
                           return std::make_unique<LazyOpen>(build.sink(plan.children[0]));
                         });
  registry.add_decorator(
      describe("stubbornAppend", "After a failure reopens its sink and tries once more.",
               R"(stubbornAppend text("/tmp/out.log"))", "One failed write is survived by opening the file again."),
      [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
        return std::make_unique<StubbornAppend>(build.sink(plan.children[0]));
      });
  lang::ComponentSpec open =
      describe("insistentOpen", "Opens its sink again and again until it works.",
               R"(insistentOpen(5000) text("/tmp/out.log"))", "Tries at least every five seconds.");
  open.args = patience_arguments();
  registry.add_decorator(std::move(open), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<InsistentOpen>(build.sink(plan.children[0]), patience_of(plan.args));
  });
  lang::ComponentSpec append =
      describe("insistentAppend", "Gives an event to its sink again and again until it is taken.",
               R"(insistentAppend stubbornAppend text("/tmp/out.log"))", "Never gives up.");
  append.args = patience_arguments();
  registry.add_decorator(std::move(append), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<InsistentAppend>(build.sink(plan.children[0]), patience_of(plan.args));
  });
}

}  // namespace flume::node

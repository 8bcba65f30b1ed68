// delay(ms) — waits before each event.
#include <poll.h>

#include "node/runtime/registry.h"

namespace flume::node {
namespace {

// Until `when` or the end of the wait; true: the time has come.
bool wait_until(TimePoint when, Clock& clock, const Wait& wait) {
  while (clock.now() < when && !wait.over()) {
    pollfd stop{wait.stop.fd(), POLLIN, 0};
    ::poll(&stop, 1, wait.at_most(when).poll_millis());
  }
  return clock.now() >= when;
}

class DelayDecorator final : public Decorator {
 public:
  DelayDecorator(std::unique_ptr<Sink> sub, Duration delay) : Decorator(std::move(sub)), delay_(delay) {}

  Status open(Context& context, const Wait& wait) override {
    clock_ = &context.clock;
    ready_at_.reset();
    return Decorator::open(context, wait);
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (delay_ == Duration::zero()) {
      return Decorator::append(batch, wait);
    }
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      // Kept over calls: a wait that ends early goes on where it was.
      if (!ready_at_) {
        ready_at_ = clock_->now() + delay_;
      }
      if (!wait_until(*ready_at_, *clock_, wait)) {
        return {wait.stop.stop_requested() ? stopped() : Status(Code::kTimeout, "delay: the time is not over yet"),
                row};
      }
      const AppendResult below = Decorator::append(batch.slice(row, 1), wait);
      if (below.taken == 0) {
        return {below.status, row};
      }
      ready_at_.reset();
    }
    return {{}, batch.rows()};
  }
  bool reads_bodies() const override { return false; }

 private:
  const Duration delay_;
  Clock* clock_ = nullptr;
  std::optional<TimePoint> ready_at_;  // of the next row; none: its wait has not begun
};

}  // namespace

void register_decorator_delay(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "delay";
  spec.summary = "Waits before each event.";
  lang::ArgSpec delay{.name = "ms", .doc = "How long.", .default_text = "1000", .unit = "ms"};
  delay.type = lang::ArgType::kDuration;
  delay.min = 0;
  spec.args = {delay};
  spec.examples = {{"delay(10) console", "At most a hundred events a second."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<DelayDecorator>(build.sink(plan.children[0]), plan.args.duration("ms"));
  });
}

}  // namespace flume::node
